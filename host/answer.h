/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request is answered: the envelope of the API, the closed list of error names with their
 * messages, and the headers that go with each. One answer a request; the last word wins.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "http.h"
#include "limit.h"
#include "page.h"
#include "slice.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct request;

struct answer {
	int status;        /* HTTP; 0: not decided yet */
	const char *error; /* stable name, NULL on success */
	json_t *data;      /* owned; NULL gives null */
	json_t *fields;    /* of a 422: [{field, reason}]; owned */
	json_t *raw;       /* instead of an envelope (RFC endpoints); owned */
	struct slice text; /* instead of JSON; lent, with text_type */
	const char *text_type;
	bool is_lasting;        /* text is part of the program */
	bool is_empty;          /* no body at all */
	int64_t retry_after_s;  /* > 0: the header */
	struct limit_hit limit; /* policy not NULL: RateLimit headers */
	char *headers;          /* more lines, CRLF each; in the arena */
	/* Both as in struct http_answer. */
	void (*take_over)(void *ctx, struct http_conn *conn);
	void *take_over_ctx;
};

void answer_ok(struct request *request, json_t *data); /* takes data over; may be NULL */
/* From a status of the ABI: HTTP status and error name of answer.c's one table. */
void answer_status(struct request *request, int32_t status);
void answer_error(struct request *request, const char *error); /* asserts that it is listed */
/* The same with what can be done about it, which is taken over; NULL: nothing. */
void answer_refusal(struct request *request, const char *error, json_t *data);
void answer_invalid(struct request *request, const char *field,
		    const char *reason); /* 422, adds up */
void answer_limited(struct request *request, const struct limit_hit *hit);
void answer_header(struct request *request, const char *name, const char *value);
/* Whether name is one of the closed list of error names; its message in lang. */
const char *answer_message(const char *error, const char *lang);
/* The error name of a refusal of the edge, which knows statuses only: the first of the list with it. */
const char *answer_error_of(int http_status);
/* The head and body of the answer as the edge wants them; body in the arena. */
void answer_build(struct request *request, struct http_answer *out);

/* An error without the answer of a request: from the edge, or past the deadline. headers and body are filled,
 * and lent to out. */
struct answer_plain {
	int status;
	const char *error, *lang, *id;
	bool is_page;
	char headers[512], body[PAGE_ERROR_MAX];
};

void answer_plain(struct answer_plain *plain, struct http_answer *out);
void answer_fini(struct answer *answer);

#endif
