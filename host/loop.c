/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include "xalloc.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

struct item {
	loop_fn *fn;
	void *arg;
};

/* Grows as needed and is kept, so that posting allocates nothing in the long run. */
struct items {
	struct item *at;
	size_t n, size;
};

struct delayed {
	LIST_ENTRY(delayed) link;
	struct loop *loop;
	struct event *timer;
	int64_t delay_ms;
	struct item item;
};

struct loop {
	struct event_base *base;
	struct event *wake;
	int wake_fd;
	pthread_mutex_t mutex; /* guards inbox */
	struct items inbox;
	struct items running; /* [loop] the inbox being worked off */
	LIST_HEAD(delayed_list, delayed) delayed;
};

static _Thread_local const struct loop *here;

static void push(struct items *items, struct item item)
{
	if (items->n == items->size) {
		items->size = items->size ? items->size * 2 : 64;
		items->at = xrealloc(items->at, items->size * sizeof(*items->at));
	}
	items->at[items->n++] = item;
}

/* Whether there was anything. */
static bool run_inbox(struct loop *loop)
{
	struct items swapped;
	bool is_empty;

	pthread_mutex_lock(&loop->mutex);
	swapped = loop->inbox;
	loop->inbox = loop->running;
	pthread_mutex_unlock(&loop->mutex);
	for (size_t i = 0; i < swapped.n; i++)
		swapped.at[i].fn(swapped.at[i].arg);
	is_empty = swapped.n == 0;
	swapped.n = 0;
	loop->running = swapped;
	return !is_empty;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	eventfd_t count;

	(void)what;
	(void)eventfd_read(fd, &count); /* only resets it; the inbox says what there is */
	(void)run_inbox(arg);
}

struct loop *loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	LIST_INIT(&loop->delayed);
	pthread_mutex_init(&loop->mutex, NULL);
	loop->base = event_base_new();
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!loop->base || loop->wake_fd < 0) {
		perror("pintled: event loop");
		exit(1);
	}
	loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
	if (!loop->wake || event_add(loop->wake, NULL) != 0)
		out_of_memory();
	return loop;
}

static void delayed_free(struct delayed *delayed)
{
	LIST_REMOVE(delayed, link);
	event_free(delayed->timer);
	free(delayed);
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (!LIST_EMPTY(&loop->delayed))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes itself off the list */
		delayed_free(LIST_FIRST(&loop->delayed));
	event_free(loop->wake);
	event_base_free(loop->base);
	close(loop->wake_fd);
	pthread_mutex_destroy(&loop->mutex);
	free(loop->inbox.at);
	free(loop->running.at);
	if (here == loop)
		here = NULL;
	free(loop);
}

void loop_run(struct loop *loop)
{
	here = loop;
	(void)event_base_dispatch(
		loop->base); /* -1 only if epoll itself is broken: then we end too */
	while (run_inbox(loop))
		; /* what was posted until now is not lost */
}

static void break_loop(void *arg)
{
	struct loop *loop = arg;

	(void)event_base_loopbreak(loop->base);
}

void loop_stop(struct loop *loop)
{
	loop_post(loop, break_loop, loop);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

bool loop_is_here(const struct loop *loop)
{
	return here == loop;
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
	bool was_empty;

	pthread_mutex_lock(&loop->mutex);
	was_empty = loop->inbox.n == 0;
	push(&loop->inbox, (struct item){ .fn = fn, .arg = arg });
	pthread_mutex_unlock(&loop->mutex);
	if (was_empty)
		(void)eventfd_write(loop->wake_fd, 1); /* cannot fail: nowhere near overflow */
}

static void run_delayed(evutil_socket_t fd, short what, void *arg)
{
	struct delayed *delayed = arg;
	struct item item = delayed->item;

	(void)fd;
	(void)what;
	delayed_free(delayed);
	item.fn(item.arg);
}

static void start_delayed(void *arg)
{
	struct delayed *delayed = arg;
	struct loop *loop = delayed->loop;
	struct timeval delay = { .tv_sec = delayed->delay_ms / 1000,
				 .tv_usec = delayed->delay_ms % 1000 * 1000 };

	LIST_INSERT_HEAD(&loop->delayed, delayed, link);
	delayed->timer = evtimer_new(loop->base, run_delayed, delayed);
	if (!delayed->timer || evtimer_add(delayed->timer, &delay) != 0)
		out_of_memory();
}

void loop_after(struct loop *loop, int64_t delay_ms, loop_fn *fn, void *arg)
{
	struct delayed *delayed = xcalloc(1, sizeof(*delayed));

	delayed->loop = loop;
	delayed->delay_ms = delay_ms > 0 ? delay_ms : 0;
	delayed->item = (struct item){ .fn = fn, .arg = arg };
	if (loop_is_here(loop))
		start_delayed(delayed);
	else
		loop_post(loop, start_delayed, delayed);
}
