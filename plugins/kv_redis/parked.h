/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that wait for a connection: copies, in order, each for a bounded time. [loop] */
#ifndef PARKED_H
#define PARKED_H

#include "base.h"

struct parked_op {
	struct parked_op *next;
	struct pintle_kv_request request; /* what it points to stands behind the struct */
	pintle_kv_done *done;
	void *ctx;
	int64_t until_ms;
};

/* Zeroed is empty. */
struct parked {
	struct parked_op *first, **end;
	size_t n;
};

/* False: there are too many, or no memory. */
bool parked_put(struct parked *parked, const struct pintle_kv_request *request,
		pintle_kv_done *done, void *ctx, int64_t until_ms);
/* The oldest, to be freed; NULL when there is none. */
struct parked_op *parked_take(struct parked *parked);
/* The same, if its time is over. */
struct parked_op *parked_take_overdue(struct parked *parked, int64_t now_ms);

#endif
