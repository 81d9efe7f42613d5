/* SPDX-License-Identifier: Apache-2.0 */
/* A host made as a worker makes it, set to one task and undone: what the child of checker.h is for. */
#ifndef TRIAL_H
#define TRIAL_H

#include "snapshot.h"

#include <stdint.h>

struct board;
struct host;

/* [worker] Beside a running loop, which some stores need. */
typedef bool trial_fn(struct host *host, const void *arg, struct err *err);

struct trial {
	trial_fn *task; /* NULL: to be made is all, and nothing is written */
	const void *arg;
	int64_t max_ms; /* 0: as long as it takes */
};

/* Whether a worker could be made. */
extern const struct trial trial_look;
/* Also brings the schema up to date and joins the hosts that share the stores. */
extern const struct trial trial_stores;

/* board: a fresh one. */
bool trial_run(struct snapshot *snapshot, const struct trial *trial, struct board *board,
	       struct err *err);

#endif
