/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: found or prepared, bound, executed, their rows handed on, kept for the next time. */
#include "conn.h"

#include "codes.h"
#include "rows.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_PARAMS 64

/* ---- The cache ---- */

static uint64_t hash_text(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash;
}

static void forget(struct conn_statement *slot)
{
	if (slot->stmt)
		(void)mysql_stmt_close(slot->stmt); /* of a broken connection it only frees */
	free(slot->sql);
	*slot = (struct conn_statement){ 0 };
}

void conn_forget_statements(struct conn *conn)
{
	for (size_t i = 0; i < CONN_CACHED; i++)
		forget(&conn->cached[i]);
}

static struct conn_statement *find_cached(struct conn *conn, const char *sql, uint64_t hash)
{
	for (size_t i = 0; i < CONN_CACHED; i++) {
		struct conn_statement *one = &conn->cached[i];

		if (one->stmt && one->hash == hash && !one->is_running &&
		    strcmp(one->sql, sql) == 0)
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

/* ---- What may run ---- */

static const char *skip_blank(const char *sql)
{
	for (;;) {
		sql += strspn(sql, " \t\r\n(");
		if (strncmp(sql, "--", 2) != 0)
			return sql;
		sql += strcspn(sql, "\n");
	}
}

/* Statements of the host and of plugins must not end the transaction they are in, nor change what
 * the next user of the connection relies on. */
static bool is_ours_alone(const char *sql)
{
	static const char *const words[] = { "COMMIT",    "ROLLBACK", "BEGIN", "START",
					     "SAVEPOINT", "RELEASE",  "SET",   "LOCK",
					     "UNLOCK",    "USE",      "XA",    "KILL",
					     "PREPARE",   "EXECUTE" };
	size_t len;

	sql = skip_blank(sql);
	for (len = 0; isalpha((unsigned char)sql[len]); len++)
		;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == len && strncasecmp(sql, words[i], len) == 0)
			return true;
	}
	return false;
}

/* Without a ';' at the end, which not every server prepares. */
static size_t statement_len(const char *sql)
{
	size_t len = strlen(sql);

	while (len > 0 && (isspace((unsigned char)sql[len - 1]) || sql[len - 1] == ';'))
		len--;
	return len;
}

/* ---- Preparing ---- */

static int32_t prepare_into(struct conn *conn, struct conn_statement *slot, const char *sql)
{
	client_bool has_lengths = 1;
	unsigned code = 0;
	int32_t status;

	slot->sql = strdup(sql);
	slot->stmt = slot->sql ? mysql_stmt_init(conn->mysql) : NULL;
	if (!slot->stmt)
		return conn_leave(conn, 0, "") == PINTLE_OK ? PINTLE_INTERNAL : PINTLE_TIMEOUT;
	(void)mysql_stmt_attr_set(slot->stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &has_lengths);
	if (mysql_stmt_prepare(slot->stmt, sql, statement_len(sql)) != 0)
		code = mysql_stmt_errno(slot->stmt);
	status = conn_leave(conn, code, mysql_stmt_error(slot->stmt));
	return status;
}

static int32_t prepare(struct conn *conn, const char *sql, int64_t deadline_ms,
		       struct conn_statement **out)
{
	uint64_t hash = hash_text(sql);
	struct conn_statement *slot = find_cached(conn, sql, hash);
	int32_t status = PINTLE_OK;

	if (!slot) {
		slot = find_slot(conn);
		if (!slot || is_ours_alone(sql)) {
			site_fault(conn->site, "not for the user of a connection: %.60s", sql);
			return PINTLE_INTERNAL;
		}
		status = conn_enter(conn, deadline_ms);
		if (status != PINTLE_OK)
			return status;
		forget(slot);
		status = prepare_into(conn, slot, sql);
		slot->hash = hash;
	}
	if (status != PINTLE_OK) {
		forget(slot);
		return status;
	}
	slot->used_at = ++conn->clock;
	*out = slot;
	return PINTLE_OK;
}

/* ---- Executing ---- */

static bool bind_one(MYSQL_BIND *bind, const struct pintle_value *value)
{
	*bind = (MYSQL_BIND){ 0 };
	switch (value->type) {
	case PINTLE_V_NULL:
		bind->buffer_type = MYSQL_TYPE_NULL;
		return true;
	case PINTLE_V_INT:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = (void *)(uintptr_t)&value->num;
		return true;
	case PINTLE_V_REAL:
		bind->buffer_type = MYSQL_TYPE_DOUBLE;
		bind->buffer = (void *)(uintptr_t)&value->real;
		return true;
	case PINTLE_V_TEXT:
	case PINTLE_V_BLOB:
		bind->buffer_type =
			value->type == PINTLE_V_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
		bind->buffer = value->ptr ? (void *)(uintptr_t)value->ptr : (void *)(uintptr_t) "";
		bind->buffer_length = (unsigned long)value->len;
		return true;
	default:
		return false;
	}
}

static bool bind_all(MYSQL_STMT *stmt, const struct pintle_query *query,
		     MYSQL_BIND binds[MAX_PARAMS])
{
	if (query->n_params > MAX_PARAMS || mysql_stmt_param_count(stmt) != query->n_params)
		return false;
	for (uint32_t i = 0; i < query->n_params; i++) {
		if (!bind_one(&binds[i], &query->params[i]))
			return false;
	}
	return query->n_params == 0 || mysql_stmt_bind_param(stmt, binds) == 0;
}

static unsigned execute(MYSQL_STMT *stmt)
{
	if (mysql_stmt_execute(stmt) != 0 ||
	    (mysql_stmt_field_count(stmt) > 0 && mysql_stmt_store_result(stmt) != 0))
		return mysql_stmt_errno(stmt);
	return 0;
}

static void fill_result(MYSQL_STMT *stmt, const struct pintle_query *query)
{
	struct pintle_db_result *result = query->result;
	bool has_rows = mysql_stmt_field_count(stmt) > 0;

	if (!result)
		return;
	result->n_changed = has_rows ? 0 : (int64_t)mysql_stmt_affected_rows(stmt);
	result->last_id = has_rows ? 0 : (int64_t)mysql_stmt_insert_id(stmt);
}

static int32_t run(struct conn *conn, struct conn_statement *slot, const struct pintle_query *query,
		   int64_t deadline_ms, bool *has_begun_out)
{
	MYSQL_BIND binds[MAX_PARAMS];
	int32_t status;

	if (!bind_all(slot->stmt, query, binds))
		return PINTLE_INTERNAL;
	status = conn_enter(conn, deadline_ms);
	if (status != PINTLE_OK)
		return status;
	*has_begun_out = true;
	status = conn_leave(conn, execute(slot->stmt), mysql_stmt_error(slot->stmt));
	if (status == PINTLE_OK)
		fill_result(slot->stmt, query);
	if (status == PINTLE_OK && mysql_stmt_field_count(slot->stmt) > 0)
		status = rows_hand(slot->stmt, query);
	(void)mysql_stmt_free_result(slot->stmt); /* all rows are here already: it only frees */
	return status;
}

int32_t conn_query(struct conn *conn, const struct pintle_query *query, int64_t deadline_ms,
		   bool *has_begun_out)
{
	struct conn_statement *slot = NULL;
	int32_t status = conn_limit(conn, deadline_ms);

	*has_begun_out = false;
	if (status == PINTLE_OK)
		status = prepare(conn, query->sql, deadline_ms, &slot);
	if (status != PINTLE_OK)
		return status;
	assert(slot);
	slot->is_running = true;
	status = run(conn, slot, query, deadline_ms, has_begun_out);
	slot->is_running = false;
	return status;
}
