/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: found or prepared, bound, stepped through, kept for the next time. */
#include "conn.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define MAX_COLUMNS 128

static uint64_t hash_text(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash;
}

static struct conn_statement *find_cached(struct conn *conn, const char *sql, uint64_t hash)
{
	for (size_t i = 0; i < CONN_CACHED; i++) {
		struct conn_statement *one = &conn->cached[i];

		if (one->stmt && one->hash == hash && !one->is_running &&
		    one->is_trusted == conn->is_trusted && strcmp(sqlite3_sql(one->stmt), sql) == 0)
			return one;
	}
	return NULL;
}

/* The slot unused for longest; NULL when all are running, one inside the rows of the other. */
static struct conn_statement *find_slot(struct conn *conn)
{
	struct conn_statement *oldest = NULL;

	for (size_t i = 0; i < CONN_CACHED; i++) {
		struct conn_statement *one = &conn->cached[i];

		if (!one->is_running && (!oldest || one->used_at < oldest->used_at))
			oldest = one;
	}
	return oldest;
}

static bool is_blank(const char *text)
{
	while (isspace((unsigned char)*text) || *text == ';')
		text++;
	return *text == '\0';
}

static int32_t prepare(struct conn *conn, const char *sql, struct conn_statement **out)
{
	uint64_t hash = hash_text(sql);
	struct conn_statement *slot = find_cached(conn, sql, hash);
	sqlite3_stmt *stmt = NULL;
	const char *tail = NULL;
	int rc;

	if (!slot) {
		slot = find_slot(conn);
		if (!slot)
			return PINTLE_INTERNAL;
		rc = sqlite3_prepare_v3(conn->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt,
					&tail);
		if (rc != SQLITE_OK)
			return conn_status(conn, rc);
		if (!stmt || !is_blank(tail)) {
			site_fault(conn->site, "not exactly one statement: %.100s", sql);
			(void)sqlite3_finalize(stmt);
			return PINTLE_INTERNAL;
		}
		(void)sqlite3_finalize(slot->stmt);
		slot->stmt = stmt;
		slot->hash = hash;
		slot->is_trusted = conn->is_trusted;
	}
	slot->used_at = ++conn->clock;
	*out = slot;
	return PINTLE_OK;
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct pintle_value *value)
{
	const char *ptr = value->ptr ? value->ptr : "";

	switch (value->type) {
	case PINTLE_V_NULL:
		return sqlite3_bind_null(stmt, at);
	case PINTLE_V_INT:
		return sqlite3_bind_int64(stmt, at, value->num);
	case PINTLE_V_REAL:
		return sqlite3_bind_double(stmt, at, value->real);
	case PINTLE_V_TEXT:
		return sqlite3_bind_text64(stmt, at, ptr, value->len, SQLITE_STATIC, SQLITE_UTF8);
	case PINTLE_V_BLOB:
		return sqlite3_bind_blob64(stmt, at, ptr, value->len, SQLITE_STATIC);
	default:
		return SQLITE_MISUSE;
	}
}

static int bind_all(sqlite3_stmt *stmt, const struct pintle_query *query)
{
	int rc = SQLITE_OK;

	if ((uint32_t)sqlite3_bind_parameter_count(stmt) != query->n_params)
		return SQLITE_MISUSE;
	for (uint32_t i = 0; rc == SQLITE_OK && i < query->n_params; i++)
		rc = bind_one(stmt, (int)i + 1, &query->params[i]);
	return rc;
}

static bool read_column(sqlite3_stmt *stmt, int at, struct pintle_value *out)
{
	*out = (struct pintle_value){ PINTLE_V_NULL, 0, 0, 0, NULL, 0 };
	switch (sqlite3_column_type(stmt, at)) {
	case SQLITE_NULL:
		return true;
	case SQLITE_INTEGER:
		out->type = PINTLE_V_INT;
		out->num = sqlite3_column_int64(stmt, at);
		return true;
	case SQLITE_FLOAT:
		out->type = PINTLE_V_REAL;
		out->real = sqlite3_column_double(stmt, at);
		return true;
	case SQLITE_TEXT:
		out->type = PINTLE_V_TEXT;
		out->ptr = (const char *)sqlite3_column_text(stmt, at);
		out->len = (size_t)sqlite3_column_bytes(stmt, at);
		return out->ptr != NULL;
	default:
		out->type = PINTLE_V_BLOB;
		out->ptr = sqlite3_column_blob(stmt, at);
		out->len = (size_t)sqlite3_column_bytes(stmt, at);
		return out->ptr || out->len == 0;
	}
}

static int32_t hand_row(sqlite3_stmt *stmt, const struct pintle_query *query)
{
	struct pintle_value cols[MAX_COLUMNS];
	int n_cols = sqlite3_column_count(stmt);

	if (!query->row)
		return PINTLE_OK;
	if (n_cols > MAX_COLUMNS)
		return PINTLE_INTERNAL;
	for (int i = 0; i < n_cols; i++) {
		if (!read_column(stmt, i, &cols[i]))
			return PINTLE_INTERNAL; /* no memory */
	}
	return query->row(query->ctx, cols, (size_t)n_cols);
}

static int32_t step_through(struct conn *conn, sqlite3_stmt *stmt, const struct pintle_query *query)
{
	for (;;) {
		int rc = sqlite3_step(stmt);
		int32_t status;

		if (rc != SQLITE_ROW)
			return conn_status(conn, rc);
		status = hand_row(stmt, query);
		if (status != PINTLE_OK)
			return status;
	}
}

static void fill_result(struct conn *conn, const struct pintle_query *query, int64_t total_before)
{
	struct pintle_db_result *result = query->result;
	bool has_changed = sqlite3_total_changes64(conn->handle) != total_before;

	if (!result)
		return;
	/* Without a change the connection still shows the count of an earlier statement. */
	result->n_changed = has_changed ? sqlite3_changes64(conn->handle) : 0;
	result->last_id = has_changed ? sqlite3_last_insert_rowid(conn->handle) : 0;
}

int32_t conn_query(struct conn *conn, const struct pintle_query *query, bool may_write)
{
	int64_t total_before = sqlite3_total_changes64(conn->handle);
	struct conn_statement *slot = NULL;
	int32_t status;
	bool writes;
	int rc;

	status = prepare(conn, query->sql, &slot);
	if (status != PINTLE_OK)
		return status;
	assert(slot);
	writes = !sqlite3_stmt_readonly(slot->stmt);
	if (writes && !may_write)
		return CONN_WRITES;
	/* SQLite undoes the whole transaction when a write is interrupted. */
	conn->runs_on = conn->is_trusted || (writes && conn->is_shared);
	slot->is_running = true;
	rc = bind_all(slot->stmt, query);
	if (rc == SQLITE_OK)
		status = step_through(conn, slot->stmt, query);
	else
		status = conn_status(conn, rc);
	if (status == PINTLE_OK)
		fill_result(conn, query, total_before);
	(void)sqlite3_reset(slot->stmt); /* repeats the error of step */
	(void)sqlite3_clear_bindings(slot->stmt);
	slot->is_running = false;
	conn->runs_on = false;
	return status;
}

int32_t conn_run(struct conn *conn, const char *sql)
{
	const struct pintle_query query = { .size = sizeof(query), .sql = sql };
	int32_t status;

	conn->is_trusted = true;
	status = conn_query(conn, &query, true);
	conn->is_trusted = false;
	return status;
}
