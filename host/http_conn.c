/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: bytes in, requests to the handler one at a time and in order, answers out. A connection
 * that closes while conn_advance works on it is freed there; everywhere else closing is the last step.
 */
#include "http_conn.h"

#include "clock.h"
#include "tls.h"
#include "xalloc.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READ_HIGH 16384 /* bytes; what a client may send ahead before we stop reading */

void conn_close(struct http_conn *conn)
{
	struct exchange *exchange = conn->exchange;
	bool is_handed = conn->state == CONN_HANDLER;

	if (conn->state == CONN_CLOSED)
		return;
	conn->state = CONN_CLOSED;
	conn->exchange = NULL;
	deadline_clear(conn);
	server_conn_gone(conn->server, conn);
	if (conn->bev && conn->is_tls)
		tls_say_goodbye(conn->bev);
	if (conn->bev)
		bufferevent_free(conn->bev);
	if (!conn->is_advancing)
		free(conn);
	if (!exchange)
		return;
	exchange->request.conn = NULL;
	if (is_handed)
		exchange_tell_gone(exchange);
	else
		exchange_free(exchange);
}

/* Closing with unread bytes would reset the connection and may take the answer with it. */
static void linger(struct http_conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);

	if (conn->is_half_closed || (!conn->has_unread && evbuffer_get_length(input) == 0)) {
		conn_close(conn);
		return;
	}
	conn->state = CONN_LINGER;
	(void)evbuffer_drain(input, evbuffer_get_length(input));
	if (conn->is_tls)
		tls_say_goodbye(conn->bev);
	(void)shutdown(bufferevent_getfd(conn->bev), SHUT_WR); /* fails when the client has gone */
	deadline_set(conn, DEADLINE_LINGER);
}

static void advance(struct http_conn *conn);

static void answered(struct http_conn *conn)
{
	if (conn->closes) {
		linger(conn);
		return;
	}
	conn->state = CONN_IDLE;
	deadline_set(conn, DEADLINE_IDLE);
	advance(conn);
}

static void send_answer(struct http_conn *conn, const struct http_head *head,
			const struct http_answer *answer)
{
	answer_send(conn, head, answer);
	if (evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0) {
		answered(conn);
		return;
	}
	conn->state = CONN_WRITING;
	deadline_set(conn, DEADLINE_WRITE);
}

static void refuse(struct http_conn *conn, int status)
{
	const struct http_server_conf *conf = &conn->server->conf;
	struct http_answer answer = { .status = status };

	exchange_free(conn->exchange);
	conn->exchange = NULL;
	conf->refuse(conf->ctx, status, &answer);
	conn->closes = true;
	conn->has_unread = true;
	send_answer(conn, NULL, &answer);
}

static void deliver(struct http_conn *conn)
{
	const struct http_server_conf *conf = &conn->server->conf;
	struct exchange *exchange = conn->exchange;

	exchange->request.body = (struct slice){ exchange->body, exchange->body_len };
	conn->state = CONN_HANDLER;
	deadline_clear(conn);
	conf->handler(conf->ctx, &exchange->request);
}

static void start_body(struct http_conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);

	conn->chunk = (struct http_chunk){ 0 };
	conn->state = CONN_BODY;
	deadline_set(conn, DEADLINE_BODY);
	if (conn->exchange->request.head.expect_continue && evbuffer_get_length(input) == 0)
		answer_continue(conn);
}

static void start_request(struct http_conn *conn, size_t head_len)
{
	struct exchange *exchange = exchange_new(conn->server, head_len);
	struct http_request *request = &exchange->request;
	int status;

	(void)evbuffer_remove(bufferevent_get_input(conn->bev), exchange->head, head_len);
	conn->searched = 0;
	conn->exchange = exchange;
	request->conn = conn;
	request->peer = conn->peer;
	request->listener_tag = conn->tag;
	request->is_tls = conn->is_tls;
	request->start_us = conn->start_us;
	status = http_head_parse(&request->head, exchange->head, head_len);
	if (status == 0 && request->head.content_length > conn->server->conf.limits.max_body)
		status = 413;
	if (status != 0)
		refuse(conn, status);
	else if (request->head.is_chunked || request->head.content_length > 0)
		start_body(conn);
	else
		deliver(conn);
}

/* Each take_ returns false when it needs more bytes. */
static bool take_head(struct http_conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	size_t len = evbuffer_get_length(input);
	size_t max = (size_t)conn->server->conf.limits.max_head;
	const char *bytes;
	ssize_t head_len;

	if (len == 0)
		return false;
	if (len > max)
		len = max;
	bytes = (const char *)evbuffer_pullup(input, (ssize_t)len);
	if (!bytes)
		out_of_memory();
	if (conn->state == CONN_IDLE)
		conn->start_us = clock_mono_us();
	conn->state = CONN_HEAD;
	head_len = http_head_length(bytes, len, conn->searched);
	if (head_len > 0) {
		start_request(conn, (size_t)head_len);
	} else if (head_len < 0 || len == max) {
		refuse(conn, head_len < 0 ? 400 : 431);
	} else {
		conn->searched = len;
		if (conn->deadline != DEADLINE_HEAD)
			deadline_set(conn, DEADLINE_HEAD);
		return false;
	}
	return true;
}

static bool take_counted(struct http_conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	struct exchange *exchange = conn->exchange;
	size_t n = (size_t)exchange->request.head.content_length - exchange->body_len;

	if (evbuffer_get_length(input) == 0)
		return false;
	if (n > evbuffer_get_length(input))
		n = evbuffer_get_length(input);
	(void)evbuffer_remove(input, exchange_room(exchange, n), n);
	exchange->body_len += n;
	if (exchange->body_len == (size_t)exchange->request.head.content_length)
		deliver(conn);
	return true;
}

static bool take_chunked(struct http_conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	struct exchange *exchange = conn->exchange;
	uint64_t max = (uint64_t)conn->server->conf.limits.max_body;
	enum http_chunk_result result;
	struct evbuffer_iovec part;
	size_t n;

	if (evbuffer_peek(input, -1, NULL, &part, 1) < 1)
		return false;
	n = part.iov_len;
	result = http_chunk_feed(&conn->chunk, part.iov_base, &n, exchange_room(exchange, n),
				 &exchange->body_len);
	(void)evbuffer_drain(input, n);
	if (result == HTTP_CHUNK_BAD)
		refuse(conn, 400);
	else if (exchange->body_len > max || conn->chunk.left > max - exchange->body_len)
		refuse(conn, 413);
	else if (result == HTTP_CHUNK_END)
		deliver(conn);
	return true;
}

static bool take_body(struct http_conn *conn)
{
	return conn->exchange->request.head.is_chunked ? take_chunked(conn) : take_counted(conn);
}

/* Handlers may answer at once: then the loop here goes on to the next request, without recursion. */
static void advance(struct http_conn *conn)
{
	bool goes_on = true;

	if (conn->is_advancing)
		return;
	conn->is_advancing = true;
	while (goes_on && conn->state <= CONN_BODY)
		goes_on = conn->state == CONN_BODY ? take_body(conn) : take_head(conn);
	if (!goes_on && conn->is_half_closed)
		conn_close(conn);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): conn_close has left it to be freed here */
	conn->is_advancing = false;
	if (conn->state == CONN_CLOSED)
		free(conn);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	struct http_conn *conn = arg;

	if (conn->state == CONN_LINGER)
		(void)evbuffer_drain(input, evbuffer_get_length(input));
	else
		advance(conn);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct http_conn *conn = arg;

	(void)bev;
	if (conn->state == CONN_WRITING)
		answered(conn);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct http_conn *conn = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		return; /* TLS has shaken hands */
	conn->is_half_closed = true;
	if (!(what & BEV_EVENT_EOF) || conn->state < CONN_HANDLER || conn->state == CONN_LINGER)
		conn_close(conn);
	else if (conn->state == CONN_HANDLER)
		exchange_tell_gone(conn->exchange);
}

/* Closed in peace, the kernel would go on offering the answer for minutes. */
static void reset(struct http_conn *conn)
{
	static const struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt(bufferevent_getfd(conn->bev), SOL_SOCKET, SO_LINGER, &at_once,
			 sizeof(at_once));
	conn_close(conn);
}

void conn_expire(struct http_conn *conn)
{
	if (conn->deadline == DEADLINE_HEAD || conn->deadline == DEADLINE_BODY)
		refuse(conn, 408);
	else if (conn->deadline == DEADLINE_WRITE)
		reset(conn);
	else
		conn_close(conn);
}

static void set_callbacks(struct http_conn *conn)
{
	size_t max_head = (size_t)conn->server->conf.limits.max_head;

	bufferevent_setcb(conn->bev, on_read, on_written, on_event, conn);
	bufferevent_setwatermark(conn->bev, EV_READ, 0,
				 max_head > READ_HIGH ? max_head : READ_HIGH);
}

void conn_new(struct http_server *server, struct bufferevent *bev, const struct conn_origin *origin)
{
	struct http_conn *conn = xcalloc(1, sizeof(*conn));

	conn->server = server;
	conn->bev = bev;
	conn->peer = origin->peer;
	conn->tag = origin->tag;
	conn->is_tls = origin->is_tls;
	conn->deadline = DEADLINE_NONE;
	LIST_INSERT_HEAD(&server->conns, conn, link);
	set_callbacks(conn);
	deadline_set(conn, DEADLINE_FIRST);
	if (bufferevent_enable(bev, EV_READ | EV_WRITE) != 0)
		conn_close(conn);
}

/* The head of a stream says that its end is the end of the connection. */
static void hand_over(struct http_conn *conn, const struct http_head *head,
		      const struct http_answer *answer)
{
	conn->closes = answer->status != 101;
	answer_send(conn, head, answer);
	conn->state = CONN_TAKEN;
	bufferevent_setcb(conn->bev, NULL, NULL, NULL, NULL);
	bufferevent_setwatermark(conn->bev, EV_READ, 0, 0);
	(void)bufferevent_disable(conn->bev, EV_READ);
	answer->take_over(answer->ctx, conn);
}

void http_answer(struct http_request *request, const struct http_answer *answer)
{
	struct http_conn *conn = request->conn;

	request->conn = NULL;
	if (conn)
		conn->exchange = NULL;
	if (answer->take_over && (!conn || conn->is_half_closed)) {
		if (conn)
			conn_close(conn);
		answer->take_over(answer->ctx, NULL);
	} else if (answer->take_over) {
		hand_over(conn, &request->head, answer);
	} else if (conn) {
		conn->closes = answer->must_close || !request->head.keep_alive ||
			       conn->server->is_draining;
		send_answer(conn, &request->head, answer);
	}
}

struct bufferevent *http_taken_bufferevent(const struct http_conn *conn)
{
	return conn->bev;
}

void http_taken_give_back(struct http_conn *conn)
{
	conn->closes = true;
	conn->has_unread = true;
	conn->state = CONN_WRITING;
	set_callbacks(conn);
	deadline_set(conn, DEADLINE_WRITE);
	(void)bufferevent_enable(conn->bev, EV_READ);
	if (evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0)
		answered(conn);
}

void http_taken_cut(struct http_conn *conn)
{
	reset(conn);
}
