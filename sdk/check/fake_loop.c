/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_loop.h"

#include "clock.h"
#include "side.h"

#include <poll.h>
#include <pthread.h>

#define MAX_WATCHES 32
#define MAX_TIMERS 256

struct watch {
	struct pintle_inst *inst;
	int fd;
	uint32_t events; /* 0: free */
	pintle_fd_cb *cb;
	void *arg;
};

struct timer {
	struct pintle_inst *inst; /* NULL: free */
	int64_t due_ms;
	pintle_timer_cb *cb;
	void *arg;
};

static struct {
	pthread_mutex_t turn;  /* whose turn it is to be the loop */
	pthread_mutex_t mutex; /* guards what follows */
	struct watch watches[MAX_WATCHES];
	struct timer timers[MAX_TIMERS], recurring[MAX_TIMERS];
	int n_until_refusal;
	bool has_refused;
} loop = { .turn = PTHREAD_MUTEX_INITIALIZER, .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool is_refused(void)
{
	if (loop.n_until_refusal == 0 || --loop.n_until_refusal > 0)
		return false;
	loop.has_refused = true;
	return true;
}

void fake_loop_refuse(int nth)
{
	loop.n_until_refusal = nth;
	loop.has_refused = false;
}

bool fake_loop_has_refused(void)
{
	return loop.has_refused;
}

/* The watch of fd, or a free place; NULL when there is neither. */
static struct watch *find_watch(int fd)
{
	struct watch *spare = NULL;

	for (size_t i = 0; i < MAX_WATCHES; i++) {
		struct watch *one = &loop.watches[i];

		if (one->events != 0 && one->fd == fd)
			return one;
		if (!spare && one->events == 0)
			spare = one;
	}
	return spare;
}

int32_t fake_loop_watch(struct pintle_inst *inst, int fd, uint32_t events, pintle_fd_cb *cb,
			void *arg)
{
	struct watch *slot;
	bool is_free;

	(void)pthread_mutex_lock(&loop.mutex);
	slot = find_watch(fd);
	is_free = slot && (events == 0 || !is_refused());
	if (is_free)
		*slot = (struct watch){ inst, fd, events, cb, arg };
	(void)pthread_mutex_unlock(&loop.mutex);
	return is_free ? PINTLE_OK : PINTLE_UNAVAILABLE;
}

static int32_t add(struct timer timers[MAX_TIMERS], const struct timer *timer)
{
	int32_t status = PINTLE_UNAVAILABLE;

	for (size_t i = 0; i < MAX_TIMERS; i++) {
		if (timers[i].inst)
			continue;
		timers[i] = *timer;
		status = PINTLE_OK;
		break;
	}
	return status;
}

int32_t fake_loop_timer(struct pintle_inst *inst, int64_t delay_ms, pintle_timer_cb *cb, void *arg)
{
	const struct timer timer = { inst, clock_mono_ms() + delay_ms, cb, arg };
	int32_t status;

	(void)pthread_mutex_lock(&loop.mutex);
	status = is_refused() ? PINTLE_UNAVAILABLE : add(loop.timers, &timer);
	(void)pthread_mutex_unlock(&loop.mutex);
	return status;
}

int32_t fake_loop_every(struct pintle_inst *inst, int64_t interval_ms, pintle_timer_cb *cb,
			void *arg)
{
	const struct timer work = { inst, interval_ms, cb, arg };
	int32_t status;

	(void)pthread_mutex_lock(&loop.mutex);
	status = is_refused() ? PINTLE_UNAVAILABLE : add(loop.recurring, &work);
	(void)pthread_mutex_unlock(&loop.mutex);
	return status;
}

static bool take_due(struct timer *out)
{
	bool is_found = false;

	(void)pthread_mutex_lock(&loop.mutex);
	for (size_t i = 0; i < MAX_TIMERS && !is_found; i++) {
		if (!loop.timers[i].inst || loop.timers[i].due_ms > clock_mono_ms())
			continue;
		*out = loop.timers[i];
		loop.timers[i].inst = NULL;
		is_found = true;
	}
	(void)pthread_mutex_unlock(&loop.mutex);
	return is_found;
}

static int fill(struct pollfd fds[MAX_WATCHES], int wait_ms)
{
	(void)pthread_mutex_lock(&loop.mutex);
	for (size_t i = 0; i < MAX_WATCHES; i++) {
		const struct watch *one = &loop.watches[i];
		int events = (one->events & PINTLE_FD_READ ? POLLIN : 0) |
			     (one->events & PINTLE_FD_WRITE ? POLLOUT : 0);

		fds[i] = (struct pollfd){ .fd = one->events ? one->fd : -1,
					  .events = (short)events };
	}
	for (size_t i = 0; i < MAX_TIMERS; i++) {
		int64_t left_ms = loop.timers[i].due_ms - clock_mono_ms();

		if (loop.timers[i].inst && left_ms < wait_ms)
			wait_ms = left_ms > 0 ? (int)left_ms : 0;
	}
	(void)pthread_mutex_unlock(&loop.mutex);
	return wait_ms;
}

static bool call_ready(const struct pollfd fds[MAX_WATCHES])
{
	bool has_run = false;

	for (size_t i = 0; i < MAX_WATCHES; i++) {
		struct watch one;

		if (fds[i].fd < 0 || fds[i].revents == 0)
			continue;
		(void)pthread_mutex_lock(&loop.mutex);
		one = loop.watches[i];
		(void)pthread_mutex_unlock(&loop.mutex);
		if (one.events == 0 || one.fd != fds[i].fd)
			continue;
		one.cb(one.arg, one.fd,
		       (fds[i].revents & ~POLLOUT ? PINTLE_FD_READ : 0) |
			       (fds[i].revents & POLLOUT ? PINTLE_FD_WRITE : 0));
		has_run = true;
	}
	return has_run;
}

bool fake_loop_turn(int wait_ms)
{
	enum side before = side_enter(SIDE_HOST);
	struct pollfd fds[MAX_WATCHES];
	struct timer due;
	bool has_run;

	(void)pthread_mutex_lock(&loop.turn);
	wait_ms = fill(fds, wait_ms);
	(void)poll(fds, MAX_WATCHES, wait_ms);
	(void)side_enter(SIDE_PLUGIN);
	has_run = call_ready(fds);
	while (take_due(&due)) {
		due.cb(due.arg);
		has_run = true;
	}
	(void)pthread_mutex_unlock(&loop.turn);
	(void)side_enter(before);
	return has_run;
}

void fake_loop_tick(struct pintle_inst *inst)
{
	enum side before = side_enter(SIDE_PLUGIN);

	for (size_t i = 0; i < MAX_TIMERS; i++) {
		if (loop.recurring[i].inst == inst)
			loop.recurring[i].cb(loop.recurring[i].arg);
	}
	(void)side_enter(before);
}

int fake_loop_forget(struct pintle_inst *inst)
{
	int n_left = 0;

	(void)pthread_mutex_lock(&loop.mutex);
	for (size_t i = 0; i < MAX_TIMERS; i++) {
		if (loop.timers[i].inst == inst)
			loop.timers[i].inst = NULL;
		if (loop.recurring[i].inst == inst)
			loop.recurring[i].inst = NULL;
	}
	for (size_t i = 0; i < MAX_WATCHES; i++) {
		if (loop.watches[i].inst == inst && loop.watches[i].events != 0) {
			loop.watches[i].events = 0;
			n_left++;
		}
	}
	(void)pthread_mutex_unlock(&loop.mutex);
	return n_left;
}
