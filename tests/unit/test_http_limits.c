/* SPDX-License-Identifier: Apache-2.0 */
#include "edge_server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define SHORT_MS 100

static char got[64 * 1024];

static void expect_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void expect_served(int fd)
{
	edge_send(fd, GET("/hello"));
	edge_read_answer(fd, false, got, sizeof(got));
	expect_in(got, "\r\n\r\n/hello");
}

/* A byte now and then, for far longer than the deadline, until the answer or the end comes. */
static void trickle(int fd, const char *start, const char *more)
{
	edge_send(fd, start);
	for (int i = 0; i < 1000; i++) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		if (poll(&wait, 1, SHORT_MS / 10) > 0)
			return;
		edge_send(fd, more);
	}
	fail_msg("trickling goes on for ever");
}

static void a_trickled_head_is_cut_off(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int fd;

	(void)state;
	limits.head_timeout_ms = SHORT_MS;
	edge = edge_new(&limits, NULL, NULL);
	fd = edge_connect(edge);
	trickle(fd, "GET / HTTP/1.1\r\n", "X");
	assert_true(edge_read_all(fd, got, sizeof(got)) > 0);
	expect_in(got, "HTTP/1.1 408 ");
	expect_in(got, "Connection: close\r\n");
	close(fd);
	edge_wait_idle(edge);
	edge_free(edge);
}

static void a_trickled_body_is_cut_off(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int fd;

	(void)state;
	limits.body_timeout_ms = SHORT_MS;
	edge = edge_new(&limits, NULL, NULL);
	fd = edge_connect(edge);
	trickle(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n", "x");
	assert_true(edge_read_all(fd, got, sizeof(got)) > 0);
	expect_in(got, "HTTP/1.1 408 ");
	close(fd);
	edge_wait_idle(edge);
	edge_free(edge);
}

static void a_silent_client_is_closed_without_a_word(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int fd;

	(void)state;
	limits.head_timeout_ms = SHORT_MS;
	edge = edge_new(&limits, NULL, NULL);
	fd = edge_connect(edge);
	assert_int_equal(edge_read_all(fd, got, sizeof(got)), 0);
	close(fd);
	edge_free(edge);
}

static void an_idle_connection_is_closed(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int fd;

	(void)state;
	limits.idle_timeout_ms = SHORT_MS;
	edge = edge_new(&limits, NULL, NULL);
	fd = edge_connect(edge);
	expect_served(fd);
	assert_int_equal(edge_read_all(fd, got, sizeof(got)), 0);
	close(fd);
	edge_free(edge);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int fd;

	(void)state;
	limits.write_timeout_ms = SHORT_MS;
	edge = edge_new(&limits, NULL, NULL);
	fd = edge_connect(edge);
	edge_send(fd, GET("/big"));
	edge_send(fd, GET("/hello"));
	(void)recv(fd, got, 1, MSG_PEEK); /* it has begun */
	edge_wait_idle(edge);
	close(fd);
	edge_free(edge);
}

static void a_held_request_has_no_deadline_of_the_edge(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int fd, silent;

	(void)state;
	limits.head_timeout_ms = limits.idle_timeout_ms = SHORT_MS;
	limits.body_timeout_ms = limits.write_timeout_ms = SHORT_MS;
	edge = edge_new(&limits, NULL, NULL);
	fd = edge_connect(edge);
	edge_send(fd, GET("/later"));
	edge_wait_held(edge, 1);
	silent = edge_connect(edge); /* began to wait later and is closed: so the time has passed */
	assert_int_equal(edge_read_all(silent, got, sizeof(got)), 0);
	edge_answer_held(edge);
	edge_read_answer(fd, false, got, sizeof(got));
	expect_in(got, "at last");
	close(silent);
	close(fd);
	edge_free(edge);
}

/* Refused connections are closed at once, which may come as a reset. */
static void expect_refused(int fd)
{
	assert_true(edge_read_all(fd, got, sizeof(got)) <= 0);
	close(fd);
}

static void an_address_has_a_cap(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int one, two;

	(void)state;
	limits.max_per_address = 2;
	edge = edge_new(&limits, NULL, NULL);
	one = edge_connect_from(edge, "127.0.0.2");
	two = edge_connect_from(edge, "127.0.0.2");
	expect_served(one);
	expect_served(two);
	expect_refused(edge_connect_from(edge, "127.0.0.2"));
	assert_int_equal(edge_stats(edge).n_refused, 1);
	close(one);
	one = edge_connect_from(edge, "127.0.0.3");
	expect_served(one);
	close(one);
	close(two);
	edge_wait_idle(edge);
	two = edge_connect_from(edge, "127.0.0.2");
	expect_served(two);
	close(two);
	edge_free(edge);
}

static void proxies_are_not_counted(void **state)
{
	static const char *const proxies[] = { "127.0.0.2", NULL };
	struct http_limits limits = edge_limits;
	struct network_list list;
	struct edge *edge;
	struct err err;
	int fds[3];

	(void)state;
	limits.max_per_address = 1;
	assert_true(network_list_init(&list, proxies, &err));
	edge = edge_new(&limits, NULL, &list);
	for (int i = 0; i < 3; i++)
		expect_served(fds[i] = edge_connect_from(edge, "127.0.0.2"));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	edge_free(edge);
	network_list_fini(&list);
}

static void the_longest_idle_makes_room(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int busy, idle, newer;

	(void)state;
	limits.max_connections = 2;
	edge = edge_new(&limits, NULL, NULL);
	idle = edge_connect(edge);
	expect_served(idle);
	busy = edge_connect(edge);
	edge_send(busy, GET("/later"));
	edge_wait_held(edge, 1);
	newer = edge_connect(edge);
	assert_int_equal(edge_read_all(idle, got, sizeof(got)), 0);
	edge_send(newer, "GET /hello HTTP/1.1\r\n"); /* no longer idle: nobody can go */
	expect_refused(edge_connect(edge));
	edge_send(newer, "Host: a\r\n\r\n");
	edge_read_answer(newer, false, got, sizeof(got));
	expect_in(got, "/hello");
	edge_answer_held(edge);
	edge_read_answer(busy, false, got, sizeof(got));
	expect_in(got, "at last");
	close(idle);
	close(busy);
	close(newer);
	edge_free(edge);
}

static void who_is_at_its_cap_pushes_nobody_out(void **state)
{
	struct http_limits limits = edge_limits;
	struct edge *edge;
	int idle, greedy;

	(void)state;
	limits.max_connections = 2;
	limits.max_per_address = 1;
	edge = edge_new(&limits, NULL, NULL);
	idle = edge_connect_from(edge, "127.0.0.2");
	expect_served(idle);
	greedy = edge_connect_from(edge, "127.0.0.3");
	expect_served(greedy);
	expect_refused(edge_connect_from(edge, "127.0.0.3"));
	expect_served(idle);
	close(idle);
	close(greedy);
	edge_free(edge);
}

static void a_drain_ends_what_is_idle_and_finishes_the_rest(void **state)
{
	struct edge *edge = edge_new(&edge_limits, NULL, NULL);
	int idle = edge_connect(edge), busy = edge_connect(edge), half = edge_connect(edge), late;

	(void)state;
	expect_served(idle);
	edge_send(half, "GET /hello HTTP/1.1\r\n");
	edge_send(busy, GET("/later"));
	edge_wait_held(edge, 1);
	edge_drain(edge);
	assert_int_equal(edge_stats(edge).n_accepted, 3);
	late = edge_connect(edge); /* waits for the next generation */
	assert_int_equal(edge_read_all(idle, got, sizeof(got)), 0);
	assert_int_equal(edge_stats(edge).n_accepted, 3);
	assert_false(edge_is_idle(edge));
	edge_send(half, "Host: a\r\n\r\n");
	assert_true(edge_read_all(half, got, sizeof(got)) > 0);
	expect_in(got, "Connection: close\r\n");
	expect_in(got, "\r\n\r\n/hello");
	edge_answer_held(edge);
	assert_true(edge_read_all(busy, got, sizeof(got)) > 0);
	expect_in(got, "Connection: close\r\n");
	expect_in(got, "at last");
	edge_wait_idle(edge);
	close(idle);
	close(busy);
	close(half);
	close(late);
	edge_free(edge);
}

static void a_server_freed_first_leaves_the_request(void **state)
{
	struct edge *edge = edge_new(&edge_limits, NULL, NULL);
	int fd = edge_connect(edge);

	(void)state;
	edge_send(fd, GET("/later"));
	edge_wait_held(edge, 1);
	edge_free(edge); /* frees the server, then the request held */
	assert_int_equal(edge_read_all(fd, got, sizeof(got)), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trickled_head_is_cut_off),
		cmocka_unit_test(a_trickled_body_is_cut_off),
		cmocka_unit_test(a_silent_client_is_closed_without_a_word),
		cmocka_unit_test(an_idle_connection_is_closed),
		cmocka_unit_test(a_client_that_does_not_read_is_cut_off),
		cmocka_unit_test(a_held_request_has_no_deadline_of_the_edge),
		cmocka_unit_test(an_address_has_a_cap),
		cmocka_unit_test(proxies_are_not_counted),
		cmocka_unit_test(the_longest_idle_makes_room),
		cmocka_unit_test(who_is_at_its_cap_pushes_nobody_out),
		cmocka_unit_test(a_drain_ends_what_is_idle_and_finishes_the_rest),
		cmocka_unit_test(a_server_freed_first_leaves_the_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
