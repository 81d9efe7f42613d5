/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one write connection of the process and the commit its users share. One of them at a time has
 * the turn; the first of a group opens the transaction of the file and is its leader, each works in a
 * savepoint of its own, and the leader commits for all when nobody waits for a turn or the group is
 * full. [worker] all
 */
#ifndef WRITER_H
#define WRITER_H

#include "conn.h"
#include "process_lock.h"

#include <pthread.h>

struct writer_waiter;

struct writer_list {
	struct writer_waiter *first, *last;
};

struct writer {
	struct site *site;
	int64_t checkpoint_pages;

	/* The holder of the turn's. */
	struct process_lock lock;
	struct conn conn;
	int64_t wal_pages;
	bool is_open;         /* a group is, and its leader holds the lock */
	int32_t group_status; /* a fault that undid the whole group */

	atomic_bool is_ready;

	pthread_mutex_t mutex; /* guards what follows */
	bool is_taken;
	bool must_close;              /* the leader cannot wait for more members */
	struct writer_waiter *leader; /* waits for its group to be complete */
	struct writer_list queue;     /* wait for the turn */
	struct writer_list members;   /* wait for the leader's commit */
	unsigned n_members;
};

struct pintle_tx {
	int64_t deadline_ms;
	bool is_leader;
	int32_t status; /* a fault that ended it */
};

void writer_init(struct writer *writer, struct site *site, int64_t checkpoint_pages);
/* Nobody may use it any more. */
void writer_fini(struct writer *writer);
/* Makes and opens the file when that has not happened yet; readers need it. */
int32_t writer_prepare(struct writer *writer, int64_t deadline_ms);
int32_t writer_begin(struct writer *writer, int64_t deadline_ms, struct pintle_tx *tx);
int32_t writer_query(struct writer *writer, struct pintle_tx *tx, const struct pintle_query *query);
int32_t writer_commit(struct writer *writer, struct pintle_tx *tx);
void writer_rollback(struct writer *writer, struct pintle_tx *tx);
/* Moves the log into the file when it has grown and nobody is writing. */
void writer_tidy(struct writer *writer);

#endif
