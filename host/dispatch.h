/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request, in order, in one place: route, client address, limits, who is asking, permission,
 * handler, answer, log. dispatch_handle is the edge's handler.
 */
#ifndef DISPATCH_H
#define DISPATCH_H

#include "http.h"

#include <stddef.h>
#include <stdint.h>

struct host;
struct request;

/* What dispatching remembers: the requests in flight, for their deadlines. [loop] */
struct dispatch {
	struct request *newest;
	size_t n_running;
	uint64_t n_begun;
	char boot[16]; /* start of the ids this worker makes */
};

/* [main] Once, before the loop runs. */
void dispatch_start(struct host *host);
/* [loop] The edge's two callbacks; ctx is the host. */
void dispatch_handle(void *ctx, struct http_request *http);
void dispatch_refuse(void *ctx, int status, struct http_answer *out);
/* [any] Sends what the request's answer says and frees the request. For routes that finish themselves. */
void dispatch_finish(struct request *request);
/* [loop] Takes a request answered on the loop to a worker thread after all; run finishes it. */
void dispatch_to_worker(struct request *request, void (*run)(struct request *));
size_t dispatch_n_running(const struct host *host);

#endif
