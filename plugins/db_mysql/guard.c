/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <sys/socket.h>

void guard_init(struct guard *guard, struct site *site)
{
	*guard = (struct guard){ .site = site, .wake_ms = INT64_MAX };
	(void)pthread_mutex_init(&guard->mutex, NULL);
	site_cond_init(&guard->is_changed);
}

static void unlink_watch(struct guard *guard, struct guard_watch *watch)
{
	if (watch->previous)
		watch->previous->next = watch->next;
	else
		guard->first = watch->next;
	if (watch->next)
		watch->next->previous = watch->previous;
	watch->next = watch->previous = NULL;
	watch->is_armed = false;
}

/* Shuts down what is due; the earliest deadline of the others. */
static int64_t fire_due(struct guard *guard, int64_t now_ms)
{
	int64_t earliest_ms = INT64_MAX;
	struct guard_watch *next;

	for (struct guard_watch *watch = guard->first; watch; watch = next) {
		next = watch->next;
		if (watch->deadline_ms > now_ms) {
			if (watch->deadline_ms < earliest_ms)
				earliest_ms = watch->deadline_ms;
			continue;
		}
		(void)shutdown(watch->fd, SHUT_RDWR); /* it may be closed from the other side */
		watch->has_fired = true;
		unlink_watch(guard, watch);
	}
	return earliest_ms;
}

static void *keep_guard(void *arg)
{
	struct guard *guard = arg;

	(void)pthread_mutex_lock(&guard->mutex);
	while (!guard->is_stopping) {
		guard->wake_ms = fire_due(guard, site_now(guard->site));
		if (guard->wake_ms == INT64_MAX) {
			(void)pthread_cond_wait(&guard->is_changed, &guard->mutex);
		} else {
			struct timespec until = site_timespec(guard->wake_ms);

			(void)pthread_cond_timedwait(&guard->is_changed, &guard->mutex, &until);
		}
	}
	(void)pthread_mutex_unlock(&guard->mutex);
	return NULL;
}

void guard_fini(struct guard *guard)
{
	if (!guard->site)
		return;
	(void)pthread_mutex_lock(&guard->mutex);
	guard->is_stopping = true;
	(void)pthread_cond_signal(&guard->is_changed);
	(void)pthread_mutex_unlock(&guard->mutex);
	if (guard->has_thread)
		(void)pthread_join(guard->thread, NULL);
	(void)pthread_cond_destroy(&guard->is_changed);
	(void)pthread_mutex_destroy(&guard->mutex);
}

bool guard_arm(struct guard *guard, struct guard_watch *watch, int64_t deadline_ms)
{
	bool ok;

	(void)pthread_mutex_lock(&guard->mutex);
	if (!guard->has_thread)
		guard->has_thread = site_spawn(&guard->thread, keep_guard, guard);
	ok = guard->has_thread;
	if (ok) {
		watch->deadline_ms = deadline_ms;
		watch->is_armed = true;
		watch->has_fired = false;
		watch->previous = NULL;
		watch->next = guard->first;
		if (guard->first)
			guard->first->previous = watch;
		guard->first = watch;
		if (deadline_ms < guard->wake_ms)
			(void)pthread_cond_signal(&guard->is_changed);
	}
	(void)pthread_mutex_unlock(&guard->mutex);
	return ok;
}

bool guard_disarm(struct guard *guard, struct guard_watch *watch)
{
	bool has_fired;

	(void)pthread_mutex_lock(&guard->mutex);
	if (watch->is_armed)
		unlink_watch(guard, watch);
	has_fired = watch->has_fired;
	watch->has_fired = false;
	(void)pthread_mutex_unlock(&guard->mutex);
	return has_fired;
}
