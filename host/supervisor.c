/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one poll: signals, orders, a checker's result, workers that got ready. After each of them
 * tend() compares what runs with what should.
 */
#include "supervisor.h"

#include "checker.h"
#include "clock.h"
#include "crew.h"
#include "log.h"
#include "state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* A worker ends its drain itself; one that does not is killed this much later. */
#define KILL_GRACE_MS 5000
#define DRAINING_MAX 2
#define IDLE_POLL_MS 1000
#define BUSY_POLL_MS 20

struct supervisor {
	const struct supervisor_start *start;
	struct state_dir dir;
	int signal_fd, order_fd;
	char orders[SUPERVISOR_ORDER_MAX]; /* the beginning of a line */
	size_t orders_len;
	struct crew crew;
	struct generation *all; /* every generation, the newest first */
	struct generation *current, *starting;
	struct checker checker;
	bool is_reload_wanted, is_stopping;
	bool has_failed; /* the first generation did not start, see err */
	struct err err;
};

/* ---- Generations ---- */

static size_t count_leaving(const struct supervisor *s)
{
	size_t n = 0;

	for (const struct generation *g = s->all; g; g = g->next)
		n += g->is_leaving;
	return n;
}

static void leave(struct supervisor *s, struct generation *generation, int signal)
{
	generation->is_leaving = true;
	generation->kill_at_ms =
		clock_mono_ms() + generation->settings.server.drain_timeout_ms + KILL_GRACE_MS;
	crew_signal(&s->crew, generation, signal);
}

static void note_reload(struct supervisor *s, bool is_good, const char *text)
{
	struct board *board = s->crew.board;

	(void)snprintf(board->last_reload, sizeof(board->last_reload), "%s", text);
	atomic_store(&board->is_last_reload_good, is_good);
	atomic_fetch_add(&board->n_reloads, 1);
	if (is_good)
		log_info("reload: %s", text);
	else
		log_error("reload refused, nothing changes: %s", text);
}

static void fail_starting(struct supervisor *s, const struct err *err)
{
	struct generation *failed = s->starting;

	s->starting = NULL;
	leave(s, failed, SIGTERM);
	if (s->current) {
		note_reload(s, false, err->text);
		return;
	}
	s->err = *err;
	s->has_failed = true;
	s->is_stopping = true;
}

static void promote(struct supervisor *s)
{
	struct generation *before = s->current;
	struct board *board = s->crew.board;
	char text[64];

	s->current = s->starting;
	s->starting = NULL;
	atomic_store(&board->generation, s->current->number);
	atomic_store(&board->n_workers, (int32_t)s->current->n_workers);
	log_init("supervisor", (enum log_level)s->current->settings.log.level);
	if (before) {
		leave(s, before, SIGQUIT);
		(void)snprintf(text, sizeof(text), "generation %d serves", s->current->number);
		note_reload(s, true, text);
	} else {
		const struct listener *first = &s->current->listeners.items[0];
		char url[LISTENER_URL_MAX];

		listener_url(first->fd, first->is_tls, url);
		printf("ready %s\n", url);
		(void)fflush(stdout); /* a reader that has gone is no reason to end */
	}
}

static bool begin_generation(struct supervisor *s, struct snapshot *snapshot, struct err *err)
{
	struct generation *generation = generation_new(snapshot, s->current, err);

	if (!generation)
		return false;
	if (strcmp(generation->settings.server.state_dir, s->dir.path) != 0) {
		generation_free(generation);
		return err_set(err, "server.state_dir cannot change while the server runs");
	}
	if (s->all)
		generation->number = s->all->number + 1; /* also after one that failed */
	generation_name_instances(s->crew.board, &generation->snapshot.conf);
	generation->next = s->all;
	s->all = s->starting = generation;
	return true;
}

static void free_finished(struct supervisor *s)
{
	struct generation **at = &s->all;

	while (*at) {
		struct generation *generation = *at;

		if (generation->is_leaving && crew_count(&s->crew, generation, false) == 0) {
			*at = generation->next;
			generation_free(generation);
		} else {
			at = &generation->next;
		}
	}
}

/* ---- Orders ---- */

static void check_again(struct supervisor *s)
{
	struct err err;

	if (!s->is_reload_wanted || s->is_stopping || s->starting || s->checker.pid > 0 ||
	    count_leaving(s) >= DRAINING_MAX)
		return;
	s->is_reload_wanted = false;
	if (!checker_start(&s->checker, s->start, true, &err))
		note_reload(s, false, err.text);
}

static void take_check(struct supervisor *s)
{
	struct snapshot snapshot;
	struct err err;

	if (!checker_finish(&s->checker, &snapshot, &err) || !begin_generation(s, &snapshot, &err))
		note_reload(s, false, err.text);
}

static void stop(struct supervisor *s)
{
	if (s->is_stopping)
		return;
	log_info("stopping");
	s->is_stopping = true;
	s->starting = NULL;
	atomic_store(&s->crew.board->is_stopping, 1);
	checker_kill(&s->checker);
	for (struct generation *g = s->all; g; g = g->next)
		leave(s, g, SIGTERM);
}

static void obey(struct supervisor *s, const char *order)
{
	if (strcmp(order, "reload") == 0)
		s->is_reload_wanted = true;
	else if (strcmp(order, "stop") == 0)
		stop(s);
	else if (strncmp(order, "resume ", 7) == 0)
		crew_resume(&s->crew, order + 7);
	else if (strncmp(order, "retire ", 7) == 0)
		crew_retire(&s->crew, atoi(order + 7));
	else
		log_warn("unknown order");
}

static void read_orders(struct supervisor *s)
{
	char bytes[512];
	ssize_t n = read(s->order_fd, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			s->orders[s->orders_len] = '\0';
			s->orders_len = 0;
			obey(s, s->orders);
		} else if (s->orders_len < sizeof(s->orders) - 1) {
			s->orders[s->orders_len++] = bytes[i];
		}
	}
}

static void read_signals(struct supervisor *s)
{
	struct signalfd_siginfo got;

	while (read(s->signal_fd, &got, sizeof(got)) == (ssize_t)sizeof(got)) {
		if (got.ssi_signo == SIGHUP)
			s->is_reload_wanted = true;
		else if (got.ssi_signo != SIGCHLD)
			stop(s);
	}
}

/* ---- What should run ---- */

static void reap(struct supervisor *s)
{
	const struct generation *of;
	bool was_ready = false;
	struct err err;

	while ((of = crew_reap(&s->crew, &was_ready))) {
		if (of != s->starting || was_ready)
			continue;
		(void)err_set(&err, "a worker died before it served");
		fail_starting(s, &err);
	}
}

static void kill_overdue(struct supervisor *s)
{
	for (struct generation *g = s->all; g; g = g->next) {
		if (!g->is_leaving || clock_mono_ms() < g->kill_at_ms)
			continue;
		log_warn("generation %d does not end: killed", g->number);
		crew_signal(&s->crew, g, SIGKILL);
		g->kill_at_ms = INT64_MAX;
	}
}

static void tend(struct supervisor *s)
{
	reap(s);
	if (s->current)
		crew_fill(&s->crew, s->current);
	if (s->starting)
		crew_fill(&s->crew, s->starting);
	if (s->starting && crew_count(&s->crew, s->starting, true) == s->starting->n_workers)
		promote(s);
	kill_overdue(s);
	free_finished(s);
	check_again(s);
}

/* ---- The poll ---- */

enum {
	POLL_SIGNAL,
	POLL_ORDER,
	POLL_CHECKER,
	POLL_MEMBERS,
	POLL_MAX = POLL_MEMBERS + BOARD_WORKERS
};

static void fill_poll(const struct supervisor *s, struct pollfd polled[POLL_MAX])
{
	for (int i = 0; i < POLL_MAX; i++)
		polled[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	polled[POLL_SIGNAL].fd = s->signal_fd;
	polled[POLL_ORDER].fd = s->order_fd;
	if (s->checker.pid > 0)
		polled[POLL_CHECKER].fd = s->checker.socket;
	for (int i = 0; i < BOARD_WORKERS; i++) {
		if (s->crew.members[i].pid > 0)
			polled[POLL_MEMBERS + i].fd = s->crew.members[i].ready_fd;
	}
}

static void hear_members(struct supervisor *s, const struct pollfd polled[POLL_MAX])
{
	for (int i = 0; i < BOARD_WORKERS; i++) {
		const struct generation *of = s->crew.members[i].generation;
		struct err err;

		if (!polled[POLL_MEMBERS + i].revents || s->crew.members[i].pid == 0)
			continue;
		if (!crew_hear(&s->crew, i, &err) && of == s->starting)
			fail_starting(s, &err);
	}
}

static bool is_calm(const struct supervisor *s)
{
	return s->current && !s->starting && s->checker.pid == 0 && !s->is_reload_wanted &&
	       count_leaving(s) == 0 &&
	       crew_count(&s->crew, s->current, false) == s->current->n_workers;
}

static void run(struct supervisor *s)
{
	struct pollfd polled[POLL_MAX];

	while (!s->is_stopping || crew_count(&s->crew, NULL, false) > 0) {
		tend(s);
		fill_poll(s, polled);
		if (poll(polled, POLL_MAX, is_calm(s) ? IDLE_POLL_MS : BUSY_POLL_MS) <= 0)
			continue;
		hear_members(s, polled);
		if (polled[POLL_CHECKER].revents)
			take_check(s);
		if (polled[POLL_ORDER].revents)
			read_orders(s);
		if (polled[POLL_SIGNAL].revents)
			read_signals(s);
	}
}

/* ---- Start ---- */

/* In a worker: closes and forgets all that it must not hold open. */
static void leave_parent(void *ctx, struct generation *own)
{
	struct supervisor *s = ctx;

	(void)close(s->signal_fd);
	(void)close(s->order_fd);
	if (s->checker.pid > 0)
		(void)close(s->checker.socket);
	state_dir_leave(&s->dir);
	while (s->all) {
		struct generation *generation = s->all;

		s->all = generation->next;
		if (generation != own)
			generation_free(generation);
	}
}

static void harden(void)
{
	struct rlimit limit, no_core = { 0, 0 };

	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Best effort, each: the server is as safe as the system lets it be. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	(void)setrlimit(RLIMIT_CORE, &no_core);
#ifndef __SANITIZE_ADDRESS__ /* whose leak check traces the process itself */
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

static bool open_fds(struct supervisor *s, struct err *err)
{
	sigset_t signals;
	int orders[2];

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0 || pipe2(orders, O_CLOEXEC | O_NONBLOCK) != 0)
		return err_set(err, "no descriptors for signals and orders: %s", strerror(errno));
	s->order_fd = orders[0];
	s->crew.order_pipe = orders[1];
	return true;
}

/* The lock comes before anything that writes to the state folder. */
static bool lock_state(struct supervisor *s, struct err *err)
{
	struct settings settings;
	struct conf conf;
	bool ok = false;

	if (!conf_read(&conf, s->start->conf_dir, s->start->overrides, s->start->n_overrides, err))
		return false;
	if (settings_bind(&settings, &conf, err)) {
		log_init("supervisor", (enum log_level)settings.log.level);
		ok = state_dir_open(&s->dir, settings.server.state_dir, err);
		settings_fini(&settings);
	}
	conf_fini(&conf);
	return ok;
}

static bool make_board(struct supervisor *s, struct err *err)
{
	s->crew.board = board_new();
	if (!s->crew.board)
		return err_set(err, "no shared memory: %s", strerror(errno));
	atomic_store(&s->crew.board->supervisor_pid, getpid());
	atomic_store(&s->crew.board->start_ms, clock_now_ms());
	s->crew.control_fd = s->dir.control_fd;
	s->crew.leave_parent = leave_parent;
	s->crew.ctx = s;
	return true;
}

static bool check_first(struct supervisor *s, struct err *err)
{
	struct snapshot snapshot;

	return checker_start(&s->checker, s->start, true, err) &&
	       checker_finish(&s->checker, &snapshot, err) && begin_generation(s, &snapshot, err);
}

bool supervisor_run(const struct supervisor_start *start, struct err *err)
{
	struct supervisor s = { .start = start, .signal_fd = -1, .order_fd = -1 };
	bool ok;

	harden();
	if (!lock_state(&s, err))
		return false;
	ok = open_fds(&s, err) && make_board(&s, err) && check_first(&s, err);
	if (ok)
		run(&s);
	if (s.has_failed)
		*err = s.err;
	while (s.all) {
		struct generation *generation = s.all;

		s.all = generation->next;
		generation_free(generation);
	}
	state_dir_close(&s.dir);
	board_free(s.crew.board);
	return ok && !s.has_failed;
}

bool supervisor_check(const struct supervisor_start *start, bool with_stores, struct err *err)
{
	struct checker checker = { 0 };
	struct snapshot snapshot;

	harden();
	if (!checker_start(&checker, start, with_stores, err) ||
	    !checker_finish(&checker, &snapshot, err))
		return false;
	snapshot_fini(&snapshot);
	return true;
}
