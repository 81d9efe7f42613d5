/* SPDX-License-Identifier: Apache-2.0 */
/* A worker process: makes its host from the snapshot, serves, drains, ends. */
#ifndef WORKER_H
#define WORKER_H

#include "board.h"
#include "settings.h"
#include "snapshot.h"

struct worker_start {
	struct snapshot *snapshot;
	struct board *board;
	int slot;        /* in the board */
	int n_workers;   /* of the generation: shares the hashing threads */
	int *listen_fds; /* in the order of settings: listen, listen_tls; then the control socket */
	size_t n_listen;
	int order_pipe;
	int ready_pipe; /* one byte is written when it serves */
};

/* Serves until SIGTERM (or SIGQUIT: the generation is replaced); returns the exit status. Single-threaded
 * when called. */
int worker_run(const struct worker_start *start);
/* The checker's part: everything a worker does before it serves, migrations included, and undone again. */
bool worker_check(struct snapshot *snapshot, bool with_stores, struct err *err);

#endif
