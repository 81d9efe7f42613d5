/* SPDX-License-Identifier: Apache-2.0 */
/* Making a worker's host, module by module in the order they need each other, and undoing it. */
#ifndef HOST_MAKE_H
#define HOST_MAKE_H

#include "host.h"

struct host_start {
	const struct settings *settings;
	struct snapshot *snapshot;
	struct board *board;
	struct board_worker *self;
	int order_pipe;
	size_t n_workers; /* of the generation: they share the hashing threads */
	const char *url;  /* of the first listener */
	bool is_dry;      /* only look: nothing is written to the state folder */
};

/* [main] Everything but the listeners. On failure err says why and host has been undone. */
bool host_make(struct host *host, const struct host_start *start, struct err *err);
/* Brings the schema of the core and of every plugin in db up to date. */
bool host_migrate(const struct host *host, const struct db *db, struct err *err);
/* After the loop has stopped and the pool is drained. */
void host_undo(struct host *host);

#endif
