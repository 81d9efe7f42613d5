/* SPDX-License-Identifier: Apache-2.0 */
#include "edge_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char got[64 * 1024];

static int start(void **state)
{
	*state = edge_new(&edge_limits, NULL, NULL);
	return 0;
}

static int end(void **state)
{
	edge_free(*state);
	return 0;
}

static void expect_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void expect_not_in(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in: %s", part, text);
}

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* Sends all, ends the sending side and reads all that comes back. */
static void exchange(struct edge *edge, const char *request)
{
	int fd = edge_connect(edge);

	edge_send(fd, request);
	(void)shutdown(fd, SHUT_WR);
	assert_true(edge_read_all(fd, got, sizeof(got)) >= 0);
	close(fd);
}

static void an_answer_has_its_headers(void **state)
{
	exchange(*state, GET("/hello"));
	assert_memory_equal(got, "HTTP/1.1 200 OK\r\n", 17);
	expect_in(got, "\r\nDate: ");
	expect_in(got, " GMT\r\n");
	expect_in(got, "\r\nContent-Length: 6\r\n");
	expect_in(got, "\r\nContent-Type: text/plain\r\n");
	expect_in(got, "\r\nX-Content-Type-Options: nosniff\r\n");
	expect_in(got, "\r\nCache-Control: no-store\r\n");
	expect_in(got, "\r\n\r\n/hello");
	expect_not_in(got, "Server:");
	expect_not_in(got, "Connection:");
}

static void extra_headers_replace_the_default(void **state)
{
	exchange(*state, GET("/cached"));
	expect_in(got, "\r\nCache-Control: max-age=60\r\nX-More: yes\r\n\r\n/cached");
	assert_int_equal(count_of(got, "Cache-Control"), 1);
}

static void no_content_has_no_length(void **state)
{
	exchange(*state, GET("/empty"));
	expect_in(got, "HTTP/1.1 204 No Content\r\n");
	expect_not_in(got, "Content-Length");
}

static void head_is_get_without_the_body(void **state)
{
	exchange(*state, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" GET("/next"));
	expect_in(got, "\r\nContent-Length: 6\r\n");
	expect_not_in(got, "/hello");
	expect_in(got, "\r\n\r\n/next");
}

static void keep_alive_follows_the_version(void **state)
{
	static const struct {
		const char *request, *connection;
	} cases[] = {
		{ "GET /x HTTP/1.0\r\n\r\n", "Connection: close\r\n" },
		{ "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		  "Connection: keep-alive\r\n" },
		{ "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		  "Connection: close\r\n" },
		{ GET("/close"), "Connection: close\r\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		exchange(*state, cases[i].request);
		if (!strstr(got, cases[i].connection))
			fail_msg("case %zu: %s", i, got);
	}
}

static void nothing_is_served_after_close(void **state)
{
	int fd = edge_connect(*state);

	edge_send(fd, GET("/close") GET("/next"));
	assert_true(edge_read_all(fd, got, sizeof(got)) > 0);
	assert_int_equal(count_of(got, "HTTP/1.1 "), 1);
	close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct edge *edge = *state;
	int fd = edge_connect(edge);

	edge_send(fd,
		  GET("/1") GET("/later") GET("/3") "POST /echo HTTP/1.1\r\nHost: a\r\n"
						    "Content-Length: 4\r\n\r\nfour" GET("/close"));
	edge_wait_held(edge, 1);
	edge_answer_held(edge);
	assert_true(edge_read_all(fd, got, sizeof(got)) > 0);
	assert_int_equal(count_of(got, "HTTP/1.1 200 OK\r\n"), 5);
	assert_true(strstr(got, "/1HTTP") < strstr(got, "at lastHTTP"));
	assert_true(strstr(got, "at lastHTTP") < strstr(got, "/3HTTP"));
	assert_true(strstr(got, "/3HTTP") < strstr(got, "fourHTTP"));
	expect_in(got, "\r\n\r\n/close");
	close(fd);
}

static void ten_thousand_pipelined_requests(void **state)
{
	enum { N = 10000 };
	int fd = edge_connect(*state), n_sent = 0;
	size_t n_answers = 0;

	/* In blocks, for the answers of all would fill the sockets of a client that does not read. */
	while (n_sent < N) {
		for (int i = 0; i < 100; i++, n_sent++)
			edge_send(fd, GET("/p"));
		for (int i = 0; i < 100; i++, n_answers++)
			edge_read_answer(fd, false, got, sizeof(got));
	}
	assert_int_equal(n_answers, N);
	close(fd);
}

static void a_head_may_come_byte_by_byte(void **state)
{
	static const char request[] =
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		"Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
	int fd = edge_connect(*state);

	for (size_t i = 0; i < sizeof(request) - 1; i++)
		assert_int_equal(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
	assert_true(edge_read_all(fd, got, sizeof(got)) > 0);
	expect_in(got, "\r\n\r\nabcde");
	close(fd);
}

static void send_chunks(int fd, int n_chunks)
{
	char chunk[1008];

	(void)snprintf(chunk, sizeof(chunk), "3e8\r\n%1000s\r\n", "x");
	for (int i = 0; i < n_chunks; i++)
		edge_send(fd, chunk);
	edge_send(fd, "0\r\n\r\n");
}

#define CHUNKED "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static void a_long_chunked_body_arrives_whole(void **state)
{
	int fd = edge_connect(*state);

	edge_send(fd, CHUNKED);
	send_chunks(fd, 50);
	edge_read_answer(fd, false, got, sizeof(got));
	expect_in(got, "Content-Length: 50000\r\n");
	assert_int_equal(count_of(strstr(got, "\r\n\r\n"), "x"), 50);
	edge_send(fd, GET("/next"));
	edge_read_answer(fd, false, got, sizeof(got));
	expect_in(got, "\r\n\r\n/next");
	close(fd);
}

static void refusals_are_told_and_end_the_connection(void **state)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\n", 400 },
		{ "\r\n", 400 },
		{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n", 413 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
		  413 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n"
		  "\r\n",
		  413 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n",
		  400 },
		{ "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nGET / HTT", 400 },
		{ CHUNKED "ffffffffffffffff\r\n", 413 },
		{ CHUNKED "186a1\r\n", 413 },
		{ CHUNKED "0x5\r\n", 400 },
		{ CHUNKED "5;a=b\r\n", 400 },
		{ CHUNKED "0\r\nX-Evil: 1\r\n\r\n", 400 },
	};
	char want[32];

	for (size_t i = 0; i < COUNT(cases); i++) {
		int fd = edge_connect(*state);

		edge_send(fd, cases[i].request);
		edge_send(fd, GET("/smuggled"));
		if (edge_read_all(fd, got, sizeof(got)) < 0)
			fail_msg("case %zu: reset", i);
		(void)snprintf(want, sizeof(want), "HTTP/1.1 %d ", cases[i].status);
		if (strncmp(got, want, strlen(want)) != 0 || count_of(got, "HTTP/1.1 ") != 1 ||
		    !strstr(got, "Connection: close\r\n") || !strstr(got, "\r\n\r\nrefused"))
			fail_msg("case %zu: got %s", i, got);
		close(fd);
	}
}

/* Closing while the body still comes would reset the connection, and clients would not see why. */
static void a_refused_upload_may_go_on(void **state)
{
	int fd = edge_connect(*state);
	ssize_t len;

	edge_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
	assert_int_equal(recv(fd, got, 1, MSG_PEEK), 1);
	for (int i = 0; i < 100; i++)
		edge_send(fd, "more of what is not wanted");
	(void)shutdown(fd, SHUT_WR);
	len = edge_read_all(fd, got, sizeof(got));
	if (len < 0)
		fail_msg("reset after: %s", got);
	expect_in(got, "HTTP/1.1 413 ");
	close(fd);
}

static void a_head_has_a_limit(void **state)
{
	char request[10000];

	for (int extra = 0; extra <= 1; extra++) {
		int fd = edge_connect(*state);
		int fill = (int)edge_limits.max_head + extra - 32;

		(void)snprintf(request, sizeof(request),
			       "GET / HTTP/1.1\r\nHost: a\r\nX: %*s\r\n\r\n", fill, "x");
		assert_int_equal(strlen(request), edge_limits.max_head + extra);
		edge_send(fd, request);
		edge_read_answer(fd, false, got, sizeof(got));
		expect_in(got, extra ? "HTTP/1.1 431 " : "HTTP/1.1 200 ");
		close(fd);
	}
}

static void continue_comes_before_the_body(void **state)
{
	int fd = edge_connect(*state);

	edge_send(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
		      "Expect: 100-continue\r\n\r\n");
	edge_read_answer(fd, false, got, sizeof(got));
	assert_string_equal(got, "HTTP/1.1 100 Continue\r\n\r\n");
	edge_send(fd, "abc");
	edge_read_answer(fd, false, got, sizeof(got));
	expect_in(got, "HTTP/1.1 200 OK\r\n");
	expect_in(got, "\r\n\r\nabc");
	close(fd);
}

static void a_big_answer_arrives_whole(void **state)
{
	int fd = edge_connect(*state);
	size_t n_body = 0;
	ssize_t n;

	edge_send(fd, GET("/big"));
	(void)shutdown(fd, SHUT_WR);
	while ((n = recv(fd, got, sizeof(got), 0)) > 0)
		for (ssize_t i = 0; i < n; i++)
			n_body += got[i] == 'b';
	assert_int_equal(n, 0);
	assert_int_equal(n_body, EDGE_BIG_BODY);
	close(fd);
}

static void a_client_that_goes_is_noticed(void **state)
{
	struct edge *edge = *state;
	int fd = edge_connect(edge);

	edge_send(fd, GET("/later"));
	edge_wait_held(edge, 1);
	close(fd);
	edge_wait_gone(edge, 1);
	edge_answer_held(edge); /* to nobody */
	edge_wait_idle(edge);
}

static void a_half_open_client_still_gets_its_answer(void **state)
{
	struct edge *edge = *state;
	int fd = edge_connect(edge);

	edge_send(fd, GET("/later") GET("/next"));
	(void)shutdown(fd, SHUT_WR);
	edge_wait_gone(edge, 1);
	edge_answer_held(edge);
	assert_true(edge_read_all(fd, got, sizeof(got)) > 0);
	expect_in(got, "at last");
	expect_in(got, "/next");
	assert_int_equal(edge->n_gone, 1);
	close(fd);
}

static void a_request_freed_unanswered_cuts_off(void **state)
{
	int fd = edge_connect(*state);

	edge_send(fd, GET("/drop"));
	assert_int_equal(edge_read_all(fd, got, sizeof(got)), 0);
	close(fd);
}

static void a_connection_can_be_taken_over(void **state)
{
	struct edge *edge = *state;
	int fd = edge_connect(edge);

	edge_send(fd, GET("/switch") "sent ahead, ");
	edge_read_answer(fd, false, got, sizeof(got));
	expect_in(got, "HTTP/1.1 101 Switching Protocols\r\n");
	edge_send(fd, "and later");
	(void)recv(fd, got, 21, MSG_WAITALL);
	assert_memory_equal(got, "sent ahead, and later", 21);
	assert_false(edge_is_idle(edge));
	(void)shutdown(fd, SHUT_WR);
	assert_int_equal(edge_read_all(fd, got, sizeof(got)), 0);
	assert_true(edge_is_idle(edge));
	close(fd);
}

static void a_stream_has_no_length_and_ends_the_connection(void **state)
{
	struct edge *edge = *state;
	int fd = edge_connect(edge);

	edge_send(fd, GET("/stream") "sent ahead");
	(void)shutdown(fd, SHUT_WR);
	assert_true(edge_read_all(fd, got, sizeof(got)) > 0);
	expect_in(got, "HTTP/1.1 200 OK\r\n");
	expect_in(got, "\r\nConnection: close\r\n");
	expect_in(got, "\r\n\r\nsent ahead");
	expect_not_in(got, "Content-Length");
	assert_true(edge_is_idle(edge));
	close(fd);
}

static void what_was_taken_over_can_be_cut_off(void **state)
{
	struct edge *edge = *state;
	int fd = edge_connect(edge);

	edge_send(fd, GET("/cut"));
	assert_int_equal(edge_read_all(fd, got, sizeof(got)), -1);
	assert_true(edge_is_idle(edge));
	close(fd);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_answer_has_its_headers),
		STORY(extra_headers_replace_the_default),
		STORY(no_content_has_no_length),
		STORY(head_is_get_without_the_body),
		STORY(keep_alive_follows_the_version),
		STORY(nothing_is_served_after_close),
		STORY(pipelined_requests_are_answered_in_order),
		STORY(ten_thousand_pipelined_requests),
		STORY(a_head_may_come_byte_by_byte),
		STORY(a_long_chunked_body_arrives_whole),
		STORY(refusals_are_told_and_end_the_connection),
		STORY(a_refused_upload_may_go_on),
		STORY(a_head_has_a_limit),
		STORY(continue_comes_before_the_body),
		STORY(a_big_answer_arrives_whole),
		STORY(a_client_that_goes_is_noticed),
		STORY(a_half_open_client_still_gets_its_answer),
		STORY(a_request_freed_unanswered_cuts_off),
		STORY(a_connection_can_be_taken_over),
		STORY(a_stream_has_no_length_and_ends_the_connection),
		STORY(what_was_taken_over_can_be_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
