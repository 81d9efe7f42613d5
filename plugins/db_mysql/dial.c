/* SPDX-License-Identifier: Apache-2.0 */
#include "dial.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_MAX 256

struct dial {
	struct pool *pool;
	size_t n_servers;
	struct conn *conn;
	int64_t began_ms;
};

static bool try_one(struct dial *dial, size_t server)
{
	struct servers *servers = dial->pool->servers;
	char why[WHY_MAX] = "no memory";
	int32_t status =
		conn_open(dial->conn, servers, server, dial->pool->guard, why, sizeof(why));

	servers_mark(servers, server, status == PINTLE_OK);
	if (status == PINTLE_OK)
		return true;
	site_fault(servers->site, "%s port %u: %s", servers->list[server].name,
		   servers->list[server].port, why);
	return false;
}

/* In order of preference; those found bad just now only when there is no other. */
static bool try_all(struct dial *dial)
{
	bool is_tried[SERVERS_MAX] = { false };

	for (int only_good = 1; only_good >= 0; only_good--) {
		for (size_t i = 0; i < dial->n_servers; i++) {
			if (is_tried[i] || (only_good && !servers_may_try(dial->pool->servers, i)))
				continue;
			if (atomic_load(&dial->pool->site->is_closed))
				return false;
			is_tried[i] = true;
			if (try_one(dial, i))
				return true;
		}
	}
	return false;
}

/* With the mutex. An attempt that failed says nothing of the server in use when it was one at better
 * servers, or when that one has answered meanwhile: a busy one is late for some and not for others. */
static bool is_proof(const struct pool *pool, const struct dial *dial)
{
	return dial->n_servers == pool->servers->n && pool->answered_ms < dial->began_ms;
}

static void note_outcome(struct pool *pool, const struct dial *dial, bool is_made)
{
	(void)pthread_mutex_lock(&pool->mutex);
	if (is_made) {
		pool->best = dial->conn->server;
		pool->answered_ms = site_now(pool->site);
		pool->is_down = false;
		dial->conn->next = pool->idle;
		pool->idle = dial->conn;
	} else {
		pool->n_open--;
		if (is_proof(pool, dial)) {
			pool->is_down = true;
			pool->n_failures++;
			pool->failed_ms = site_now(pool->site);
		}
	}
	pool->n_dialling--;
	(void)pthread_cond_broadcast(&pool->is_changed);
	(void)pthread_mutex_unlock(&pool->mutex); /* from here on the pool may be gone */
}

static void *run_dial(void *arg)
{
	struct dial *dial = arg;
	bool is_made = try_all(dial);

	note_outcome(dial->pool, dial, is_made);
	mysql_thread_end();
	if (!is_made)
		free(dial->conn);
	free(dial);
	return NULL;
}

bool dial_start(struct pool *pool, size_t n_servers)
{
	struct dial *dial = calloc(1, sizeof(*dial));
	int64_t began_ms = site_now(pool->site);
	pthread_t thread;

	if (dial)
		*dial = (struct dial){ pool, n_servers, calloc(1, sizeof(struct conn)), began_ms };
	if (!dial || !dial->conn || !site_spawn(&thread, run_dial, dial)) {
		free(dial ? dial->conn : NULL);
		free(dial);
		return false;
	}
	(void)pthread_detach(thread);
	pool->n_open++;
	pool->n_dialling++;
	pool->dialled_ms = began_ms;
	return true;
}
