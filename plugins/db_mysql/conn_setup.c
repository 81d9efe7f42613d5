/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_setup.h"

#include "codes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A transaction that waits longer for a row than this loses, and its caller may begin again in time;
 * whoever waits for a table (its definition is changing, or it is locked by hand) gets longer. */
#define ROW_WAIT_S "1"
#define TABLE_WAIT_S "10"
#define IDLE_S "28800" /* a named lock outlasts long work that goes on elsewhere */

static const char *const settings[] = {
	"SET NAMES utf8mb4 COLLATE utf8mb4_bin",
	/* Texts that do not fit are refused, and a backslash is a backslash, as everywhere else. */
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
	"ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES',"
	" SESSION time_zone = '+00:00', SESSION autocommit = 1,"
	" SESSION innodb_lock_wait_timeout = " ROW_WAIT_S
	", SESSION lock_wait_timeout = " TABLE_WAIT_S ", SESSION wait_timeout = " IDLE_S,
	/* The name of the variable is not the same everywhere, this is. */
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
};

static const char look_sql[] =
	"SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'read_only', 'innodb_read_only',"
	" 'super_read_only', 'wsrep_on', 'innodb_flush_log_at_trx_commit', 'log_bin', "
	"'sync_binlog')";

struct look {
	bool is_mariadb, is_read_only, is_in_cluster, has_log;
	long flush, sync;
};

static bool is_on(const char *value)
{
	return strcmp(value, "OFF") != 0 && strcmp(value, "0") != 0;
}

static void note_variable(struct look *look, const char *name, const char *value)
{
	if (strcmp(name, "version") == 0)
		look->is_mariadb = strstr(value, "MariaDB") != NULL;
	else if (strcmp(name, "wsrep_on") == 0)
		look->is_in_cluster = is_on(value);
	else if (strcmp(name, "innodb_flush_log_at_trx_commit") == 0)
		look->flush = strtol(value, NULL, 10);
	else if (strcmp(name, "log_bin") == 0)
		look->has_log = is_on(value);
	else if (strcmp(name, "sync_binlog") == 0)
		look->sync = strtol(value, NULL, 10);
	else if (is_on(value))
		look->is_read_only = true;
}

static MYSQL_RES *ask(struct conn *conn, const char *sql)
{
	if (mysql_real_query(conn->mysql, sql, strlen(sql)) != 0)
		return NULL;
	return mysql_store_result(conn->mysql);
}

static bool look_around(struct conn *conn, struct look *look)
{
	MYSQL_RES *rows = ask(conn, look_sql);
	MYSQL_ROW row;

	if (!rows)
		return false;
	while ((row = mysql_fetch_row(rows))) {
		if (row[0] && row[1])
			note_variable(look, row[0], row[1]);
	}
	mysql_free_result(rows);
	return true;
}

/* A node that has lost its cluster, or is still being filled, refuses work. */
static bool is_in_step(struct conn *conn, bool *out)
{
	MYSQL_RES *rows = ask(conn, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'");
	MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
	bool is_answered = rows != NULL;

	*out = row && row[1] && is_on(row[1]);
	mysql_free_result(rows);
	return is_answered;
}

/* What one node has committed another one shows a moment later, unless it is asked to wait for it: a
 * session that was revoked must not live on there. */
static bool ask_for_all_commits(struct conn *conn)
{
	static const char sql[] = "SET SESSION wsrep_sync_wait = 1";

	return mysql_real_query(conn->mysql, sql, sizeof(sql) - 1) == 0;
}

static void warn_of_loss(struct conn *conn, const struct look *look)
{
	const char *name = conn->servers->list[conn->server].name;
	bool loses_log = look->has_log && look->sync != 1;

	if ((look->flush == 1 && !loses_log) || !servers_shall_warn(conn->servers, conn->server))
		return;
	site_log(conn->site, PINTLE_LOG_WARN,
		 "%s: a loss of power may take back what was committed: %s%s%s should be 1", name,
		 look->flush != 1 ? "innodb_flush_log_at_trx_commit" : "",
		 look->flush != 1 && loses_log ? " and " : "", loses_log ? "sync_binlog" : "");
}

static int32_t refuse(struct conn *conn, const char *reason, char *why, size_t why_len)
{
	servers_mark_unfit(conn->servers, conn->server);
	(void)snprintf(why, why_len, "%s", reason);
	return PINTLE_UNAVAILABLE;
}

static int32_t fail(struct conn *conn, char *why, size_t why_len)
{
	(void)snprintf(why, why_len, "%s (%u)", mysql_error(conn->mysql), mysql_errno(conn->mysql));
	return PINTLE_UNAVAILABLE;
}

int32_t conn_setup(struct conn *conn, char *why, size_t why_len)
{
	struct look look = { .flush = 1, .sync = 1 };
	bool is_ready = true;

	/* MariaDB's library goes on in the clear when the server offers nothing else. */
	if (conn->site->conf.tls != TLS_OFF && !mysql_get_ssl_cipher(conn->mysql))
		return refuse(conn, "offers no TLS", why, why_len);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (mysql_real_query(conn->mysql, settings[i], strlen(settings[i])) != 0)
			return fail(conn, why, why_len);
	}
	if (!look_around(conn, &look))
		return fail(conn, why, why_len);
	if (look.is_in_cluster && (!is_in_step(conn, &is_ready) || !ask_for_all_commits(conn)))
		return fail(conn, why, why_len);
	if (!is_ready)
		return refuse(conn, "is not in step with its cluster", why, why_len);
	if (look.is_read_only)
		return refuse(conn, "is read-only", why, why_len);
	conn->is_mariadb = look.is_mariadb;
	warn_of_loss(conn, &look);
	return PINTLE_OK;
}
