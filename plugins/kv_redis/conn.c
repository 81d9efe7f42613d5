/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/sds.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_WORDS 9
/* A value and its frame; more than that unparsed is no answer of ours. */
#define MAX_UNPARSED (PINTLE_KV_VALUE_MAX + (256 << 10))
#define MAX_UNSENT (16 << 20) /* bytes */
#define SPARE 64              /* places for what is not an op, once ops are refused */

bool conn_init(struct conn *conn, const struct base *base, size_t size, conn_ended *ended,
	       conn_answer *push, void *owner)
{
	*conn = (struct conn){
		.base = base, .size = size, .ended = ended, .push = push, .owner = owner
	};
	conn->size += SPARE;
	conn->asked = calloc(conn->size, sizeof(*conn->asked));
	return conn->asked != NULL;
}

bool conn_is_open(const struct conn *conn)
{
	return conn->redis != NULL;
}

bool conn_is_full(const struct conn *conn)
{
	return conn->n_asked + SPARE >= conn->size ||
	       (conn->redis && sdslen(conn->redis->obuf) > MAX_UNSENT);
}

static struct conn_asked take_first(struct conn *conn)
{
	struct conn_asked asked = conn->asked[conn->first];

	conn->first = (conn->first + 1) % conn->size;
	conn->n_asked--;
	return asked;
}

static void end(struct conn *conn, const char *why)
{
	redisContext *redis = conn->redis;

	if (!redis)
		return;
	conn->redis = NULL;
	(void)conn->base->host->watch(conn->base->inst, redis->fd, 0, NULL, NULL);
	if (why)
		conn->ended(conn->owner, why); /* why may be in what is freed now */
	redisFree(redis);
	for (size_t n = conn->n_asked; n > 0; n--) {
		struct conn_asked asked = take_first(conn);

		asked.fn(asked.ctx, NULL);
	}
}

void conn_end(struct conn *conn, const char *why)
{
	end(conn, why);
}

void conn_fini(struct conn *conn)
{
	end(conn, NULL);
	free(conn->asked);
	*conn = (struct conn){ 0 };
}

/* ---- Answers ---- */

static bool is_message(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
	       reply->element[0]->type == REDIS_REPLY_STRING &&
	       strcmp(reply->element[0]->str, "message") == 0;
}

static void give(struct conn *conn, const redisReply *reply)
{
	struct conn_asked asked;

	conn->n_given++;
	if (conn->push && is_message(reply)) {
		conn->push(conn->owner, reply);
		return;
	}
	if (conn->n_asked == 0) {
		conn_end(conn, "an answer nobody asked for");
		return;
	}
	asked = take_first(conn);
	asked.fn(asked.ctx, reply);
}

/* Whoever gets an answer may end the connection. */
static void read_answers(struct conn *conn)
{
	void *reply = NULL;

	if (redisBufferRead(conn->redis) != REDIS_OK) {
		conn_end(conn, conn->redis->errstr);
		return;
	}
	while (conn->redis) {
		if (redisGetReplyFromReader(conn->redis, &reply) != REDIS_OK) {
			conn_end(conn, conn->redis->errstr);
			return;
		}
		if (!reply)
			break;
		give(conn, reply);
		freeReplyObject(reply);
	}
	if (conn->redis && conn->redis->reader->len > MAX_UNPARSED)
		conn_end(conn, "an answer larger than any there is");
}

/* ---- The socket ---- */

static void on_ready(void *arg, int fd, uint32_t events);

static bool arm(struct conn *conn, uint32_t events)
{
	const struct base *base = conn->base;

	conn->is_write_armed = (events & PINTLE_FD_WRITE) != 0;
	if (base->host->watch(base->inst, conn->redis->fd, events, on_ready, conn) == PINTLE_OK)
		return true;
	conn_end(conn, "the loop takes no more descriptors");
	return false;
}

static void flush(struct conn *conn)
{
	int is_all = 0;

	if (conn->sending)
		conn->sending(conn->owner);
	if (!conn->redis)
		return;
	if (redisBufferWrite(conn->redis, &is_all) != REDIS_OK)
		conn_end(conn, conn->redis->errstr);
	else if (conn->is_write_armed == (is_all != 0))
		(void)arm(conn, PINTLE_FD_READ | (is_all ? 0 : PINTLE_FD_WRITE));
}

/* At the end of the turn in which something was asked. */
static void flush_late(void *arg)
{
	struct conn *conn = arg;

	if (conn->redis && conn->is_connected && !conn->is_write_armed)
		flush(conn);
	conn->is_flush_due = false; /* what went along needs none of its own */
}

static bool finish_connect(struct conn *conn)
{
	int error = 0, yes = 1;
	socklen_t len = sizeof(error);

	if (getsockopt(conn->redis->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0) {
		conn_end(conn, strerror(error));
		return false;
	}
	/* Refused by a Unix socket, which has no use for it. */
	(void)setsockopt(conn->redis->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	conn->is_connected = true;
	return true;
}

static void on_ready(void *arg, int fd, uint32_t events)
{
	struct conn *conn = arg;

	(void)fd;
	if (!conn->redis || (!conn->is_connected && !finish_connect(conn)))
		return;
	if (events & PINTLE_FD_WRITE)
		flush(conn);
	if (conn->redis && (events & PINTLE_FD_READ))
		read_answers(conn);
}

bool conn_open(struct conn *conn, const struct spot *spot, char *why, size_t why_len)
{
	const struct base *base = conn->base;
	redisContext *redis = spot_is_path(spot) ? redisConnectUnixNonBlock(spot->address)
						 : redisConnectNonBlock(spot->address, spot->port);

	if (!redis || redis->err || fcntl(redis->fd, F_SETFD, FD_CLOEXEC) != 0) {
		(void)snprintf(why, why_len, "%s", redis && redis->err ? redis->errstr : "memory");
		if (redis)
			redisFree(redis);
		return false;
	}
	if (base->host->watch(base->inst, redis->fd, PINTLE_FD_WRITE, on_ready, conn) !=
	    PINTLE_OK) {
		(void)snprintf(why, why_len, "the loop takes no more descriptors");
		redisFree(redis);
		return false;
	}
	conn->redis = redis;
	conn->is_connected = conn->is_silent = false;
	conn->is_write_armed = true;
	conn->connect_until_ms = base->host->mono_ms() + base->conf->connect_timeout_ms;
	return true;
}

/* ---- Asking ---- */

static int64_t until(const struct conn *conn)
{
	const struct base *base = conn->base;
	int64_t from_ms = conn->is_connected ? base->host->mono_ms() : conn->connect_until_ms;

	return from_ms + base->conf->command_timeout_ms;
}

static void flush_soon(struct conn *conn)
{
	const struct base *base = conn->base;

	if (!conn->is_connected || conn->is_write_armed || conn->is_flush_due)
		return;
	conn->is_flush_due = base->host->timer(base->inst, 0, flush_late, conn) == PINTLE_OK;
	if (!conn->is_flush_due)
		flush(conn);
}

bool conn_ask(struct conn *conn, const char *command, size_t len, conn_answer *fn, void *ctx)
{
	if (!conn->redis || conn->n_asked == conn->size ||
	    redisAppendFormattedCommand(conn->redis, command, len) != REDIS_OK)
		return false;
	conn->asked[(conn->first + conn->n_asked++) % conn->size] =
		(struct conn_asked){ fn, ctx, until(conn) };
	flush_soon(conn);
	return true;
}

bool conn_ask_words(struct conn *conn, const char *const *words, size_t n_words, conn_answer *fn,
		    void *ctx)
{
	const char *argv[MAX_WORDS];
	char *command = NULL;
	int len = -1;
	bool ok;

	if (n_words <= MAX_WORDS) {
		memcpy(argv, words, n_words * sizeof(*argv));
		len = redisFormatCommandArgv(&command, (int)n_words, argv, NULL);
	}
	ok = len > 0 && conn_ask(conn, command, (size_t)len, fn, ctx);
	if (len > 0)
		redisFreeCommand(command);
	return ok;
}

static bool is_overdue(const struct conn *conn, int64_t now_ms)
{
	return conn->redis && conn->n_asked > 0 && now_ms >= conn->asked[conn->first].until_ms;
}

/* The answer may be here already, when it is this loop that is late. */
static bool has_more(struct conn *conn)
{
	uint64_t n_given = conn->n_given;

	read_answers(conn);
	return conn->n_given != n_given;
}

void conn_look_at_clock(struct conn *conn)
{
	int64_t now_ms = conn->base->host->mono_ms();

	if (!conn->redis)
		return;
	if (!conn->is_connected) {
		if (now_ms >= conn->connect_until_ms)
			conn_end(conn, "no connection in time");
	} else if (is_overdue(conn, now_ms) && !has_more(conn)) {
		conn->is_silent = true;
		conn_end(conn, "no answer in time");
	}
}
