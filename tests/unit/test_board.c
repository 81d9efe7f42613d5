/* SPDX-License-Identifier: Apache-2.0 */
/* Each case runs in a child of its own: only the end of a process tells what it leaves behind. */
#include "board.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct board *board;

/* Meant to fault by itself, before a sanitizer says so. */
__attribute__((no_sanitize("undefined"))) static void die_by_null(void)
{
	volatile int *nowhere = NULL;

	*nowhere = 1;
}

static void die_by_kill(void)
{
	(void)kill(getpid(), SIGKILL);
}

static void die_by_exit(void)
{
	exit(0);
}

static volatile int depth;

static int use_stack(int n)
{
	volatile char frame[4096];

	frame[0] = (char)n;
	if (depth < 0)
		return frame[0]; /* never, but the compiler does not know */
	return use_stack(n + 1) + frame[0];
}

static void die_by_stack(void)
{
	(void)use_stack(0);
}

static void *in_thread(void *arg)
{
	void (**die)(void) = arg;

	board_watch_thread();
	(void)breadcrumb_enter(4, "poll");
	(*die)();
	return NULL;
}

static void die_in_other_thread(void)
{
	void (*die)(void) = die_by_stack;
	pthread_t thread;

	if (pthread_create(&thread, NULL, in_thread, &die) == 0)
		(void)pthread_join(thread, NULL);
}

static void fork_one_that_dies(void)
{
	if (fork() == 0)
		abort();
	(void)wait(NULL);
	_exit(0);
}

static void leave_first(void)
{
	struct breadcrumb before = breadcrumb_enter(9, "inner");

	breadcrumb_leave(before);
	abort();
}

struct death {
	const char *name;
	int instance; /* -1: outside of any op */
	void (*die)(void);
	int want_signal, want_instance;
	const char *want_op;
	int want_exit; /* -1: by the signal itself */
};

static const struct death deaths[] = {
	{ "null pointer in an op", 3, die_by_null, SIGSEGV, 3, "verify", -1 },
	{ "null pointer outside", -1, die_by_null, SIGSEGV, -1, "", -1 },
	{ "abort in an op", 3, abort, SIGABRT, 3, "verify", -1 },
	{ "abort outside", -1, abort, SIGABRT, -1, "", -1 },
	{ "stack overflow in an op", 3, die_by_stack, SIGSEGV, 3, "verify", -1 },
	{ "stack overflow of a thread", 3, die_in_other_thread, SIGSEGV, 4, "poll", -1 },
	{ "exit in an op", 3, die_by_exit, -1, 3, "verify", 70 },
	{ "exit outside", -1, die_by_exit, 0, 0, "", 0 },
	{ "killed in an op", 3, die_by_kill, 0, 0, "", -1 },
	{ "a forked child dies in an op", 3, fork_one_that_dies, 0, 0, "", 0 },
	{ "after an inner op was left", 3, leave_first, SIGABRT, 3, "verify", -1 },
};

static int run_to_death(const struct death *death)
{
	struct rlimit small = { 1 << 20, 1 << 20 };
	struct rlimit none = { 0, 0 };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)setrlimit(RLIMIT_STACK, &small);
		board_watch_faults(&board->workers[0]);
		if (death->instance >= 0)
			(void)breadcrumb_enter(death->instance, "verify");
		death->die();
		_exit(99);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void each_death_leaves_its_note(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
		const struct death *death = &deaths[i];
		const struct board_fault *fault = &board->workers[0].fault;
		int status;

		memset(&board->workers[0].fault, 0, sizeof(*fault));
		status = run_to_death(death);
		if (fault->signal != death->want_signal ||
		    fault->instance != death->want_instance ||
		    strcmp(fault->op, death->want_op) != 0)
			fail_msg("case %zu, %s: signal %d instance %d op %s", i, death->name,
				 fault->signal, fault->instance, fault->op);
		if (death->want_exit >= 0 &&
		    (!WIFEXITED(status) || WEXITSTATUS(status) != death->want_exit))
			fail_msg("case %zu, %s: status %#x", i, death->name, (unsigned)status);
		if (death->want_exit < 0 && !WIFSIGNALED(status))
			fail_msg("case %zu, %s: status %#x", i, death->name, (unsigned)status);
	}
}

static void first_note_stays(void **state)
{
	struct board_worker *self = &board->workers[1];
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		board_note_fault(self, -2, 5, "a very long name of an op");
		board_note_fault(self, SIGSEGV, 6, "send");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(self->fault.signal, -2);
	assert_int_equal(self->fault.instance, 5);
	assert_string_equal(self->fault.op, "a very long nam");
}

static void names_keep_their_index(void **state)
{
	struct board *own = board_new();
	char name[BOARD_NAME_MAX + 8] = "a";

	(void)state;
	assert_int_equal(board_find_instance(own, "first"), -1);
	assert_int_equal(board_instance(own, "first"), 0);
	assert_int_equal(board_instance(own, "second"), 1);
	assert_int_equal(board_instance(own, "first"), 0);
	assert_int_equal(board_find_instance(own, "second"), 1);
	memset(name, 'x', BOARD_NAME_MAX);
	assert_int_equal(board_instance(own, name), -1);
	for (int i = 2; i < BOARD_INSTANCES; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(board_instance(own, name), i);
	}
	assert_int_equal(board_instance(own, "one too many"), -1);
	assert_int_equal(board_instance(own, "second"), 1);
	board_free(own);
}

static void routes_keep_their_index(void **state)
{
	struct board *own = board_new();
	char path[BOARD_PATH_MAX + 1] = "/";

	(void)state;
	assert_int_equal(board_route(own, "GET", "/a"), 0);
	assert_int_equal(board_route(own, "POST", "/a"), 1);
	assert_int_equal(board_route(own, "GET", "/a"), 0);
	assert_string_equal(own->route_names[1].method, "POST");
	assert_string_equal(own->route_names[1].path, "/a");
	memset(path, 'x', BOARD_PATH_MAX);
	assert_int_equal(board_route(own, "GET", path), BOARD_NO_ROUTE);
	for (int i = 2; i < BOARD_NO_ROUTE; i++) {
		(void)snprintf(path, sizeof(path), "/%d", i);
		assert_int_equal(board_route(own, "GET", path), i);
	}
	assert_int_equal(board_route(own, "GET", "/one/too/many"), BOARD_NO_ROUTE);
	assert_int_equal(board_route(own, "POST", "/a"), 1);
	assert_false(atomic_load(&own->route_names[BOARD_NO_ROUTE].is_named));
	board_free(own);
}

/* Processes that start at once agree on every index. */
static void racing_processes_agree(void **state)
{
	enum { N_ROUTES = 100, N_PROCESSES = 4 };
	struct board *own = board_new();
	pid_t pids[N_PROCESSES];
	char path[32];

	(void)state;
	for (int p = 0; p < N_PROCESSES; p++) {
		pids[p] = fork();
		for (int i = 0; pids[p] == 0 && i < N_ROUTES; i++) {
			(void)snprintf(path, sizeof(path), "/%d", (i + p * 7) % N_ROUTES);
			(void)board_route(own, "GET", path);
		}
		if (pids[p] == 0)
			_exit(0);
	}
	for (int p = 0; p < N_PROCESSES; p++)
		assert_int_equal(waitpid(pids[p], NULL, 0), pids[p]);
	for (int i = 0; i < N_ROUTES; i++) {
		int index;

		(void)snprintf(path, sizeof(path), "/%d", i);
		index = board_route(own, "GET", path);
		assert_in_range(index, 0, N_ROUTES - 1);
		assert_string_equal(own->route_names[index].path, path);
	}
	board_free(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_death_leaves_its_note),
		cmocka_unit_test(first_note_stays),
		cmocka_unit_test(names_keep_their_index),
		cmocka_unit_test(routes_keep_their_index),
		cmocka_unit_test(racing_processes_agree),
	};

	board = board_new();
	return board ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
