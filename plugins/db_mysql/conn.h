/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection with its prepared statements. Used by one thread at a time; who that is, the pool
 * decides. Everything on it ends by its deadline; after a fault of the connection it is broken and can
 * only be closed.
 */
#ifndef CONN_H
#define CONN_H

#include "client.h"
#include "servers.h"

#define CONN_CACHED 64

struct conn_statement {
	uint64_t hash;
	uint64_t used_at;
	char *sql;
	MYSQL_STMT *stmt;
	bool is_running;
};

struct conn {
	struct site *site;
	struct servers *servers;
	struct guard *guard;
	size_t server; /* its place among the servers */
	MYSQL *mysql;
	struct guard_watch watch;
	bool is_broken;
	bool is_mariadb;
	int64_t opened_ms, idle_since_ms;
	int64_t limit_ms; /* what the server ends a statement after; 0: never */
	uint64_t clock;
	struct conn_statement cached[CONN_CACHED];
	struct conn *next; /* in the pool */
};

/* Connects to one server and looks whether it can do our work. A status, and what is wrong in why. */
int32_t conn_open(struct conn *conn, struct servers *servers, size_t server, struct guard *guard,
		  char *why, size_t why_len);
void conn_close(struct conn *conn);
/* One of our own statements, without rows. */
int32_t conn_run(struct conn *conn, const char *sql, int64_t deadline_ms);
/* The first row's first column as a number, -1 when there is none or it is NULL. */
int32_t conn_number(struct conn *conn, const char *sql, int64_t deadline_ms, int64_t *out);
/* Whether the server has closed it meanwhile; asks nothing. */
bool conn_is_closed(const struct conn *conn);
int32_t conn_ping(struct conn *conn, int64_t deadline_ms);
/* Runs query. has_begun_out: the server may have begun to execute it. */
int32_t conn_query(struct conn *conn, const struct pintle_query *query, int64_t deadline_ms,
		   bool *has_begun_out);

/* ---- For conn_query.c ---- */

/* What runs next ends by deadline_ms. INTERNAL when nothing could end it. */
int32_t conn_enter(struct conn *conn, int64_t deadline_ms);
/* After conn_enter: the status of what ran, code 0 for success. */
int32_t conn_leave(struct conn *conn, unsigned code, const char *text);
/* Makes the server give up a statement not long after we do, where it can. */
int32_t conn_limit(struct conn *conn, int64_t deadline_ms);
void conn_forget_statements(struct conn *conn);

#endif
