/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one poll: signals, orders, a checker's result, workers that got ready. After each of them
 * succession.c compares what runs with what should.
 */
#include "supervisor.h"

#include "checker.h"
#include "clock.h"
#include "log.h"
#include "state_dir.h"
#include "succession.h"

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

#define DRAINING_MAX 2
#define IDLE_POLL_MS 1000
#define BUSY_POLL_MS 20

struct supervisor {
	struct supervisor_start start;
	struct state_dir dir;
	int signal_fd, order_fd;
	char orders[SUPERVISOR_ORDER_MAX]; /* the beginning of a line */
	size_t orders_len;
	struct succession line;
	struct checker checker;
	bool is_reload_wanted, is_stopping;
};

/* ---- Orders ---- */

static void check_again(struct supervisor *s)
{
	struct err err;

	if (!s->is_reload_wanted || s->is_stopping || s->line.starting || s->checker.pid > 0 ||
	    succession_n_leaving(&s->line) >= DRAINING_MAX)
		return;
	s->is_reload_wanted = false;
	if (!checker_start(&s->checker, &s->start, &trial_stores, &err))
		succession_note_reload(&s->line, false, err.text);
}

static void end_late_check(struct supervisor *s)
{
	if (s->checker.pid == 0 || clock_mono_ms() < s->checker.deadline_ms)
		return;
	checker_kill(&s->checker);
	succession_note_reload(&s->line, false, "the check of the configuration does not end");
}

static void take_check(struct supervisor *s)
{
	struct snapshot snapshot;
	struct err err;

	if (!checker_finish(&s->checker, &snapshot, &err) ||
	    !succession_begin(&s->line, &snapshot, &err))
		succession_note_reload(&s->line, false, err.text);
}

static void stop(struct supervisor *s)
{
	if (s->is_stopping)
		return;
	log_info("stopping");
	s->is_stopping = true;
	atomic_store(&s->line.crew.board->is_stopping, 1);
	checker_kill(&s->checker);
	succession_end(&s->line);
}

static void obey(struct supervisor *s, const char *order)
{
	if (strcmp(order, "reload") == 0)
		s->is_reload_wanted = true;
	else if (strcmp(order, "stop") == 0)
		stop(s);
	else if (strncmp(order, "resume ", 7) == 0)
		crew_resume(&s->line.crew, order + 7);
	else if (strncmp(order, "retire ", 7) == 0)
		crew_retire(&s->line.crew, atoi(order + 7));
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
		if (s->line.crew.members[i].pid > 0)
			polled[POLL_MEMBERS + i].fd = s->line.crew.members[i].ready_fd;
	}
}

static bool is_calm(const struct supervisor *s)
{
	return succession_is_calm(&s->line) && !s->is_reload_wanted;
}

static void run(struct supervisor *s)
{
	struct pollfd polled[POLL_MAX];

	while ((!s->is_stopping && !s->line.has_failed) ||
	       crew_count(&s->line.crew, NULL, false) > 0) {
		succession_tend(&s->line);
		crew_end_silent(&s->line.crew);
		end_late_check(s);
		check_again(s);
		fill_poll(s, polled);
		if (poll(polled, POLL_MAX, is_calm(s) ? IDLE_POLL_MS : BUSY_POLL_MS) <= 0)
			continue;
		for (int i = 0; i < BOARD_WORKERS; i++) {
			if (polled[POLL_MEMBERS + i].revents)
				succession_hear(&s->line, i);
		}
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
	succession_free_others(&s->line, own);
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
	s->line.crew.order_pipe = orders[1];
	return true;
}

/* The lock comes before anything that writes to the state folder. */
static bool lock_state(struct supervisor *s, struct err *err)
{
	struct settings settings;
	struct conf conf;
	bool ok = false;

	if (!conf_read(&conf, s->start.conf_dir, s->start.overrides, s->start.n_overrides, err))
		return false;
	if (settings_bind(&settings, &conf, err)) {
		log_init("supervisor", (enum log_level)settings.log.level);
		ok = state_dir_open(&s->dir, settings.server.state_dir, err);
		s->start.state_dir = s->dir.path;
		settings_fini(&settings);
	}
	conf_fini(&conf);
	return ok;
}

static bool make_board(struct supervisor *s, struct err *err)
{
	s->line.crew.board = board_new();
	if (!s->line.crew.board)
		return err_set(err, "no shared memory: %s", strerror(errno));
	atomic_store(&s->line.crew.board->supervisor_pid, getpid());
	atomic_store(&s->line.crew.board->start_ms, clock_now_ms());
	s->line.crew.control_fd = s->dir.control_fd;
	s->line.crew.leave_parent = leave_parent;
	s->line.crew.ctx = s;
	return true;
}

static bool check_first(struct supervisor *s, struct err *err)
{
	struct snapshot snapshot;

	return checker_start(&s->checker, &s->start, &trial_stores, err) &&
	       checker_finish(&s->checker, &snapshot, err) &&
	       succession_begin(&s->line, &snapshot, err);
}

bool supervisor_run(const struct supervisor_start *start, struct err *err)
{
	struct supervisor s = { .start = *start, .signal_fd = -1, .order_fd = -1 };
	bool ok;

	harden();
	if (!lock_state(&s, err))
		return false;
	ok = open_fds(&s, err) && make_board(&s, err) && check_first(&s, err);
	if (ok)
		run(&s);
	if (s.line.has_failed)
		*err = s.line.err;
	succession_free_others(&s.line, NULL);
	state_dir_close(&s.dir);
	board_free(s.line.crew.board);
	return ok && !s.line.has_failed;
}

bool supervisor_try(const struct supervisor_start *start, const struct trial *trial,
		    struct err *err)
{
	struct supervisor s = { .start = *start };
	struct snapshot snapshot;
	bool ok;

	harden();
	if (trial->task && !lock_state(&s, err))
		return false;
	ok = checker_start(&s.checker, &s.start, trial, err) &&
	     checker_finish(&s.checker, &snapshot, err);
	if (ok)
		snapshot_fini(&snapshot);
	if (trial->task)
		state_dir_close(&s.dir);
	return ok;
}
