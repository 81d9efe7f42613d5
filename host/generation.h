/* SPDX-License-Identifier: Apache-2.0 */
/* One generation of workers as the supervisor sees it: what they are started from. */
#ifndef GENERATION_H
#define GENERATION_H

#include "board.h"
#include "listener.h"
#include "settings.h"
#include "snapshot.h"

struct generation {
	struct generation *next; /* the supervisor's list */
	int number;
	size_t n_workers;
	struct snapshot snapshot;
	struct settings settings;
	struct listeners listeners;
	bool is_leaving;       /* told to end; no worker of it is replaced */
	int64_t kill_at_ms;    /* monotonic; then what is left is killed */
	int64_t next_start_ms; /* no worker is started before */
	size_t n_quick_deaths; /* in a row */
};

/* Takes the snapshot over, also when it fails. before lends its sockets; NULL at first. */
struct generation *generation_new(struct snapshot *snapshot, const struct generation *before,
				  struct err *err);
void generation_free(struct generation *generation);
/* Gives every section of a plugin its index. One that finds no place is refused by host_make. */
void generation_name_instances(struct board *board, const struct conf *conf);

#endif
