/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own handlers on real stores, without the edge: a request is made, its handler run, and the
 * answer read. */
#ifndef ASKING_H
#define ASKING_H

#include "host.h"
#include "people.h"
#include "request.h"
#include "routes.h"
#include "scratch.h"

#define ASKING_GRACE_MS 10000

/* Of two clients, one that may introspect: "svc:right", and a guess at it: "svc:wrong". */
#define RIGHT_CLIENT "Basic c3ZjOnJpZ2h0"
#define WRONG_CLIENT "Basic c3ZjOndyb25n"

struct asking {
	struct people *people;
	struct host host;
	struct board *board;
	char dir[SCRATCH_MAX];
	struct http_request http;
	struct request request; /* the last one */
};

/* Setup and teardown of cmocka; *state is a struct asking. */
int asking_setup(void **state);
int asking_teardown(void **state);

/* A new request with these fields, which it takes over; NULL: none. */
struct request *asking_prepare(struct asking *api, json_t *fields);
/* Runs a handler; the answer is lent until the next request. */
const struct answer *asking(struct asking *api, route_handler *run, json_t *fields);
const struct answer *asking_as(struct asking *api, const struct session *session,
			       route_handler *run, json_t *fields);
/* With an Authorization header; token NULL: the field is missing. */
const struct answer *asking_service(struct asking *api, const char *client, route_handler *run,
				    const char *token);
const struct answer *asking_refresh(struct asking *api, const char *token);
/* What introspection says. */
bool asking_is_active(struct asking *api, const char *token);
void asking_refused(const struct answer *answer, int status, const char *error);
const char *asking_text(const json_t *object, const char *name);

/* A new account with its first session, and tokens of a session. */
struct session asking_sign_in(struct asking *api, const char *phone);
char *asking_access_token(struct asking *api, const struct session *session);
const char *asking_refresh_token(struct asking *api, const struct session *session,
				 int64_t generation);

#endif
