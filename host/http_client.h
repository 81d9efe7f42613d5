/* SPDX-License-Identifier: Apache-2.0 */
/* Outgoing HTTP: one curl multi on the loop, used from worker threads by waiting. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "arena.h"
#include "err.h"
#include "loop.h"

#include <pintle/host.h>

struct http_client;

struct http_client *http_client_new(struct loop *loop);
void http_client_free(struct http_client *client); /* [loop] ends what runs */
/* [worker] UNAVAILABLE: no answer, or one too large; TIMEOUT: unclear, sent but not answered in time. The
 * answer's body is in the arena. A fault has its reason in why, for the log. */
int32_t http_client_do(struct http_client *client, struct arena *arena,
		       const struct pintle_request *request, int64_t deadline_ms,
		       struct pintle_answer *out, struct err *why);

#endif
