/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short-lived child that reads conf.d, loads every plugin and tries everything, so that the
 * supervisor runs none of it. It hands back a snapshot, or one line that says what is wrong.
 */
#ifndef CHECKER_H
#define CHECKER_H

#include "snapshot.h"
#include "supervisor.h"
#include "trial.h"

#include <sys/types.h>

/* Zeroed: none is running. */
struct checker {
	pid_t pid;
	struct board *board; /* shared with it: which plugin it was in when it died */
	int socket;          /* readable when the result has come */
	int64_t deadline_ms;
};

bool checker_start(struct checker *checker, const struct supervisor_start *start,
		   const struct trial *trial, struct err *err);
/* Waits for the result and for the child's end. snapshot is filled when true. */
bool checker_finish(struct checker *checker, struct snapshot *snapshot, struct err *err);
/* Ends a running one. */
void checker_kill(struct checker *checker);

/* Where plugins are looked for: the configured folder, else "plugins" beside the program if there is
 * one, else where they are installed. */
void checker_plugin_dir(const char *configured, char *out, size_t out_len);
/* In a child just forked: ordinary signals, and the end of its parent is its own. */
void checker_become_child(pid_t parent, int death_signal);

#endif
