/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SQLite connection with its prepared statements. Used by one thread at a time; who that is, the
 * writer and the readers decide.
 */
#ifndef CONN_H
#define CONN_H

#include "site.h"

#include <sqlite3.h>

#define CONN_CACHED 128

struct conn_statement {
	uint64_t hash;
	uint64_t used_at;
	sqlite3_stmt *stmt;
	bool is_running;
	bool is_trusted; /* prepared as one of our own */
};

/* Zeroed is a valid closed connection. */
struct conn {
	struct site *site;
	sqlite3 *handle;
	int64_t deadline_ms; /* of what runs now */
	bool is_trusted;     /* what runs now is our own and may steer transactions */
	bool is_shared;      /* others have committed into the transaction that is open */
	bool runs_on;        /* what runs now is let run to its end though it is late */
	uint64_t clock;
	struct conn_statement cached[CONN_CACHED];
};

enum conn_role { CONN_READER, CONN_WRITER };

int32_t conn_open(struct conn *conn, struct site *site, enum conn_role role, int64_t deadline_ms);
void conn_close(struct conn *conn);
/* Runs query; CONN_WRITES when it would write and may not: nothing has happened then. */
#define CONN_WRITES (-1)
int32_t conn_query(struct conn *conn, const struct pintle_query *query, bool may_write);
/* One of our own statements. */
int32_t conn_run(struct conn *conn, const char *sql);
/* What an SQLite result code means, logged when it is the operator's business. */
int32_t conn_status(struct conn *conn, int rc);

#endif
