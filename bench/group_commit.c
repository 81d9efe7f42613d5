/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What MariaDB itself can do: connections that commit at once, a thread each.
 * `group_commit PORT DATABASE commit|signin CONNECTIONS SECONDS`. commit: one row inserted. signin: the
 * transaction of a returning user's sign-in, statement for statement and prepared, each connection with
 * an account of its own among those the database has.
 */
#include "client.h"

#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CONNECTIONS 256
#define N_STATEMENTS 4
#define MAX_PARAMS 8
#define MAX_TEXT 64

/* '#' in types is the account, 'n' a number, 't' a text that is never the same. */
struct statement {
	const char *sql, *types;
};

static const struct statement signin[N_STATEMENTS] = {
	{ "UPDATE users SET last_login_time = ?, last_login_ip = '127.0.0.1',"
	  " login_count = login_count + 1 WHERE id = ? AND status = 'active' AND EXISTS (SELECT 1"
	  " FROM user_identities i WHERE i.user_id = users.id AND i.namespace = 'phone'"
	  " AND i.verified_at IS NOT NULL)",
	  "n#" },
	{ "SELECT session_id FROM user_sessions WHERE realm = 'user' AND subject_id = ?"
	  " AND status = 'active' AND platform = 'web' AND refresh_expires_at > ?"
	  " ORDER BY last_active_at DESC, id DESC LIMIT 1000000 OFFSET 1000000",
	  "#n" },
	{ "INSERT INTO user_sessions (realm, subject_id, session_id, subject_uuid, subject_type,"
	  " subject_name, roles, permissions, permission_epoch, platform, ip_address, generation,"
	  " rotated_at, token_expires_at, refresh_expires_at, absolute_expires_at, status,"
	  " last_active_at, created_at, updated_at) VALUES ('user', ?, ?,"
	  " '51c2f335-6b87-459a-8f35-24f19ec465d9', 'farmer', '', '', '', 0, 'web', '127.0.0.1',"
	  " 1, ?, ?, ?, ?, 'revoked', 0, 0, 0)",
	  "#tnnnn" },
	{ "INSERT INTO login_logs (user_id, provider, identifier, result, ip, session_id, at)"
	  " VALUES (?, 'phone_sms', '138****0000', 'success', '127.0.0.1', ?, ?)",
	  "#tn" },
};
static const struct statement commit[1] = {
	{ "INSERT INTO bench_commits (at) VALUES (?)", "n" },
};

struct line {
	pthread_t thread;
	MYSQL *mysql;
	MYSQL_STMT *stmts[N_STATEMENTS];
	long long account, now_ms;
	unsigned long n_done;
	char text[MAX_TEXT];
};

static const struct statement *statements;
static size_t n_statements;
static pthread_barrier_t start;
static _Atomic bool is_over;

static void die(MYSQL *mysql, const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, mysql_error(mysql));
	exit(1);
}

static void run_text(MYSQL *mysql, const char *sql)
{
	if (mysql_query(mysql, sql) != 0)
		die(mysql, sql);
}

static void execute(struct line *line, size_t i)
{
	const char *types = statements[i].types;
	unsigned long len = strlen(line->text);
	MYSQL_BIND binds[MAX_PARAMS];

	memset(binds, 0, sizeof(binds));
	for (size_t p = 0; types[p]; p++) {
		bool is_text = types[p] == 't';

		binds[p].buffer_type = is_text ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG;
		binds[p].buffer = is_text           ? line->text
				  : types[p] == '#' ? (void *)&line->account
						    : (void *)&line->now_ms;
		binds[p].buffer_length = len;
		binds[p].length = &len;
	}
	if (mysql_stmt_bind_param(line->stmts[i], binds) != 0 ||
	    mysql_stmt_execute(line->stmts[i]) != 0 ||
	    mysql_stmt_store_result(line->stmts[i]) != 0) {
		(void)fprintf(stderr, "%s: %s\n", statements[i].sql,
			      mysql_stmt_error(line->stmts[i]));
		exit(1);
	}
	(void)mysql_stmt_free_result(line->stmts[i]);
}

static void *run(void *arg)
{
	struct line *line = arg;

	(void)pthread_barrier_wait(&start);
	while (!atomic_load(&is_over)) {
		line->now_ms = client_now_us() / 1000;
		(void)snprintf(line->text, sizeof(line->text), "%d-%lld-%lu", getpid(),
			       line->account, line->n_done);
		run_text(line->mysql, "START TRANSACTION");
		for (size_t i = 0; i < n_statements; i++)
			execute(line, i);
		run_text(line->mysql, "COMMIT");
		line->n_done++;
	}
	return NULL;
}

static MYSQL *open_connection(int port, const char *database)
{
	MYSQL *mysql = mysql_init(NULL);

	if (!mysql_real_connect(mysql, "127.0.0.1", "pintle", "pintle", database, (unsigned)port,
				NULL, 0))
		die(mysql, "connect");
	run_text(mysql, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
	return mysql;
}

static long long first_account(MYSQL *mysql)
{
	MYSQL_RES *rows;
	MYSQL_ROW row;
	long long id;

	run_text(mysql, "SELECT MIN(id) FROM users");
	rows = mysql_store_result(mysql);
	row = rows ? mysql_fetch_row(rows) : NULL;
	if (!row || !row[0])
		die(mysql, "no accounts");
	id = atoll(row[0]);
	mysql_free_result(rows);
	return id;
}

static void prepare(struct line *line, int port, const char *database, long long account)
{
	*line = (struct line){ .mysql = open_connection(port, database), .account = account };
	for (size_t i = 0; i < n_statements; i++) {
		const char *sql = statements[i].sql;

		line->stmts[i] = mysql_stmt_init(line->mysql);
		if (mysql_stmt_prepare(line->stmts[i], sql, strlen(sql)) != 0)
			die(line->mysql, sql);
	}
}

static void choose(MYSQL *mysql, const char *kind)
{
	bool is_commit = strcmp(kind, "commit") == 0;

	statements = is_commit ? commit : signin;
	n_statements = is_commit ? 1 : N_STATEMENTS;
	if (is_commit)
		run_text(mysql, "CREATE TABLE IF NOT EXISTS bench_commits (id BIGINT NOT NULL"
				" AUTO_INCREMENT PRIMARY KEY, at BIGINT NOT NULL) ENGINE = InnoDB");
}

int main(int argc, char **argv)
{
	static struct line lines[MAX_CONNECTIONS];
	unsigned long n_done = 0;
	int64_t began_us;
	long long first;
	double cpu_s;
	MYSQL *mysql;
	int n;

	if (argc != 6 || (n = atoi(argv[4])) < 1 || n > MAX_CONNECTIONS) {
		(void)fprintf(stderr, "usage: group_commit PORT DATABASE commit|signin CONNECTIONS"
				      " SECONDS\n");
		return 2;
	}
	mysql = open_connection(atoi(argv[1]), argv[2]);
	choose(mysql, argv[3]);
	first = first_account(mysql);
	(void)pthread_barrier_init(&start, NULL, (unsigned)n + 1);
	for (int i = 0; i < n; i++) {
		prepare(&lines[i], atoi(argv[1]), argv[2], first + i);
		if (pthread_create(&lines[i].thread, NULL, run, &lines[i]) != 0)
			client_die("pthread_create");
	}
	(void)pthread_barrier_wait(&start);
	began_us = client_now_us();
	cpu_s = client_cpu_seconds();
	(void)usleep((useconds_t)(atof(argv[5]) * 1e6));
	atomic_store(&is_over, true);
	for (int i = 0; i < n; i++) {
		(void)pthread_join(lines[i].thread, NULL);
		n_done += lines[i].n_done;
	}
	printf("{\"n\": %lu, \"seconds\": %.4f, \"cpu\": %.4f}\n", n_done,
	       (double)(client_now_us() - began_us) / 1e6, client_cpu_seconds() - cpu_s);
	return 0;
}
