/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on its way through the host, and the answer it is building. Owned by dispatch.c; handlers
 * are lent it on one thread at a time. What they leave in answer becomes the envelope. An op that is late
 * reads what came with it at any time, so nobody changes that any more once an op runs.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "answer.h"
#include "arena.h"
#include "http.h"
#include "pool.h"
#include "router.h"
#include "session.h"
#include "token.h"

#include <jansson.h>
#include <pintle/status.h>
#include <stdatomic.h>

struct host;
struct pintle_call;

/* Who is asking; valid when is_known. */
struct who {
	bool is_known;
	struct session session;
};

struct request {
	struct job job; /* first: what the pool runs */
	struct host *host;
	struct http_request *http;
	struct arena arena;
	const struct route *route;  /* found on the loop; NULL: none */
	const struct route *chosen; /* [worker] of its alternatives */
	struct route_params params;
	struct address client;
	char client_text[ADDRESS_TEXT_MAX];
	char id[65];
	const char *lang; /* "zh", "en" */
	struct slice bearer;
	struct token_claims claims; /* of bearer, when has_claims */
	bool has_claims;
	bool by_cookie;       /* claims name a session only */
	struct kv_op *looked; /* [worker] at the record of the session that claims name; or NULL */
	struct who who;
	json_t *fields; /* body, form or query as an object; never NULL on a worker; owned */
	struct answer answer;
	struct pintle_inst *inst; /* of the route, or named by its {provider} */
	struct pintle_call *call; /* [worker] the op it runs, or NULL; freed at its end */
	int64_t start_us;
	_Atomic int64_t deadline_ms;           /* monotonic */
	_Atomic(struct pintle_call *) pending; /* call, when its op will call done() */
	_Atomic bool is_over;                  /* answered 504: services answer TIMEOUT */
	bool is_verified_here;                 /* claims are news for the token cache */
	bool is_control;
	bool is_answered;                 /* [loop] */
	struct http_answer built;         /* what goes out */
	void (*resume)(struct request *); /* what a worker runs next */
	struct request *newer, *older;    /* [loop] of those in flight */
	_Atomic int n_holders; /* its way through the host, and the calls it is lent to */
};

/* ---- For dispatch.c ---- */

const char *request_lang(const struct request *request);
/* [worker] Body, form or query into fields; false when the answer is decided: 400, 415. */
bool request_read(struct request *request);
/* [worker] Among routes told apart by a field, the one this request means; false: 422. */
bool request_choose_route(struct request *request);

/* ---- For handlers; whichever thread runs the request ---- */

struct tx request_tx(const struct request *request); /* with the request's deadline */
const char *request_param(struct request *request, const char *name); /* in its arena; NULL */
const char *request_param_in(struct arena *arena, const struct request *request, const char *name);
/* NULL: absent, or no text, and then the answer is a 422 that names it. */
const char *request_field(struct request *request, const char *name);
/* Whether the client has shown a token or a cookie, good or not; and whether session is the one it names. */
bool request_has_credential(const struct request *request);
bool request_names_session(const struct request *request, const struct session *session);
/* An HTTP header of the request, in the arena; NULL when absent or given twice. */
const char *request_header(struct request *request, const char *name);
int64_t request_left_ms(const struct request *request);

#endif
