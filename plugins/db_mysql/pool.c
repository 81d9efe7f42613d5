/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which connection; dial.c makes them. */
#include "pool.h"

#include "dial.h"

#include <errno.h>
#include <stdlib.h>

#define PING_AFTER_MS 5000 /* idle for so long, it may have been forgotten on the way */
#define IDLE_MAX_MS 300000
#define CLIMB_EVERY_MS 3000
#define RETRY_AFTER_MS 200 /* while no server can be reached */
#define CLOSE_WAIT_MS 3000 /* for threads that are connecting */

void pool_init(struct pool *pool, struct servers *servers, struct guard *guard)
{
	*pool = (struct pool){ .site = servers->site, .servers = servers, .guard = guard };
	(void)pthread_mutex_init(&pool->mutex, NULL);
	site_cond_init(&pool->is_changed);
}

static size_t max_open(const struct pool *pool)
{
	return (size_t)pool->site->conf.pool;
}

/* All servers, one after the other. */
static int64_t longest_dial_ms(const struct pool *pool)
{
	return pool->site->conf.connect_timeout_ms * (int64_t)pool->servers->n;
}

static struct conn *pop_idle(struct pool *pool)
{
	struct conn *conn = pool->idle;

	if (conn)
		pool->idle = conn->next;
	return conn;
}

/* Closing tells the server, so never with the mutex held. */
static void discard(struct pool *pool, struct conn *conn)
{
	conn_close(conn);
	free(conn);
	(void)pthread_mutex_lock(&pool->mutex);
	pool->n_open--;
	(void)pthread_cond_broadcast(&pool->is_changed);
	(void)pthread_mutex_unlock(&pool->mutex);
}

bool pool_fini(struct pool *pool)
{
	struct timespec until;
	struct conn *conn;
	bool is_clean;
	int rc = 0;

	if (!pool->site)
		return true;
	until = site_timespec(site_deadline(pool->site, CLOSE_WAIT_MS));
	(void)pthread_mutex_lock(&pool->mutex);
	pool->is_closing = true;
	while (pool->n_dialling > 0 && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&pool->is_changed, &pool->mutex, &until);
	is_clean = pool->n_dialling == 0;
	conn = pool->idle;
	pool->idle = NULL;
	(void)pthread_mutex_unlock(&pool->mutex);
	while (conn) {
		struct conn *next = conn->next;

		conn_close(conn);
		free(conn);
		conn = next;
	}
	if (is_clean) {
		(void)pthread_cond_destroy(&pool->is_changed);
		(void)pthread_mutex_destroy(&pool->mutex);
	}
	return is_clean;
}

/* With the mutex. Whether one just was, or is being made, and not for too long. */
static bool is_attempt_enough(const struct pool *pool)
{
	int64_t now = site_now(pool->site);

	return (pool->n_dialling > 0 && now - pool->dialled_ms <= longest_dial_ms(pool)) ||
	       now - pool->failed_ms < RETRY_AFTER_MS;
}

/* With the mutex. */
static bool may_dial(const struct pool *pool)
{
	return pool->n_open < max_open(pool) && !pool->is_closing;
}

/* With the mutex: waits for an idle connection, and sees to it that one is made. */
static int32_t wait_for_one(struct pool *pool, int64_t deadline_ms, struct conn **out)
{
	struct timespec until = site_timespec(deadline_ms);
	unsigned n_failures = pool->n_failures;
	bool has_dialled = false;
	int rc = 0;

	while (!(*out = pop_idle(pool))) {
		if (pool->n_failures != n_failures && pool->is_down)
			return PINTLE_UNAVAILABLE;
		if (pool->is_down && !has_dialled && is_attempt_enough(pool))
			return PINTLE_UNAVAILABLE;
		if (rc == ETIMEDOUT)
			return PINTLE_TIMEOUT;
		if (!has_dialled && may_dial(pool)) {
			has_dialled = true;
			if (!dial_start(pool, pool->servers->n))
				return PINTLE_UNAVAILABLE;
		}
		rc = pthread_cond_timedwait(&pool->is_changed, &pool->mutex, &until);
	}
	return PINTLE_OK;
}

static bool is_current(struct pool *pool, const struct conn *conn)
{
	size_t best;

	(void)pthread_mutex_lock(&pool->mutex);
	best = pool->best;
	(void)pthread_mutex_unlock(&pool->mutex);
	return conn->server == best &&
	       !servers_is_outdated(pool->servers, conn->server, conn->opened_ms);
}

/* Whether it can be used, as far as that can be known. */
static bool is_usable(struct pool *pool, struct conn *conn, int64_t deadline_ms)
{
	int64_t idle_ms = site_now(pool->site) - conn->idle_since_ms;

	if (!is_current(pool, conn) || conn_is_closed(conn))
		return false;
	return idle_ms < PING_AFTER_MS || conn_ping(conn, deadline_ms) == PINTLE_OK;
}

int32_t pool_take(struct pool *pool, int64_t deadline_ms, struct conn **out)
{
	struct conn *conn = NULL;
	int32_t status;

	for (;;) {
		(void)pthread_mutex_lock(&pool->mutex);
		status = wait_for_one(pool, deadline_ms, &conn);
		(void)pthread_mutex_unlock(&pool->mutex);
		if (status != PINTLE_OK)
			return status;
		if (is_usable(pool, conn, deadline_ms))
			break;
		discard(pool, conn);
	}
	*out = conn;
	return PINTLE_OK;
}

void pool_give(struct pool *pool, struct conn *conn)
{
	if (conn->is_broken || !is_current(pool, conn)) {
		discard(pool, conn);
		return;
	}
	conn->idle_since_ms = site_now(pool->site);
	(void)pthread_mutex_lock(&pool->mutex);
	pool->answered_ms = conn->idle_since_ms;
	pool->is_down = false; /* whatever an attempt has met: this one was answered */
	conn->next = pool->idle;
	pool->idle = conn;
	(void)pthread_cond_signal(&pool->is_changed);
	(void)pthread_mutex_unlock(&pool->mutex);
}

/* ---- From time to time ---- */

static bool is_stale(struct pool *pool, const struct conn *conn)
{
	return conn->server != pool->best || conn_is_closed(conn) ||
	       site_now(pool->site) - conn->idle_since_ms >= IDLE_MAX_MS;
}

/* With the mutex: takes out of the idle ones what is not to be kept. */
static struct conn *take_stale(struct pool *pool)
{
	struct conn *stale = NULL, **at = &pool->idle;

	while (*at) {
		struct conn *conn = *at;

		if (!is_stale(pool, conn)) {
			at = &conn->next;
			continue;
		}
		*at = conn->next;
		conn->next = stale;
		stale = conn;
	}
	return stale;
}

/* With the mutex: a server before the one in use may be well again. */
static void climb(struct pool *pool)
{
	if (pool->best == 0 || pool->is_down || !may_dial(pool) ||
	    site_now(pool->site) - pool->climbed_ms < CLIMB_EVERY_MS)
		return;
	pool->climbed_ms = site_now(pool->site);
	(void)dial_start(pool, pool->best); /* another time, else */
}

/* With the mutex: so that a server that is well again is known before anybody asks. */
static void look_again(struct pool *pool)
{
	if (pool->is_down && may_dial(pool) && !is_attempt_enough(pool))
		(void)dial_start(pool, pool->servers->n); /* another time, else */
}

void pool_tidy(struct pool *pool)
{
	struct conn *stale, *next;

	(void)pthread_mutex_lock(&pool->mutex);
	look_again(pool);
	climb(pool);
	stale = take_stale(pool);
	(void)pthread_mutex_unlock(&pool->mutex);
	for (; stale; stale = next) {
		next = stale->next;
		discard(pool, stale);
	}
}
