/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a provider, which answers JSON. [worker] */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include <jansson.h>
#include <pintle/plugin.h>

struct oauth2;

#define UPSTREAM_HEADERS_MAX 4

struct upstream_request {
	const char *url;
	const char *form;          /* POSTed as a form, once; NULL: GET */
	const char *token;         /* of the person who is asked about; or NULL */
	const char *authorization; /* a whole header, instead of token; or NULL */
	const char *accept;        /* NULL: any JSON */
};

struct upstream_answer {
	int32_t code;
	json_t *json; /* to be json_decref'ed; NULL after a fault */
	int64_t max_age_ms;
};

/* OK for any answer in JSON, whatever its code, but LIMITED for 429. */
int32_t upstream_ask(const struct oauth2 *self, struct pintle_call *call,
		     const struct upstream_request *request, struct upstream_answer *out);
/* Says in the log what the answer is instead of what it should be; answers PINTLE_UNAVAILABLE. */
int32_t upstream_senseless(const struct oauth2 *self, struct pintle_call *call, int32_t code,
			   const char *what);
/* What an answer calls "error", for the log: only words of letters, digits, '_', '-' and '.' are shown. Answers
 * the status that word has. */
int32_t upstream_judge(const struct oauth2 *self, struct pintle_call *call, int32_t code,
		       const char *word);

#endif
