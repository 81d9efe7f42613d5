/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's worker processes: started, watched, blamed and ended. */
#ifndef CREW_H
#define CREW_H

#include "board.h"
#include "generation.h"

#include <sys/types.h>

/* One worker; its place in crew.members is its slot in the board. */
struct member {
	pid_t pid; /* 0: the slot is free */
	struct generation *generation;
	int ready_fd; /* -1: closed */
	bool is_ready;
	bool is_retiring; /* it drains, and is being replaced; blame for it has been laid */
	int64_t start_ms;
};

struct crew {
	struct board *board;
	struct member members[BOARD_WORKERS];
	int control_fd, order_pipe;
	/* Called in a child: drops what is the supervisor's alone. */
	void (*leave_parent)(void *ctx, struct generation *own);
	void *ctx;
};

/* Starts what is missing of a generation, as far as slots and its pace allow. */
void crew_fill(struct crew *crew, struct generation *generation);
/* Reads a member's ready pipe; false when it said why it cannot serve. */
bool crew_hear(struct crew *crew, int slot, struct err *err);
/* Takes the next dead member away: its generation, or NULL when none has died. *was_ready_out: it served. */
struct generation *crew_reap(struct crew *crew, bool *was_ready_out);
/* Kills who has stopped turning its loop: it serves nobody, and nothing else would notice. */
void crew_end_silent(struct crew *crew);
void crew_retire(struct crew *crew, int slot);
void crew_resume(struct crew *crew, const char *instance);
void crew_signal(const struct crew *crew, const struct generation *generation, int signal);
size_t crew_count(const struct crew *crew, const struct generation *generation, bool only_ready);

#endif
