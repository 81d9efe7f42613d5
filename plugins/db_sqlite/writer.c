/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions on the write connection; turn.c decides whose turn it is. */
#include "writer.h"

#include "turn.h"

#define TIDY_WAIT_MS 100
/* A busy writer is never idle for the tidy-up, so at this many times the threshold a leader does it. */
#define OVERDUE 4

void writer_init(struct writer *writer, struct site *site, int64_t checkpoint_pages)
{
	*writer = (struct writer){ .site = site, .checkpoint_pages = checkpoint_pages };
	(void)pthread_mutex_init(&writer->mutex, NULL);
}

static int on_wal(void *ctx, sqlite3 *handle, const char *name, int n_pages)
{
	struct writer *writer = ctx;

	(void)handle, (void)name;
	writer->wal_pages = n_pages;
	return SQLITE_OK;
}

static int32_t open_locked(struct writer *writer, int64_t deadline_ms)
{
	int32_t status = conn_open(&writer->conn, writer->site, CONN_WRITER, deadline_ms);

	if (status != PINTLE_OK)
		return status;
	(void)sqlite3_wal_hook(writer->conn.handle, on_wal, writer);
	writer->wal_pages =
		writer->checkpoint_pages; /* unknown: an earlier run may have left one */
	atomic_store(&writer->is_ready, true);
	return PINTLE_OK;
}

/* With the turn. */
static int32_t open_once(struct writer *writer, int64_t deadline_ms)
{
	int32_t status = PINTLE_OK;

	if (atomic_load(&writer->is_ready))
		return PINTLE_OK;
	status = site_prepare(writer->site);
	if (status == PINTLE_OK && !writer->lock.shared)
		status = process_lock_open(&writer->lock, writer->site);
	if (status == PINTLE_OK)
		status = process_lock_take(&writer->lock, deadline_ms);
	if (status != PINTLE_OK)
		return status;
	status = open_locked(writer, deadline_ms);
	process_lock_give(&writer->lock);
	return status;
}

int32_t writer_prepare(struct writer *writer, int64_t deadline_ms)
{
	int32_t status;

	if (atomic_load(&writer->is_ready))
		return PINTLE_OK;
	status = turn_take(writer, deadline_ms);
	if (status != PINTLE_OK)
		return status;
	status = open_once(writer, deadline_ms);
	turn_pass(writer);
	return status;
}

/* With the turn and the lock, outside a transaction. */
static void checkpoint(struct writer *writer)
{
	int n_log = 0, n_moved = 0;
	int rc = sqlite3_wal_checkpoint_v2(writer->conn.handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
					   &n_log, &n_moved);

	if (rc == SQLITE_OK && n_moved == n_log)
		writer->wal_pages = 0;
	else if (rc != SQLITE_BUSY)
		(void)conn_status(&writer->conn, rc);
}

static bool is_undone(const struct writer *writer)
{
	return sqlite3_get_autocommit(writer->conn.handle) != 0;
}

static int32_t open_group(struct writer *writer, int64_t deadline_ms)
{
	int32_t status = open_once(writer, deadline_ms);

	if (status == PINTLE_OK)
		status = process_lock_take(&writer->lock, deadline_ms);
	if (status != PINTLE_OK)
		return status;
	writer->conn.deadline_ms = deadline_ms;
	writer->conn.is_shared = false;
	writer->group_status = PINTLE_OK;
	status = conn_run(&writer->conn, "BEGIN IMMEDIATE");
	writer->is_open = status == PINTLE_OK;
	if (!writer->is_open)
		process_lock_give(&writer->lock);
	return status;
}

/* For the leader: commits, or undoes everything when status is a fault. */
static int32_t close_group(struct writer *writer, int32_t status)
{
	if (status == PINTLE_OK)
		status = writer->group_status;
	if (status == PINTLE_OK)
		status = conn_run(&writer->conn, "COMMIT");
	if (!is_undone(writer))
		(void)conn_run(&writer->conn, "ROLLBACK"); /* it was a fault already */
	if (writer->wal_pages >= writer->checkpoint_pages * OVERDUE)
		checkpoint(writer);
	writer->is_open = false;
	writer->group_status = PINTLE_OK;
	process_lock_give(&writer->lock);
	return status;
}

int32_t writer_begin(struct writer *writer, int64_t deadline_ms, struct pintle_tx *tx)
{
	int32_t status = turn_take(writer, deadline_ms);

	if (status != PINTLE_OK)
		return status;
	*tx = (struct pintle_tx){ .deadline_ms = deadline_ms, .is_leader = !writer->is_open };
	if (tx->is_leader) {
		status = open_group(writer, deadline_ms);
	} else {
		writer->conn.is_shared = true;
		status = conn_run(&writer->conn, "SAVEPOINT member");
	}
	if (status != PINTLE_OK)
		turn_pass(writer);
	return status;
}

/* A full disk or a broken file makes SQLite undo more than the statement that met it. */
static void note_undone(struct writer *writer, struct pintle_tx *tx, int32_t status)
{
	if (!is_undone(writer))
		return;
	tx->status = PINTLE_IS_FAULT(status) ? status : PINTLE_INTERNAL;
	writer->group_status = tx->status;
}

int32_t writer_query(struct writer *writer, struct pintle_tx *tx, const struct pintle_query *query)
{
	int32_t status;

	if (tx->status != PINTLE_OK)
		return tx->status;
	writer->conn.deadline_ms = site_deadline(writer->site, query->timeout_ms);
	status = conn_query(&writer->conn, query, true);
	note_undone(writer, tx, status);
	return status;
}

static int32_t commit_leader(struct writer *writer, struct pintle_tx *tx)
{
	int32_t status;

	if (tx->status == PINTLE_OK)
		turn_lead(writer, tx->deadline_ms);
	status = close_group(writer, tx->status);
	turn_finish(writer, status);
	return status;
}

static void rollback_member(struct writer *writer)
{
	if (!is_undone(writer) && (conn_run(&writer->conn, "ROLLBACK TO member") != PINTLE_OK ||
				   conn_run(&writer->conn, "RELEASE member") != PINTLE_OK))
		writer->group_status = PINTLE_INTERNAL;
	turn_pass(writer);
}

int32_t writer_commit(struct writer *writer, struct pintle_tx *tx)
{
	if (tx->status == PINTLE_OK && writer->site->host->mono_ms() >= tx->deadline_ms)
		tx->status = PINTLE_TIMEOUT;
	if (tx->is_leader)
		return commit_leader(writer, tx);
	if (tx->status == PINTLE_OK) {
		tx->status = conn_run(&writer->conn, "RELEASE member");
		note_undone(writer, tx, tx->status);
	}
	if (tx->status == PINTLE_OK)
		return turn_join(writer, tx->deadline_ms);
	rollback_member(writer);
	return tx->status;
}

void writer_rollback(struct writer *writer, struct pintle_tx *tx)
{
	if (!tx->is_leader) {
		rollback_member(writer);
		return;
	}
	/* Its savepoint is the transaction: nobody can have joined before it commits. */
	(void)close_group(writer, PINTLE_DENIED);
	turn_finish(writer, PINTLE_OK);
}

void writer_tidy(struct writer *writer)
{
	if (!atomic_load(&writer->is_ready) || !turn_try(writer))
		return;
	if (writer->wal_pages >= writer->checkpoint_pages &&
	    process_lock_take(&writer->lock, site_deadline(writer->site, TIDY_WAIT_MS)) ==
		    PINTLE_OK) {
		checkpoint(writer);
		process_lock_give(&writer->lock);
	}
	turn_pass(writer);
}

void writer_fini(struct writer *writer)
{
	if (!writer->site)
		return;
	writer->checkpoint_pages = writer->wal_pages > 0 ? 1 : INT64_MAX;
	writer_tidy(writer);
	conn_close(&writer->conn);
	process_lock_close(&writer->lock);
	(void)pthread_mutex_destroy(&writer->mutex);
}
