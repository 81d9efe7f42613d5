/* SPDX-License-Identifier: Apache-2.0 */
#include "edge_server.h"

#include "xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define GIVE_UP_S 10 /* a hanging server fails the test instead of the run */

const struct http_limits edge_limits = {
	.max_head = 8192,
	.max_body = 100000,
	.head_timeout_ms = 60000,
	.body_timeout_ms = 60000,
	.write_timeout_ms = 60000,
	.idle_timeout_ms = 60000,
	.max_connections = 100,
	.max_per_address = 100,
};

static char big_body[EDGE_BIG_BODY];

static void note(struct edge *edge, int *counter)
{
	pthread_mutex_lock(&edge->mutex);
	(*counter)++;
	pthread_cond_broadcast(&edge->changed);
	pthread_mutex_unlock(&edge->mutex);
}

static void note_gone(void *arg)
{
	struct edge *edge = arg;

	note(edge, &edge->n_gone);
}

static void hold(struct edge *edge, struct http_request *request)
{
	request->on_gone = note_gone;
	request->ctx = edge;
	edge->held = request;
	note(edge, &edge->n_held);
}

static void write_back(struct bufferevent *bev, void *arg)
{
	(void)arg;
	(void)bufferevent_write_buffer(bev, bufferevent_get_input(bev));
}

static void end_switched(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	http_taken_give_back(arg);
}

static void take_over(void *ctx, struct http_conn *conn)
{
	struct bufferevent *bev = http_taken_bufferevent(conn);

	(void)ctx;
	bufferevent_setcb(bev, write_back, NULL, end_switched, conn);
	(void)bufferevent_enable(bev, EV_READ);
	write_back(bev, NULL);
}

static void cut_off(void *ctx, struct http_conn *conn)
{
	(void)ctx;
	http_taken_cut(conn);
}

static void handle(void *ctx, struct http_request *request)
{
	struct http_answer answer = { .status = 200, .content_type = "text/plain" };

	answer.body = request->head.path;
	if (slice_is(request->head.path, "/later")) {
		hold(ctx, request);
		return;
	}
	if (slice_is(request->head.path, "/echo"))
		answer.body = request->body;
	else if (slice_is(request->head.path, "/big"))
		answer.body = (struct slice){ big_body, sizeof(big_body) };
	else if (slice_is(request->head.path, "/empty"))
		answer = (struct http_answer){ .status = 204 };
	else if (slice_is(request->head.path, "/cached"))
		answer.extra = "Cache-Control: max-age=60\r\nX-More: yes\r\n";
	else if (slice_is(request->head.path, "/close"))
		answer.must_close = true;
	else if (slice_is(request->head.path, "/switch"))
		answer = (struct http_answer){ .status = 101, .take_over = take_over };
	else if (slice_is(request->head.path, "/stream"))
		answer.take_over = take_over;
	else if (slice_is(request->head.path, "/cut"))
		answer.take_over = cut_off;
	if (!slice_is(request->head.path, "/drop"))
		http_answer(request, &answer);
	http_request_free(request);
}

static void refuse(void *ctx, int status, struct http_answer *out)
{
	(void)ctx;
	(void)status;
	out->body = SLICE("refused");
}

static void *run(void *arg)
{
	struct edge *edge = arg;

	loop_run(edge->loop);
	return NULL;
}

static int listen_on_loopback(int *port_out)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port_out = ntohs(sin.sin_port);
	return fd;
}

struct edge *edge_new(const struct http_limits *limits, struct tls *tls,
		      const struct network_list *uncounted)
{
	struct edge *edge = xcalloc(1, sizeof(*edge));
	struct http_server_conf conf = {
		.limits = *limits,
		.handler = handle,
		.refuse = refuse,
		.ctx = edge,
		.uncounted = uncounted,
	};

	(void)signal(SIGPIPE, SIG_IGN);
	memset(big_body, 'b', sizeof(big_body));
	pthread_mutex_init(&edge->mutex, NULL);
	pthread_cond_init(&edge->changed, NULL);
	edge->listen_fd = listen_on_loopback(&edge->port);
	edge->loop = loop_new();
	edge->server = http_server_new(edge->loop, &conf);
	assert_true(http_server_listen(edge->server, edge->listen_fd, tls, edge));
	assert_int_equal(pthread_create(&edge->thread, NULL, run, edge), 0);
	return edge;
}

void edge_free(struct edge *edge)
{
	loop_stop(edge->loop);
	pthread_join(edge->thread, NULL);
	http_server_free(edge->server);
	http_request_free(edge->held);
	loop_free(edge->loop);
	close(edge->listen_fd);
	pthread_cond_destroy(&edge->changed);
	pthread_mutex_destroy(&edge->mutex);
	free(edge);
}

static void wait_for(struct edge *edge, const int *counter, int n)
{
	pthread_mutex_lock(&edge->mutex);
	while (*counter < n)
		pthread_cond_wait(&edge->changed, &edge->mutex);
	pthread_mutex_unlock(&edge->mutex);
}

void edge_wait_held(struct edge *edge, int n)
{
	wait_for(edge, &edge->n_held, n);
}

void edge_wait_gone(struct edge *edge, int n)
{
	wait_for(edge, &edge->n_gone, n);
}

static void answer_held(void *arg)
{
	struct edge *edge = arg;
	struct http_answer answer = { .status = 200, .body = SLICE("at last") };

	http_answer(edge->held, &answer);
	http_request_free(edge->held);
	edge->held = NULL;
}

void edge_answer_held(struct edge *edge)
{
	loop_post(edge->loop, answer_held, edge);
}

static void drain(void *arg)
{
	struct edge *edge = arg;

	http_server_drain(edge->server);
}

void edge_drain(struct edge *edge)
{
	loop_post(edge->loop, drain, edge);
}

static void look(void *arg)
{
	struct edge *edge = arg;

	http_server_stats(edge->server, &edge->stats);
	edge->is_idle = http_server_is_idle(edge->server);
	note(edge, &edge->n_looks);
}

static void look_now(struct edge *edge)
{
	int before = edge->n_looks; /* only this thread asks */

	loop_post(edge->loop, look, edge);
	wait_for(edge, &edge->n_looks, before + 1);
}

struct http_stats edge_stats(struct edge *edge)
{
	look_now(edge);
	return edge->stats;
}

void edge_wait_idle(struct edge *edge)
{
	for (int i = 0; i < GIVE_UP_S * 200 && !edge_is_idle(edge); i++)
		(void)poll(NULL, 0, 5);
	assert_true(edge_is_idle(edge));
}

bool edge_is_idle(struct edge *edge)
{
	look_now(edge);
	return edge->is_idle;
}

int edge_connect_from(const struct edge *edge, const char *address)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr(address) };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)edge->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval give_up = { .tv_sec = GIVE_UP_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &give_up, sizeof(give_up)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

int edge_connect(const struct edge *edge)
{
	return edge_connect_from(edge, "127.0.0.1");
}

void edge_send(int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

ssize_t edge_read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, out + len, size - 1 - len, 0)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	if (n < 0 && errno == EAGAIN)
		fail_msg("the connection stays open; read so far: %s", out);
	return n < 0 ? -1 : (ssize_t)len;
}

static bool has_whole_answer(const char *text, size_t len, bool is_head)
{
	const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
	size_t body_len = 0;

	if (!end)
		return false;
	if (length && !is_head)
		body_len = strtoul(length + strlen("Content-Length: "), NULL, 10);
	return len >= (size_t)(end - text) + 4 + body_len;
}

void edge_read_answer(int fd, bool is_head, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	while (!has_whole_answer(out, len, is_head)) {
		/* Byte by byte: the next answer is left where it is. */
		ssize_t n = recv(fd, out + len, 1, 0);

		if (n <= 0 || len + 2 > size)
			fail_msg("no whole answer, but: %s", out);
		len += (size_t)n;
		out[len] = '\0';
	}
}
