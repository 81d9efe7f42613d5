/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a tiny server of its own: each answer, and each way to give none. */
#include "http_client.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG_MS 10000 /* never waited for */
#define SHORT_MS 150  /* waited for by the tests of time-outs */

#define KEPT(path, headers)                                                                        \
	{                                                                                          \
		path, "HTTP/1.1 200 OK\r\n" headers "Content-Length: 2\r\n\r\nhi", 0, PINTLE_OK,   \
			200, "hi"                                                                  \
	}

/* What the server does with a connection, by the first line's path. */
static const struct row {
	const char *path, *answer; /* NULL: says nothing and waits for the client to leave */
	int is_reset;
	int32_t status, code;
	const char *body;
} rows[] = {
	{ "/ok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 0, PINTLE_OK, 200, "hi" },
	{ "/empty", "HTTP/1.1 204 No Content\r\n\r\n", 0, PINTLE_OK, 204, "" },
	{ "/404", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", 0, PINTLE_OK, 404,
	  "nope" },
	{ "/chunked",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 0,
	  PINTLE_OK, 200, "abc" },
	{ "/redirect", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", 0,
	  PINTLE_OK, 302, "" },
	{ "/fits", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678", 0, PINTLE_OK, 200,
	  "12345678" },
	{ "/large", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789", 0, PINTLE_TIMEOUT, 0,
	  NULL },
	{ "/large-chunked",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n", 0,
	  PINTLE_TIMEOUT, 0, NULL },
	{ "/slow", NULL, 0, PINTLE_TIMEOUT, 0, NULL },
	{ "/cut", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", 0, PINTLE_TIMEOUT, 0, NULL },
	{ "/reset", NULL, 1, PINTLE_TIMEOUT, 0, NULL },
	KEPT("/age-plain", "Cache-Control: max-age=300\r\n"),
	KEPT("/age-list", "cache-control: public , MAX-AGE=19080 , must-revalidate\r\n"),
	KEPT("/age-quoted", "Cache-Control: max-age=\"60\"\r\n"),
	KEPT("/age-least", "Cache-Control: max-age=20\r\nCache-Control: max-age=10\r\n"),
	KEPT("/age-spent", "Cache-Control: max-age=300\r\nAge: 301\r\n"),
	KEPT("/age-left", "Cache-Control: max-age=300\r\nAge: 200\r\n"),
	KEPT("/age-no-store", "Cache-Control: max-age=300, no-store\r\n"),
	KEPT("/age-no-cache", "Cache-Control: no-cache=\"Set-Cookie\", max-age=300\r\n"),
	KEPT("/age-huge", "Cache-Control: max-age=99999999999999999999999\r\n"),
	KEPT("/age-senseless", "Cache-Control: max-age=5m\r\n"),
	KEPT("/age-negative", "Cache-Control: max-age=-5\r\n"),
	KEPT("/age-none", "Cache-Control: max-age\r\n"),
	KEPT("/age-shared", "Cache-Control: s-maxage=300, max-aged=300\r\n"),
};

struct world {
	struct loop *loop;
	struct http_client *client;
	pthread_t loop_thread, server_thread;
	int listener;
	int port;
	int silence[2];  /* a pipe: one byte for each request that is left without answer */
	char seen[4096]; /* the last request's bytes; read after its answer */
};

static const struct row *row_of(const char *request)
{
	const char *path = strchr(request, ' ');

	for (size_t i = 0; path && i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].path);

		if (strncmp(path + 1, rows[i].path, len) == 0 && path[1 + len] == ' ')
			return &rows[i];
	}
	return NULL;
}

/* Reads a head and as much body as it announces. */
static void read_request(int fd, char *out, size_t size)
{
	size_t len = 0, want = 0;

	for (;;) {
		ssize_t n = recv(fd, out + len, size - 1 - len, 0);
		char *end, *length;

		if (n <= 0)
			return;
		len += (size_t)n;
		out[len] = '\0';
		end = strstr(out, "\r\n\r\n");
		if (!end)
			continue;
		length = strstr(out, "Content-Length: ");
		want = (size_t)(end + 4 - out) + (length ? strtoul(length + 16, NULL, 10) : 0);
		if (len >= want)
			return;
	}
}

static void serve_one(struct world *world, int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	const struct row *row;
	char rest;

	memset(world->seen, 0, sizeof(world->seen));
	read_request(fd, world->seen, sizeof(world->seen));
	row = row_of(world->seen);
	if (row && row->answer)
		(void)send(fd, row->answer, strlen(row->answer), MSG_NOSIGNAL);
	else if (row && row->is_reset)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	else if (row && write(world->silence[1], "", 1) == 1)
		while (recv(fd, &rest, 1, 0) > 0)
			continue;
	(void)close(fd);
}

static void *serve(void *arg)
{
	struct world *world = arg;
	int fd;

	while ((fd = accept(world->listener, NULL, NULL)) >= 0)
		serve_one(world, fd);
	return NULL;
}

static void *turn(void *arg)
{
	loop_run(((struct world *)arg)->loop);
	return NULL;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	world->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(world->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(world->listener, 16), 0);
	assert_int_equal(getsockname(world->listener, (struct sockaddr *)&addr, &len), 0);
	world->port = ntohs(addr.sin_port);
	assert_int_equal(pipe(world->silence), 0);
	world->loop = loop_new();
	world->client = http_client_new(world->loop);
	assert_int_equal(pthread_create(&world->loop_thread, NULL, turn, world), 0);
	assert_int_equal(pthread_create(&world->server_thread, NULL, serve, world), 0);
	*state = world;
	return 0;
}

static void end_client(void *arg)
{
	struct world *world = arg;

	http_client_free(world->client);
	world->client = NULL;
	loop_stop(world->loop);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	loop_post(world->loop, end_client, world);
	pthread_join(world->loop_thread, NULL);
	(void)shutdown(world->listener, SHUT_RDWR);
	pthread_join(world->server_thread, NULL);
	(void)close(world->listener);
	(void)close(world->silence[0]);
	(void)close(world->silence[1]);
	loop_free(world->loop);
	free(world);
	return 0;
}

static int32_t get(struct world *world, struct arena *arena, const char *path,
		   struct pintle_request request, struct pintle_answer *out)
{
	request.size = sizeof(request);
	request.url = arena_printf(arena, "http://127.0.0.1:%d%s", world->port, path);
	*out = (struct pintle_answer){ .size = sizeof(*out) };
	return http_client_do(world->client, arena, &request, clock_mono_ms() + LONG_MS, out,
			      &(struct err){ "" });
}

static void each_answer_gives_its_status(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		bool is_waited = !row->answer && !row->is_reset;
		struct pintle_request request = { .max_answer = 8,
						  .timeout_ms = is_waited ? SHORT_MS : 0 };
		struct arena arena = { 0 };
		struct pintle_answer answer;
		int32_t status = get(*state, &arena, row->path, request, &answer);

		if (status != row->status || answer.code != row->code)
			fail_msg("row %zu %s: status %d code %d", i, row->path, status,
				 answer.code);
		if (row->body &&
		    (strcmp(answer.body, row->body) != 0 || answer.body_len != strlen(row->body)))
			fail_msg("row %zu %s: body '%s'", i, row->path, answer.body);
		arena_fini(&arena);
	}
}

static void an_answer_says_how_long_it_may_be_kept(void **state)
{
	static const struct {
		const char *path;
		int64_t max_age_ms;
	} kept[] = {
		{ "/ok", 0 },
		{ "/age-plain", 300000 },
		{ "/age-list", 19080000 },
		{ "/age-quoted", 60000 },
		{ "/age-least", 10000 },
		{ "/age-spent", 0 },
		{ "/age-left", 100000 },
		{ "/age-no-store", 0 },
		{ "/age-no-cache", 0 },
		{ "/age-huge", 2147483648000 },
		{ "/age-senseless", 0 },
		{ "/age-negative", 0 },
		{ "/age-none", 0 },
		{ "/age-shared", 0 },
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct arena arena = { 0 };
		struct pintle_answer answer;
		struct pintle_request request = { 0 };

		assert_int_equal(get(*state, &arena, kept[i].path, request, &answer), PINTLE_OK);
		if (answer.max_age_ms != kept[i].max_age_ms)
			fail_msg("%s: %lld", kept[i].path, (long long)answer.max_age_ms);
		arena_fini(&arena);
	}
}

/* A plugin of before has no room for it. */
static void a_shorter_answer_is_not_written_beyond(void **state)
{
	struct world *world = *state;
	struct pintle_request request = { .size = sizeof(request) };
	struct pintle_answer answer = { .size = offsetof(struct pintle_answer, max_age_ms),
					.max_age_ms = -1 };
	struct arena arena = { 0 };

	request.url = arena_printf(&arena, "http://127.0.0.1:%d/age-plain", world->port);
	assert_int_equal(http_client_do(world->client, &arena, &request, clock_mono_ms() + LONG_MS,
					&answer, &(struct err){ "" }),
			 PINTLE_OK);
	assert_string_equal(answer.body, "hi");
	assert_int_equal(answer.max_age_ms, -1);
	arena_fini(&arena);
}

static void method_headers_and_body_arrive(void **state)
{
	struct world *world = *state;
	const char *const headers[] = { "X-Key: one", "Content-Type: application/json", NULL };
	struct pintle_request request = { .headers = headers, .body = "{\"a\":1}", .body_len = 7 };
	struct arena arena = { 0 };
	struct pintle_answer answer;

	assert_int_equal(get(world, &arena, "/ok", request, &answer), PINTLE_OK);
	assert_memory_equal(world->seen, "POST /ok HTTP/1.1\r\n", 19);
	assert_non_null(strstr(world->seen, "\r\nX-Key: one\r\n"));
	assert_non_null(strstr(world->seen, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(world->seen, "\r\n\r\n{\"a\":1}"));
	assert_null(strstr(world->seen, "Expect"));
	request.method = "PUT";
	assert_int_equal(get(world, &arena, "/ok", request, &answer), PINTLE_OK);
	assert_memory_equal(world->seen, "PUT /ok HTTP/1.1\r\n", 18);
	request = (struct pintle_request){ .method = "DELETE" };
	assert_int_equal(get(world, &arena, "/empty", request, &answer), PINTLE_OK);
	assert_memory_equal(world->seen, "DELETE /empty HTTP/1.1\r\n", 24);
	arena_fini(&arena);
}

static void a_header_cannot_make_another(void **state)
{
	static const char *const bad[] = { "X: a\r\nY: b", "X: a\n", "no colon" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const headers[] = { bad[i], NULL };
		struct pintle_request request = { .headers = headers };
		struct arena arena = { 0 };
		struct pintle_answer answer;
		int32_t status = get(*state, &arena, "/ok", request, &answer);

		if (status != PINTLE_INTERNAL)
			fail_msg("header %zu: status %d", i, status);
		arena_fini(&arena);
	}
}

/* Nothing went out, so another upstream may be tried. */
static void what_was_not_sent_is_unavailable(void **state)
{
	static const struct {
		const char *url, *why;
	} cases[] = {
		{ "http://127.0.0.1:1/", "refused" },
		{ "http://no-such-name.invalid/", "resolve" },
		{ "ftp://127.0.0.1/", "ftp" },
		{ "file:///etc/passwd", "file" },
		{ "not a url", "URL" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pintle_request request = { .size = sizeof(request), .url = cases[i].url };
		struct pintle_answer answer = { .size = sizeof(answer) };
		struct arena arena = { 0 };
		struct err why = { "" };
		int32_t status = http_client_do(world->client, &arena, &request,
						clock_mono_ms() + LONG_MS, &answer, &why);

		if (status != PINTLE_UNAVAILABLE || !strstr(why.text, cases[i].why))
			fail_msg("case %zu: status %d, %s", i, status, why.text);
		arena_fini(&arena);
	}
}

static void past_the_deadline_nothing_is_sent(void **state)
{
	struct world *world = *state;
	struct pintle_request request = { .size = sizeof(request), .url = "http://127.0.0.1/" };
	struct pintle_answer answer = { .size = sizeof(answer) };
	struct arena arena = { 0 };
	struct err why = { "" };

	assert_int_equal(
		http_client_do(world->client, &arena, &request, clock_mono_ms() - 1, &answer, &why),
		PINTLE_UNAVAILABLE);
	assert_string_equal(why.text, "no time was left");
	arena_fini(&arena);
}

struct waiter {
	struct world *world;
	int32_t status;
};

static void *wait_for_slow(void *arg)
{
	struct waiter *waiter = arg;
	struct pintle_request request = { .timeout_ms = LONG_MS };
	struct pintle_answer answer;
	struct arena arena = { 0 };

	waiter->status = get(waiter->world, &arena, "/slow", request, &answer);
	arena_fini(&arena);
	return NULL;
}

/* A client that goes away wakes those who wait. */
static void freeing_ends_what_runs(void **state)
{
	struct world *world = *state;
	struct waiter waiter = { .world = world };
	pthread_t thread;
	char byte;

	assert_int_equal(pthread_create(&thread, NULL, wait_for_slow, &waiter), 0);
	assert_int_equal(read(world->silence[0], &byte, 1), 1);
	loop_post(world->loop, end_client, world);
	pthread_join(thread, NULL);
	assert_int_equal(waiter.status, PINTLE_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_answer_gives_its_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_says_how_long_it_may_be_kept, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_shorter_answer_is_not_written_beyond, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(method_headers_and_body_arrive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_header_cannot_make_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_not_sent_is_unavailable, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(past_the_deadline_nothing_is_sent, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(freeing_ends_what_runs, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
