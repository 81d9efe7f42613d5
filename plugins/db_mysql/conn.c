/* SPDX-License-Identifier: Apache-2.0 */
/* One connection from the first byte to the last; conn_setup.c readies it, conn_query.c uses it. */
#include "conn.h"

#include "codes.h"
#include "conn_setup.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLOSE_MS 100 /* for a farewell that nobody answers */
/* A statement whose caller has gone goes on in the server for at most this long, or twice its own time. */
#define LIMIT_LEAST_MS 2000

static unsigned seconds(int64_t ms)
{
	return (unsigned)((ms + 999) / 1000);
}

static void set_options(MYSQL *mysql, const struct conf *conf)
{
	unsigned connect_timeout = seconds(conf->connect_timeout_ms), no_files = 0;

	(void)mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
	(void)mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	/* Else a server could ask for the files of this machine. */
	(void)mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no_files);
	client_set_tls(mysql, conf);
}

static int32_t connect_to(struct conn *conn, char *why, size_t why_len)
{
	const struct server *server = &conn->servers->list[conn->server];
	struct client_target target = {
		.name = server->name,
		.port = server->port,
		.guard = conn->guard,
		.watch = &conn->watch,
		.deadline_ms = site_deadline(conn->site, conn->site->conf.connect_timeout_ms),
	};
	int32_t status;

	conn->mysql = mysql_init(NULL);
	if (!conn->mysql)
		return PINTLE_INTERNAL;
	set_options(conn->mysql, &conn->site->conf);
	if (client_connect(conn->mysql, &conn->site->conf, &target))
		return conn_setup(conn, why, why_len);
	(void)snprintf(why, why_len, "%s (%u)", mysql_error(conn->mysql), mysql_errno(conn->mysql));
	status = codes_status(mysql_errno(conn->mysql));
	return status == PINTLE_INTERNAL ? PINTLE_UNAVAILABLE : status;
}

int32_t conn_open(struct conn *conn, struct servers *servers, size_t server, struct guard *guard,
		  char *why, size_t why_len)
{
	int32_t status;

	*conn = (struct conn){
		.site = servers->site,
		.servers = servers,
		.guard = guard,
		.server = server,
		.watch.fd = -1,
		.opened_ms = site_now(servers->site),
	};
	status = connect_to(conn, why, why_len);
	if (guard_disarm(guard, &conn->watch)) {
		(void)snprintf(why, why_len, "no answer within %d ms",
			       (int)conn->site->conf.connect_timeout_ms);
		status = PINTLE_UNAVAILABLE;
	}
	if (status == PINTLE_OK && conn->watch.fd < 0)
		status = PINTLE_UNAVAILABLE; /* out of descriptors */
	if (status != PINTLE_OK)
		conn_close(conn);
	conn->idle_since_ms = site_now(servers->site);
	return status;
}

void conn_close(struct conn *conn)
{
	bool is_guarded = conn->watch.fd >= 0 &&
			  guard_arm(conn->guard, &conn->watch, site_deadline(conn->site, CLOSE_MS));

	conn_forget_statements(conn);
	if (conn->mysql)
		mysql_close(conn->mysql);
	conn->mysql = NULL;
	if (is_guarded)
		(void)guard_disarm(conn->guard, &conn->watch);
	if (conn->watch.fd >= 0)
		close(conn->watch.fd);
	conn->watch.fd = -1;
}

int32_t conn_enter(struct conn *conn, int64_t deadline_ms)
{
	if (site_now(conn->site) >= deadline_ms)
		return PINTLE_TIMEOUT;
	if (conn->is_broken)
		return PINTLE_UNAVAILABLE;
	return guard_arm(conn->guard, &conn->watch, deadline_ms) ? PINTLE_OK : PINTLE_INTERNAL;
}

static void note_fault(struct conn *conn, unsigned code, const char *text)
{
	const struct server *server = &conn->servers->list[conn->server];

	if (codes_is_unfit(code))
		servers_mark_unfit(conn->servers, conn->server);
	if (codes_is_worth_a_line(code))
		site_fault(conn->site, "%s: %s (%u)", server->name, text, code);
}

int32_t conn_leave(struct conn *conn, unsigned code, const char *text)
{
	if (guard_disarm(conn->guard, &conn->watch)) {
		/* What was shut down after it had succeeded is of no use any more, but did succeed. */
		conn->is_broken = true;
		return code == 0 ? PINTLE_OK : PINTLE_TIMEOUT;
	}
	if (code == 0)
		return PINTLE_OK;
	if (codes_is_lost(code))
		conn->is_broken = true;
	note_fault(conn, code, text);
	return codes_status(code);
}

int32_t conn_run(struct conn *conn, const char *sql, int64_t deadline_ms)
{
	int32_t status = conn_enter(conn, deadline_ms);
	unsigned code = 0;

	if (status != PINTLE_OK)
		return status;
	if (mysql_real_query(conn->mysql, sql, strlen(sql)) != 0)
		code = mysql_errno(conn->mysql);
	return conn_leave(conn, code, mysql_error(conn->mysql));
}

static int64_t first_number(MYSQL_RES *rows)
{
	MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
	int64_t number = row && row[0] ? strtoll(row[0], NULL, 10) : -1;

	mysql_free_result(rows);
	return number;
}

int32_t conn_number(struct conn *conn, const char *sql, int64_t deadline_ms, int64_t *out)
{
	int32_t status = conn_enter(conn, deadline_ms);
	MYSQL_RES *rows = NULL;

	if (status != PINTLE_OK)
		return status;
	if (mysql_real_query(conn->mysql, sql, strlen(sql)) == 0)
		rows = mysql_store_result(conn->mysql);
	status = conn_leave(conn, rows ? 0 : mysql_errno(conn->mysql), mysql_error(conn->mysql));
	*out = first_number(rows);
	return status;
}

bool conn_is_closed(const struct conn *conn)
{
	/* Nothing is under way, so whatever can be read is an end or a farewell. */
	struct pollfd one = { .fd = conn->watch.fd, .events = POLLIN };

	return poll(&one, 1, 0) != 0;
}

int32_t conn_ping(struct conn *conn, int64_t deadline_ms)
{
	int32_t status = conn_enter(conn, deadline_ms);
	unsigned code = 0;

	if (status != PINTLE_OK)
		return status;
	if (mysql_ping(conn->mysql) != 0)
		code = mysql_errno(conn->mysql);
	return conn_leave(conn, code, mysql_error(conn->mysql));
}

/* Set anew only when it is too low or far too high, for it costs a round trip. */
int32_t conn_limit(struct conn *conn, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - site_now(conn->site), wanted_ms = LIMIT_LEAST_MS;
	char sql[80];
	int32_t status;

	while (wanted_ms < left_ms)
		wanted_ms *= 2;
	if (conn->limit_ms >= wanted_ms && conn->limit_ms <= 4 * wanted_ms)
		return PINTLE_OK;
	if (conn->is_mariadb)
		(void)snprintf(sql, sizeof(sql), "SET SESSION max_statement_time = %d.%03d",
			       (int)(wanted_ms / 1000), (int)(wanted_ms % 1000));
	else
		(void)snprintf(sql, sizeof(sql), "SET SESSION max_execution_time = %d",
			       (int)wanted_ms);
	status = conn_run(conn, sql, deadline_ms);
	if (status == PINTLE_OK)
		conn->limit_ms = wanted_ms;
	return status;
}
