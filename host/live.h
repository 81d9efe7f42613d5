/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those who watch a flow live, over a WebSocket or an event stream. Each is shown the state when it
 * comes and at every change. A message on the bus only says that there is something to read, so nothing
 * depends on its order, and one that is lost is made up for by the next read. Whoever watches a flow
 * takes the place of who did before, on whatever worker or host that was. [loop] unless marked.
 */
#ifndef LIVE_H
#define LIVE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

struct host;
struct live;
struct live_kind;
struct request;

extern const struct live_kind live_websocket; /* live_websocket.c */
extern const struct live_kind live_stream;    /* live_stream.c: server-sent events */

/* [main] Listens on the bus from now on. NULL and a reason when the store refuses. */
struct live *live_new(struct host *host, struct err *err);
/* Answers a request for {flow_id}, whose handshake is done: by taking its connection over, or by a
 * refusal. Finishes it, maybe later. */
void live_open(struct live *live, struct request *request, const struct live_kind *kind);
/* Tells everybody to come again, and takes nobody any more. */
void live_drain(struct live *live);
size_t live_count(const struct live *live, const struct live_kind *kind);
/* [main] After the loop, before the edge. Accepts NULL. */
void live_free(struct live *live);

#endif
