/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutex between processes in a file, fair between them, that outlives a killed holder. The thread
 * that takes it gives it back.
 */
#ifndef PROCESS_LOCK_H
#define PROCESS_LOCK_H

#include "site.h"

struct process_lock_shared;

/* Zeroed is a valid closed lock. */
struct process_lock {
	struct process_lock_shared *shared;
	int fd;
};

int32_t process_lock_open(struct process_lock *lock, struct site *site);
void process_lock_close(struct process_lock *lock);
int32_t process_lock_take(struct process_lock *lock, int64_t deadline_ms);
void process_lock_give(struct process_lock *lock);

#endif
