/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request, in order, in one place: route, client address, limits, who is asking, permission,
 * handler, answer, log. [loop] dispatch_handle is the edge's handler.
 */
#ifndef DISPATCH_H
#define DISPATCH_H

#include "http.h"
#include "request.h"

void dispatch_handle(void *ctx, struct http_request *http); /* ctx: struct host */
void dispatch_refuse(void *ctx, int status, struct http_answer *out);
/* [any] The handler is done with the request (also when it finished later): sends the answer. Exactly
 * once for each request whose handler did not answer on the loop. */
void dispatch_finish(struct request *request);
size_t dispatch_n_running(const struct host *host);

#endif
