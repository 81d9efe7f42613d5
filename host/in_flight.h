/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a request: made when its head is whole, in flight until it is answered, and beyond that only
 * where an op that promised done() may still keep what it was lent. [loop] unless marked. */
#ifndef IN_FLIGHT_H
#define IN_FLIGHT_H

#include <stddef.h>

struct dispatch;
struct host;
struct http_request;
struct request;

/* Takes http over; knows the client, the language, the bearer token and its own id. */
struct request *in_flight_new(struct host *host, struct http_request *http);
void in_flight_end(struct request *request);
/* Answered 504, its op never called done(): out of flight, and kept. */
void in_flight_abandon(struct request *request);
/* [any] The op of an abandoned request has ended after all. */
void in_flight_give_back(struct request *request);
/* [main] Frees what was abandoned: no plugin runs any more. */
void in_flight_free_abandoned(struct host *host);
/* A new id of this worker's. */
void in_flight_make_id(struct dispatch *dispatch, char *out, size_t size);

#endif
