/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, settings and the meaning of result codes; conn_query.c runs the statements. */
#include "conn.h"

#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PROGRESS_OPS 2000 /* virtual machine steps between two looks at the clock: about 100 us */
#define BUSY_US 1000      /* only a foreign program can make us wait here */

static bool is_late(const struct conn *conn)
{
	return conn->site->host->mono_ms() >= conn->deadline_ms;
}

static int on_progress(void *ctx)
{
	const struct conn *conn = ctx;

	return !conn->runs_on && is_late(conn);
}

static int on_busy(void *ctx, int n_tries)
{
	(void)n_tries;
	if (is_late(ctx))
		return 0;
	(void)usleep(BUSY_US);
	return 1;
}

/* Statements of the host and of plugins must not end the transaction they share with others. */
static int authorize(void *ctx, int action, const char *a, const char *b, const char *c,
		     const char *d)
{
	const struct conn *conn = ctx;

	(void)a, (void)b, (void)c, (void)d;
	if (conn->is_trusted)
		return SQLITE_OK;
	switch (action) {
	case SQLITE_TRANSACTION:
	case SQLITE_SAVEPOINT:
	case SQLITE_ATTACH:
	case SQLITE_DETACH:
	case SQLITE_PRAGMA:
		return SQLITE_DENY;
	default:
		return SQLITE_OK;
	}
}

static void configure(struct conn *conn)
{
	sqlite3 *handle = conn->handle;

	(void)sqlite3_extended_result_codes(handle, 1);
	(void)sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	/* A checkpoint needs the lock between processes, so closing must not make one. */
	(void)sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	(void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	(void)sqlite3_busy_handler(handle, on_busy, conn);
	sqlite3_progress_handler(handle, PROGRESS_OPS, on_progress, conn);
	(void)sqlite3_set_authorizer(handle, authorize, conn);
}

static int32_t run_all(struct conn *conn, const char *const *statements, size_t n_statements)
{
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < n_statements; i++)
		status = conn_run(conn, statements[i]);
	return status;
}

static int32_t prepare_file(struct conn *conn, enum conn_role role)
{
	static const char *const common[] = {
		"PRAGMA synchronous = FULL",
		"PRAGMA wal_autocheckpoint = 0",
		"PRAGMA cell_size_check = ON",
		"PRAGMA temp_store = MEMORY",
	};
	/* The system caches the file for all readers; the inner pages of its trees are enough here. */
	static const char *const reader[] = { "PRAGMA query_only = ON",
					      "PRAGMA cache_size = -400" };
	static const char *const writer[] = { "PRAGMA journal_mode = WAL" };
	int32_t status = PINTLE_OK;

	if (role == CONN_WRITER)
		status = run_all(conn, writer, COUNT(writer));
	if (status == PINTLE_OK)
		status = run_all(conn, common, COUNT(common));
	if (status == PINTLE_OK && role == CONN_READER)
		status = run_all(conn, reader, COUNT(reader));
	/* Reads the schema: a file that is none is found out here. */
	if (status == PINTLE_OK)
		status = conn_run(conn, "SELECT count(*) FROM sqlite_schema");
	return status;
}

int32_t conn_open(struct conn *conn, struct site *site, enum conn_role role, int64_t deadline_ms)
{
	int32_t status;
	int rc;

	*conn = (struct conn){ .site = site, .deadline_ms = deadline_ms };
	rc = sqlite3_open_v2(site->path, &conn->handle,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
				     SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
			     NULL);
	if (rc == SQLITE_OK) {
		configure(conn);
		status = prepare_file(conn, role);
	} else {
		status = conn_status(conn, rc);
	}
	if (status != PINTLE_OK)
		conn_close(conn);
	return status;
}

void conn_close(struct conn *conn)
{
	for (size_t i = 0; i < CONN_CACHED; i++)
		(void)sqlite3_finalize(conn->cached[i].stmt); /* repeats an error told before */
	(void)sqlite3_close_v2(conn->handle);
	*conn = (struct conn){ 0 };
}

static int32_t constraint_status(int rc)
{
	switch (rc) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return PINTLE_CONFLICT;
	default:
		return PINTLE_INTERNAL;
	}
}

static int32_t meaning(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return PINTLE_OK;
	case SQLITE_CONSTRAINT:
		return constraint_status(rc);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return PINTLE_BUSY;
	case SQLITE_INTERRUPT:
		return PINTLE_TIMEOUT;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_PROTOCOL:
		return PINTLE_UNAVAILABLE;
	default:
		return PINTLE_INTERNAL;
	}
}

int32_t conn_status(struct conn *conn, int rc)
{
	int32_t status = meaning(rc);

	/* Locked by somebody who knows nothing of our turns, until on_busy gave up. */
	if (status == PINTLE_BUSY && is_late(conn))
		return PINTLE_TIMEOUT;
	if (status == PINTLE_UNAVAILABLE || status == PINTLE_INTERNAL)
		site_fault(conn->site, "%s: %s (SQLite code %d)", conn->site->path,
			   conn->handle ? sqlite3_errmsg(conn->handle) : sqlite3_errstr(rc), rc);
	return status;
}
