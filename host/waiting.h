/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that somebody else finishes. Their opener asks verify, which waits; the browser or device that
 * has the proof comes to the provider's callback, or to an op of its own, and opens the flow by a ticket.
 */
#ifndef WAITING_H
#define WAITING_H

#include "call.h"

/* ---- The opener's side. [worker] ---- */

/* Whether the op may look at the proof of call's flow: OK at once for flows that do not wait and for
 * confirmed ones; PENDING: not yet; DENIED: it has failed. */
int32_t waiting_look(const struct pintle_call *call);
/* After the try was taken: whether the request brings the grant, where the flow has one. OK, DENIED
 * or INVALID. */
int32_t waiting_check_grant(struct pintle_call *call);

/* ---- The other side. [worker] ---- */

/* For the services of the same names. */
int32_t waiting_open(struct pintle_call *call, const char *ticket);
int32_t waiting_read(struct pintle_call *call, const char *flow_id);
/* For the op poll, which has no request: the flow, while it waits. EXPIRED: it waits no more. */
int32_t waiting_open_to_poll(struct pintle_call *call, const char *flow_id);
int32_t waiting_set_state(struct pintle_call *call, const char *name);
const char *waiting_ticket(struct pintle_call *call, uint32_t flags);
const char *waiting_grant(struct pintle_call *call);
/* After an op ended OK: what it changed of the flow it has opened is stored, its tickets become good, a
 * new state is told. CONFLICT, EXPIRED, or a fault: nothing has been changed, or it is unclear. */
int32_t waiting_store(struct pintle_call *call);
/* The tickets a begin has made, once its flow is stored. */
int32_t waiting_store_tickets(struct pintle_call *call);
/* Tells sockets on every worker and host what has become of a flow; "expired": it has ended. */
void waiting_tell(struct host *host, const char *flow_id, const char *state);

#endif
