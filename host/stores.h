/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the stores answer now. */
#ifndef STORES_H
#define STORES_H

#include "request.h"

struct stores_up {
	bool db, kv;
};

/* [worker] Asks both, for at most two seconds each, and notes it in this worker's gauges. */
struct stores_up stores_ask(struct request *request);

#endif
