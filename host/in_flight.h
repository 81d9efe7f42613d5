/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a request: made when its head is whole, in flight until it is answered, and beyond that only
 * as long as a call holds it, whose op promised done() and may still read it. [loop] unless marked. */
#ifndef IN_FLIGHT_H
#define IN_FLIGHT_H

#include <stddef.h>

struct dispatch;
struct host;
struct http_request;
struct request;

/* Takes http over; knows the client, the language, the bearer token and its own id. */
struct request *in_flight_new(struct host *host, struct http_request *http);
/* Answered: out of flight. Its memory goes with the last one who holds it. */
void in_flight_end(struct request *request);
/* [any] For a call: request stays until it is given back, once. */
struct request *in_flight_lend(struct request *request);
void in_flight_give_back(struct request *request);
/* A new id of this worker's. */
void in_flight_make_id(struct dispatch *dispatch, char *out, size_t size);

#endif
