/* SPDX-License-Identifier: Apache-2.0 */
#include "named_lock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_US 20000 /* waiting in whole seconds is all that every server knows */
#define GIVE_MS 1000
#define NAME_MAX_LEN 40
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

/* Names belong to the server, not to a database; and have 64 bytes at most. */
static bool write_sql(const char *function, const char *more, const char *name, char out[160])
{
	if (name[0] == '\0' || strlen(name) > NAME_MAX_LEN ||
	    name[strspn(name, NAME_CHARS)] != '\0')
		return false;
	(void)snprintf(out, 160, "SELECT %s(CONCAT('%s/', LEFT(MD5(DATABASE()), 16))%s)", function,
		       name, more);
	return true;
}

static int32_t wait_for(struct conn *conn, const char *sql, int64_t deadline_ms)
{
	int64_t is_taken = 0;

	for (;;) {
		int32_t status = conn_number(conn, sql, deadline_ms, &is_taken);

		if (status != PINTLE_OK || is_taken == 1)
			return status;
		if (is_taken < 0)
			return PINTLE_INTERNAL; /* the server has no memory, or does not like the name */
		if (site_now(conn->site) + RETRY_US / 1000 >= deadline_ms)
			return PINTLE_TIMEOUT;
		(void)usleep(RETRY_US);
	}
}

int32_t named_lock_take(struct pool *pool, const char *name, int64_t timeout_ms, void **lock_out)
{
	int64_t deadline_ms = site_deadline(pool->site, timeout_ms);
	struct conn *conn;
	char sql[160];
	int32_t status;

	if (!write_sql("GET_LOCK", ", 0", name, sql))
		return PINTLE_INTERNAL;
	status = pool_take(pool, deadline_ms, &conn);
	if (status != PINTLE_OK)
		return status;
	status = wait_for(conn, sql, deadline_ms);
	if (status != PINTLE_OK) {
		pool_give(pool, conn);
		return status;
	}
	*lock_out = conn;
	return PINTLE_OK;
}

/* The connection knows no other lock, so all of its own are this one. */
void named_lock_give(struct pool *pool, void *lock)
{
	struct conn *conn = lock;
	int64_t is_free = 0;

	if (!conn)
		return;
	if (conn_number(conn, "SELECT RELEASE_ALL_LOCKS()", site_deadline(pool->site, GIVE_MS),
			&is_free) != PINTLE_OK)
		conn->is_broken = true; /* the server lets the lock go with the connection */
	pool_give(pool, conn);
}
