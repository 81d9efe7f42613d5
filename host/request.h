/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on its way through the host, and the answer it is building. Owned by dispatch.c; handlers
 * are lent it on one thread at a time. What they leave in answer becomes the envelope.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "arena.h"
#include "http.h"
#include "limit.h"
#include "pool.h"
#include "router.h"
#include "session.h"
#include "token.h"

#include <jansson.h>
#include <pintle/status.h>

struct host;
struct call;

/* Who is asking; valid when is_known. */
struct who {
	bool is_known;
	struct session session;
};

struct answer {
	int status;        /* HTTP; 0: not decided yet */
	const char *error; /* stable name, NULL on success */
	json_t *data;      /* owned; NULL gives null */
	json_t *fields;    /* of a 422: [{field, reason}]; owned */
	json_t *raw;       /* instead of an envelope (RFC endpoints); owned */
	struct slice text; /* instead of JSON; lent, with text_type */
	const char *text_type;
	bool is_empty;          /* no body at all */
	int64_t retry_after_s;  /* > 0: the header */
	struct limit_hit limit; /* policy not NULL: RateLimit headers */
	char *headers;          /* more lines, CRLF each; in the arena */
};

struct request {
	struct job job; /* first: what the pool runs */
	struct host *host;
	struct http_request *http;
	struct arena arena;
	const struct route *route;
	struct route_params params;
	struct address client;
	char client_text[ADDRESS_TEXT_MAX];
	char id[65];
	const char *lang; /* "zh", "en" */
	struct slice bearer;
	struct token_claims claims; /* of bearer, when has_claims */
	bool has_claims;
	struct who who;
	json_t *fields; /* body, form or query as an object; never NULL on a worker; owned */
	struct answer answer;
	struct pintle_call *call;      /* the op running for it, or NULL */
	int64_t start_us, deadline_ms; /* monotonic */
	bool is_control;
	bool is_answered; /* [loop] */
};

/* ---- For handlers; all [worker] or [loop], whoever runs the request ---- */

struct tx request_tx(const struct request *request); /* with the request's deadline */
const char *request_param(const struct request *request, const char *name); /* in the arena; NULL */
const char *request_field(const struct request *request,
			  const char *name); /* NULL: absent, no text */
/* An HTTP header of the request, in the arena; NULL when absent or given twice. */
const char *request_header(struct request *request, const char *name);
int64_t request_left_ms(const struct request *request);

void answer_ok(struct request *request, json_t *data); /* takes data over; may be NULL */
/* From a status of the ABI: HTTP status and error name of answer.c's one table. */
void answer_status(struct request *request, int32_t status);
void answer_error(struct request *request, int http_status, const char *error);
void answer_invalid(struct request *request, const char *field,
		    const char *reason); /* 422, adds up */
void answer_limited(struct request *request, const struct limit_hit *hit);
void answer_header(struct request *request, const char *name, const char *value);
/* Whether name is one of the closed list of error names; its message in lang. */
const char *answer_message(const char *error, const char *lang);
/* The head and body of the answer as the edge wants them; body in the arena. */
void answer_build(struct request *request, struct http_answer *out);

#endif
