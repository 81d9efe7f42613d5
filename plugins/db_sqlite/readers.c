/* SPDX-License-Identifier: Apache-2.0 */
#include "readers.h"

#include <errno.h>
#include <stdlib.h>

bool readers_init(struct readers *readers, struct site *site, size_t n_conns)
{
	pthread_condattr_t attr;

	*readers = (struct readers){ .site = site, .n_conns = n_conns, .n_idle = n_conns };
	readers->conns = calloc(n_conns, sizeof(*readers->conns));
	readers->idle = calloc(n_conns, sizeof(struct conn *));
	if (!readers->conns || !readers->idle) {
		readers_fini(readers);
		return false;
	}
	for (size_t i = 0; i < n_conns; i++)
		readers->idle[i] = &readers->conns[n_conns - 1 - i];
	(void)pthread_mutex_init(&readers->mutex, NULL); /* none of these fail on Linux */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&readers->is_given, &attr);
	(void)pthread_condattr_destroy(&attr);
	return true;
}

void readers_fini(struct readers *readers)
{
	for (size_t i = 0; readers->conns && i < readers->n_conns; i++)
		conn_close(&readers->conns[i]);
	free(readers->conns);
	free(readers->idle);
	*readers = (struct readers){ 0 };
}

int32_t readers_take(struct readers *readers, int64_t deadline_ms, struct conn **conn_out)
{
	struct timespec until = site_timespec(deadline_ms);
	struct conn *conn = NULL;
	int32_t status = PINTLE_OK;
	int rc = 0;

	(void)pthread_mutex_lock(&readers->mutex);
	while (readers->n_idle == 0 && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&readers->is_given, &readers->mutex, &until);
	if (readers->n_idle > 0)
		conn = readers->idle[--readers->n_idle];
	(void)pthread_mutex_unlock(&readers->mutex);
	if (!conn)
		return PINTLE_TIMEOUT;
	if (!conn->handle)
		status = conn_open(conn, readers->site, CONN_READER, deadline_ms);
	if (status != PINTLE_OK) {
		readers_give(readers, conn);
		return status;
	}
	conn->deadline_ms = deadline_ms;
	*conn_out = conn;
	return PINTLE_OK;
}

void readers_give(struct readers *readers, struct conn *conn)
{
	(void)pthread_mutex_lock(&readers->mutex);
	readers->idle[readers->n_idle++] = conn;
	(void)pthread_cond_signal(&readers->is_given);
	(void)pthread_mutex_unlock(&readers->mutex);
}
