/* SPDX-License-Identifier: Apache-2.0 */
/* A worker process: makes its host from the snapshot, serves, drains, ends. */
#ifndef WORKER_H
#define WORKER_H

#include "board.h"
#include "listener.h"
#include "settings.h"
#include "snapshot.h"

struct host;
struct tls;

struct worker_start {
	struct snapshot *snapshot;
	struct board *board;
	int slot;      /* in the board */
	int n_workers; /* of the generation: shares the hashing threads */
	const struct listener *listeners;
	size_t n_listeners;
	int control_fd;
	int order_pipe;
	int ready_pipe; /* takes WORKER_READY when it serves, or the text why it cannot; then closed */
};

#define WORKER_READY '+'
#define WORKER_EXIT_RETIRED 71

/* Serves until SIGTERM (or SIGQUIT: the generation is replaced); returns the exit status. Single-threaded
 * when called. */
int worker_run(const struct worker_start *start);
/*
 * [any] An op of the instance does not return: the fault is noted (-2), the supervisor is told so that it
 * starts a replacement at once, and this worker drains and ends. Only the first call does anything.
 */
void worker_retire(struct host *host, int instance, const char *op);
/* The certificate of [server] listen_tls; without that NULL, which is fine. */
bool worker_load_tls(const struct settings *settings, const struct snapshot *snapshot,
		     struct tls **tls_out, struct err *err);

#endif
