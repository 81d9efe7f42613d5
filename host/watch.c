/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include "host.h"
#include "xalloc.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>

/* A watched descriptor, or one piece of recurring work. */
struct watch {
	struct job job; /* first: what the pool runs */
	struct watch *next;
	struct pintle_inst *inst;
	struct event *event; /* of a descriptor */
	int fd;
	pintle_fd_cb *on_fd;
	pintle_timer_cb *on_time;
	void *arg;
	int64_t interval_ms;
	_Atomic bool is_running;
};

/* A timer that fires once, if the loop lives that long. */
struct timer {
	LIST_ENTRY(timer) link;
	struct pintle_inst *inst;
	pintle_timer_cb *cb;
	void *arg;
};

static struct {
	pthread_mutex_t lock;
	struct watch *first;
	LIST_HEAD(timers, timer) timers;
} watches = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void add(struct watch *watch)
{
	(void)pthread_mutex_lock(&watches.lock);
	watch->next = watches.first;
	watches.first = watch;
	(void)pthread_mutex_unlock(&watches.lock);
}

static void watch_free(struct watch *watch)
{
	if (watch->event)
		event_free(watch->event);
	free(watch);
}

static void remove_fd(struct pintle_inst *inst, int fd)
{
	struct watch **at, *found = NULL;

	(void)pthread_mutex_lock(&watches.lock);
	for (at = &watches.first; *at && !found; at = found ? at : &(*at)->next) {
		if ((*at)->event && (*at)->inst == inst && (*at)->fd == fd) {
			found = *at;
			*at = found->next;
		}
	}
	(void)pthread_mutex_unlock(&watches.lock);
	if (found)
		watch_free(found);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	const struct watch *watch = arg;
	struct breadcrumb before = breadcrumb_enter(watch->inst->board_index, "watch");
	uint32_t events =
		(what & EV_READ ? PINTLE_FD_READ : 0) | (what & EV_WRITE ? PINTLE_FD_WRITE : 0);

	watch->on_fd(watch->arg, fd, events);
	breadcrumb_leave(before);
}

int32_t watch_fd(struct pintle_inst *inst, int fd, uint32_t events, pintle_fd_cb *cb, void *arg)
{
	short what = (short)(EV_PERSIST | (events & PINTLE_FD_READ ? EV_READ : 0) |
			     (events & PINTLE_FD_WRITE ? EV_WRITE : 0));
	struct watch *watch;

	remove_fd(inst, fd);
	if (events == 0)
		return PINTLE_OK;
	watch = xcalloc(1, sizeof(*watch));
	watch->inst = inst;
	watch->fd = fd;
	watch->on_fd = cb;
	watch->arg = arg;
	watch->event = event_new(loop_base(inst->host->loop), fd, what, on_event, watch);
	if (!watch->event || event_add(watch->event, NULL) != 0) {
		watch_free(watch);
		return PINTLE_INTERNAL;
	}
	add(watch);
	return PINTLE_OK;
}

static void fire(void *arg)
{
	struct timer *timer = arg;
	struct breadcrumb before = breadcrumb_enter(timer->inst->board_index, "timer");

	(void)pthread_mutex_lock(&watches.lock);
	LIST_REMOVE(timer, link);
	(void)pthread_mutex_unlock(&watches.lock);
	timer->cb(timer->arg);
	breadcrumb_leave(before);
	free(timer);
}

int32_t watch_timer(struct pintle_inst *inst, int64_t delay_ms, pintle_timer_cb *cb, void *arg)
{
	struct timer *timer = xcalloc(1, sizeof(*timer));

	*timer = (struct timer){ .inst = inst, .cb = cb, .arg = arg };
	(void)pthread_mutex_lock(&watches.lock);
	LIST_INSERT_HEAD(&watches.timers, timer, link);
	(void)pthread_mutex_unlock(&watches.lock);
	loop_after(inst->host->loop, delay_ms, fire, timer);
	return PINTLE_OK;
}

static void work(struct job *job)
{
	struct watch *watch = (struct watch *)job;
	struct breadcrumb before = breadcrumb_enter(watch->inst->board_index, "every");

	watch->on_time(watch->arg);
	breadcrumb_leave(before);
	atomic_store(&watch->is_running, false);
}

/* A round is skipped while the one before still runs, or the queue is full. */
static void next_round(void *arg)
{
	struct watch *watch = arg;
	const struct host *host = watch->inst->host;

	if (!atomic_exchange(&watch->is_running, true) &&
	    !pool_submit(host->pool, host->background, &watch->job))
		atomic_store(&watch->is_running, false);
	loop_after(host->loop, watch->interval_ms, next_round, watch);
}

int32_t watch_every(struct pintle_inst *inst, int64_t interval_ms, pintle_timer_cb *cb, void *arg)
{
	struct watch *watch;

	if (interval_ms < 1)
		return PINTLE_INVALID;
	watch = xcalloc(1, sizeof(*watch));
	watch->job.run = work;
	watch->inst = inst;
	watch->on_time = cb;
	watch->arg = arg;
	watch->interval_ms = interval_ms;
	add(watch);
	loop_after(inst->host->loop, interval_ms, next_round, watch);
	return PINTLE_OK;
}

void watch_fini(void)
{
	while (watches.first) {
		struct watch *watch = watches.first;

		watches.first = watch->next;
		watch_free(watch);
	}
	while (!LIST_EMPTY(&watches.timers)) {
		struct timer *timer = LIST_FIRST(&watches.timers);

		LIST_REMOVE(timer, link);
		free(timer);
	}
}
