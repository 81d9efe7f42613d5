/* SPDX-License-Identifier: Apache-2.0 */
/* Absolute deadlines: a byte now and then moves none of them. One timer serves all connections. */
#include "http_conn.h"

#include "clock.h"
#include "xalloc.h"

#define LINGER_US 2000000 /* long enough for a client to read a refusal before the reset */

static int64_t due_us(const struct deadlines *deadlines, int kind)
{
	const struct http_conn *first = TAILQ_FIRST(&deadlines->queues[kind]);

	return first ? first->since_us + deadlines->timeouts_us[kind] : INT64_MAX;
}

static void arm(struct deadlines *deadlines, int64_t due, int64_t now)
{
	int64_t wait = due > now ? due - now : 0;
	struct timeval delay = { .tv_sec = wait / 1000000, .tv_usec = wait % 1000000 };

	if (deadlines->armed_us != 0 && deadlines->armed_us <= due)
		return; /* it fires early, finds nothing and arms again: cheaper than moving it */
	deadlines->armed_us = due;
	(void)evtimer_add(deadlines->timer, &delay); /* fails without memory only, and is retried */
}

static void expire_due(evutil_socket_t fd, short what, void *arg)
{
	struct deadlines *deadlines = arg;
	int64_t now = clock_mono_us(), next = INT64_MAX;

	(void)fd;
	(void)what;
	deadlines->armed_us = 0;
	for (int kind = 0; kind < N_DEADLINES; kind++) {
		while (due_us(deadlines, kind) <= now)
			conn_expire(TAILQ_FIRST(&deadlines->queues[kind]));
		if (due_us(deadlines, kind) < next)
			next = due_us(deadlines, kind);
	}
	if (next != INT64_MAX)
		arm(deadlines, next, now);
}

void deadlines_init(struct deadlines *deadlines, struct event_base *base,
		    const struct http_limits *limits)
{
	for (int kind = 0; kind < N_DEADLINES; kind++)
		TAILQ_INIT(&deadlines->queues[kind]);
	deadlines->timeouts_us[DEADLINE_FIRST] = limits->head_timeout_ms * 1000;
	deadlines->timeouts_us[DEADLINE_HEAD] = limits->head_timeout_ms * 1000;
	deadlines->timeouts_us[DEADLINE_BODY] = limits->body_timeout_ms * 1000;
	deadlines->timeouts_us[DEADLINE_WRITE] = limits->write_timeout_ms * 1000;
	deadlines->timeouts_us[DEADLINE_IDLE] = limits->idle_timeout_ms * 1000;
	deadlines->timeouts_us[DEADLINE_LINGER] = LINGER_US;
	deadlines->timer = evtimer_new(base, expire_due, deadlines);
	if (!deadlines->timer)
		out_of_memory();
}

void deadlines_fini(struct deadlines *deadlines)
{
	event_free(deadlines->timer);
}

void deadline_set(struct http_conn *conn, enum deadline_kind kind)
{
	struct deadlines *deadlines = &conn->server->deadlines;

	deadline_clear(conn);
	conn->deadline = kind;
	conn->since_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&deadlines->queues[kind], conn, waiting);
	arm(deadlines, conn->since_us + deadlines->timeouts_us[kind], conn->since_us);
}

void deadline_clear(struct http_conn *conn)
{
	if (conn->deadline == DEADLINE_NONE)
		return;
	TAILQ_REMOVE(&conn->server->deadlines.queues[conn->deadline], conn, waiting);
	conn->deadline = DEADLINE_NONE;
}

void deadlines_shorten(struct deadlines *deadlines, enum deadline_kind kind, int64_t timeout_ms)
{
	if (timeout_ms * 1000 < deadlines->timeouts_us[kind])
		deadlines->timeouts_us[kind] = timeout_ms * 1000;
	if (due_us(deadlines, kind) != INT64_MAX)
		arm(deadlines, due_us(deadlines, kind), clock_mono_us());
}
