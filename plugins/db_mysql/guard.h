/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of the blocking calls of the client library, which knows whole seconds only and starts
 * them anew with every byte: one thread shuts the connection down when its time is over, and the call
 * that waits on it fails at once. [any] all
 */
#ifndef GUARD_H
#define GUARD_H

#include "site.h"

/* One connection under guard. fd is a duplicate of the library's: that one may be closed and its
 * number be somebody else's before the library has returned. Zeroed with fd -1 is a valid idle one. */
struct guard_watch {
	int fd;
	int64_t deadline_ms;
	bool is_armed, has_fired;
	struct guard_watch *next, *previous;
};

struct guard {
	struct site *site;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t is_changed;
	struct guard_watch *first;
	int64_t wake_ms; /* when the thread looks next */
	bool has_thread, is_stopping;
	pthread_t thread;
};

void guard_init(struct guard *guard, struct site *site);
void guard_fini(struct guard *guard);
/* From here on the connection is shut down at the deadline; false without a thread to do it. */
bool guard_arm(struct guard *guard, struct guard_watch *watch, int64_t deadline_ms);
/* Whether it was shut down since guard_arm. */
bool guard_disarm(struct guard *guard, struct guard_watch *watch);

#endif
