/* SPDX-License-Identifier: Apache-2.0 */
/* Read connections, opened when first needed. [worker] all */
#ifndef READERS_H
#define READERS_H

#include "conn.h"

#include <pthread.h>

struct readers {
	struct site *site;
	struct conn *conns;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t is_given;
	struct conn **idle;
	size_t n_conns, n_idle;
};

bool readers_init(struct readers *readers, struct site *site, size_t n_conns);
void readers_fini(struct readers *readers);
/* An open connection of its own until readers_give; TIMEOUT when all stay busy. */
int32_t readers_take(struct readers *readers, int64_t deadline_ms, struct conn **conn_out);
void readers_give(struct readers *readers, struct conn *conn);

#endif
