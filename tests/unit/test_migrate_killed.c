/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of a process that is killed at every call it makes, and of many processes at once, on each
 * kind of SQL store. */
#include "migrate.h"
#include "mysql_store.h"
#include "sqlite_store.h"

#include <dirent.h>
#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define N_PROCESSES 10
#define MAX_CALLS 200
#define KILLED 9

static struct mysql_server server;

/* Changes of the schema between changes of rows: what a step can be interrupted at. */
#define STEPS_OF(dialect)                                                                          \
	{ dialect, 1, 0, "first",                                                                  \
	  "CREATE TABLE a (x VARCHAR(20) NOT NULL);\n"                                             \
	  "INSERT INTO a (x) VALUES ('one');\n"                                                    \
	  "CREATE INDEX a_x ON a (x);\n"                                                           \
	  "INSERT INTO a (x) VALUES ('two');\n"                                                    \
	  "INSERT INTO a (x) VALUES ('three');\n"                                                  \
	  "ALTER TABLE a ADD COLUMN y INTEGER;\n"                                                  \
	  "UPDATE a SET y = COALESCE(y, 0) + 1;\n"                                                 \
	  "CREATE VIEW v AS SELECT x, y FROM a WHERE y > 0;\n"                                     \
	  "CREATE TABLE gone (z INTEGER);\n"                                                       \
	  "DROP TABLE gone;\n" },                                                                  \
	{                                                                                          \
		dialect, 2, 0, "second", "INSERT INTO a (x, y) SELECT x, y + 1 FROM a;\n"          \
	}

static const struct pintle_migration steps[] = { STEPS_OF("sqlite"), STEPS_OF("mysql") };
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

/* ---- A store that children open for themselves ---- */

struct place {
	bool is_mysql;
	struct sqlite_store sqlite;
	struct mysql_store mysql;
	struct db db;
};

static const struct db_under_test *test_of(const struct place *place)
{
	return place->is_mysql ? &place->mysql.db : &place->sqlite.db;
}

static void place_open(struct place *place)
{
	bool ok = place->is_mysql ? mysql_store_again(&place->mysql)
				  : sqlite_store_open(&place->sqlite, NO_CHECKPOINT);
	const struct db_under_test *test = test_of(place);

	assert_true(ok);
	place->db = (struct db){ test->ops, test->self };
}

static void place_close(struct place *place)
{
	if (place->is_mysql)
		mysql_store_close(&place->mysql);
	else
		sqlite_store_close(&place->sqlite);
}

static struct place place_new(bool is_mysql)
{
	struct place place = { .is_mysql = is_mysql };

	if (!is_mysql) {
		place.sqlite.dir = fake_dir_new();
		return place;
	}
	/* Closed again: what is forked shall share no connection. */
	assert_true(mysql_store_open(&place.mysql, &server, NULL));
	mysql_store_close(&place.mysql);
	return place;
}

static void place_free(struct place *place)
{
	fake_dir_free(place->sqlite.dir);
}

/* With the place open. */
static int64_t ask_open(const struct place *place, const char *sql)
{
	int64_t number = -1;

	assert_int_equal(db_test_run(test_of(place), NULL, sql, &number), PINTLE_OK);
	return number;
}

static int64_t ask(struct place *place, const char *sql)
{
	int64_t number;

	place_open(place);
	number = ask_open(place, sql);
	place_close(place);
	return number;
}

/* ---- A driver that kills its process ---- */

static struct {
	struct pintle_db ops, real;
	int n_calls, kill_at;
	bool is_after; /* the call was made */
} killer;

static bool is_the_one(void)
{
	return ++killer.n_calls == killer.kill_at;
}

static int32_t kill_begin(void *self, int64_t timeout_ms, struct pintle_tx **tx_out)
{
	bool is_one = is_the_one();
	int32_t status;

	if (is_one && !killer.is_after)
		_exit(KILLED);
	status = killer.real.begin(self, timeout_ms, tx_out);
	if (is_one)
		_exit(KILLED);
	return status;
}

static int32_t kill_commit(void *self, struct pintle_tx *tx)
{
	bool is_one = is_the_one();
	int32_t status;

	if (is_one && !killer.is_after)
		_exit(KILLED);
	status = killer.real.commit(self, tx);
	if (is_one)
		_exit(KILLED);
	return status;
}

static int32_t kill_query(void *self, struct pintle_tx *tx, const struct pintle_query *query)
{
	bool is_one = is_the_one();
	int32_t status;

	if (is_one && !killer.is_after)
		_exit(KILLED);
	status = killer.real.query(self, tx, query);
	if (is_one)
		_exit(KILLED);
	return status;
}

static void set_killer(struct db *db, int kill_at, bool is_after)
{
	killer.real = killer.ops = *db->ops;
	killer.ops.begin = kill_begin;
	killer.ops.commit = kill_commit;
	killer.ops.query = kill_query;
	killer.n_calls = 0;
	killer.kill_at = kill_at;
	killer.is_after = is_after;
	db->ops = &killer.ops;
}

/* ---- Processes ---- */

static _Noreturn void migrate_and_exit(struct place *place, const char *owner,
				       const struct pintle_migration *from, size_t n, int kill_at,
				       bool is_after)
{
	struct err err = { "" };
	bool ok;

	place_open(place);
	set_killer(&place->db, kill_at, is_after);
	ok = migrate_run(&place->db, owner, from, n, NULL, &err);
	if (!ok)
		(void)fprintf(stderr, "%s\n", err.text);
	place_close(place);
	_exit(ok ? 0 : 1);
}

static int outcome(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int migrate_in_child(struct place *place, int kill_at, bool is_after)
{
	pid_t pid = fork();

	if (pid == 0)
		migrate_and_exit(place, "some", steps, N_STEPS, kill_at, is_after);
	return outcome(pid);
}

static void expect_whole(struct place *place)
{
	place_open(place);
	assert_int_equal(ask_open(place, "SELECT count(*) FROM a"), 6);
	assert_int_equal(ask_open(place, "SELECT count(*) FROM v WHERE y = 1"), 3);
	assert_int_equal(ask_open(place, "SELECT count(*) FROM v WHERE y = 2"), 3);
	assert_int_equal(ask_open(place, "SELECT count(*) FROM schema_migrations"), 2);
	assert_int_equal(ask_open(place, "SELECT count(*) FROM schema_progress"), 0);
	place_close(place);
}

static void kill_everywhere(bool is_mysql, bool is_after)
{
	int kill_at, killed = KILLED;

	for (kill_at = 1; killed == KILLED && kill_at < MAX_CALLS; kill_at++) {
		struct place place = place_new(is_mysql);

		killed = migrate_in_child(&place, kill_at, is_after);
		if (killed != KILLED && killed != 0)
			fail_msg("killed at call %d it ended with %d", kill_at, killed);
		if (migrate_in_child(&place, 0, false) != 0)
			fail_msg("killed at call %d it does not go on", kill_at);
		expect_whole(&place);
		place_free(&place);
	}
	assert_true(kill_at > 20 && kill_at < MAX_CALLS);
}

static void a_killed_one_goes_on_sqlite(void **state)
{
	(void)state;
	kill_everywhere(false, false);
	kill_everywhere(false, true);
}

static void a_killed_one_goes_on_mysql(void **state)
{
	(void)state;
	kill_everywhere(true, false);
	kill_everywhere(true, true);
}

static void many_at_once(bool is_mysql)
{
	struct place place = place_new(is_mysql);
	pid_t pids[N_PROCESSES];

	for (int i = 0; i < N_PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			migrate_and_exit(&place, "core", migrate_core, migrate_n_core, 0, false);
	}
	for (int i = 0; i < N_PROCESSES; i++)
		assert_int_equal(outcome(pids[i]), 0);
	assert_int_equal(ask(&place, "SELECT count(*) FROM schema_migrations"),
			 ask(&place, "SELECT max(number) FROM schema_migrations"));
	assert_int_equal(ask(&place, "SELECT count(*) FROM users"), 0);
	place_free(&place);
}

static void ten_hosts_start_at_once(void **state)
{
	(void)state;
	many_at_once(false);
	many_at_once(true);
}

/* ---- What is in the way ---- */

static void expect_refused(struct place *place, const struct pintle_migration *from, size_t n,
			   const char *reason)
{
	struct err err = { "" };

	place_open(place);
	assert_false(migrate_run(&place->db, "some", from, n, NULL, &err));
	if (!strstr(err.text, reason))
		fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
	place_close(place);
}

/* A table of somebody else is not taken over, however often it is tried. */
static void a_strange_table_is_refused(void **state)
{
	(void)state;
	for (int is_mysql = 0; is_mysql < 2; is_mysql++) {
		struct place place = place_new(is_mysql);

		(void)ask(&place, "CREATE TABLE gone (q INTEGER)");
		for (int i = 0; i < 3; i++)
			expect_refused(&place, steps, N_STEPS, "step 1 (first) of some failed");
		(void)ask(&place, "DROP TABLE gone");
		assert_int_equal(migrate_in_child(&place, 0, false), 0);
		expect_whole(&place);
		place_free(&place);
	}
}

/* Only where a step can be left half done. */
static void half_a_step_of_another_text_is_refused(void **state)
{
	struct place place = place_new(true);
	struct pintle_migration other[N_STEPS];

	(void)state;
	memcpy(other, steps, sizeof(steps));
	other[2].sql = "CREATE TABLE a (x INTEGER);\n";
	assert_int_equal(migrate_in_child(&place, 20, true), KILLED);
	assert_int_equal(ask(&place, "SELECT count(*) FROM schema_progress"), 1);
	expect_refused(&place, other, N_STEPS, "left half done by a version with another text");
	assert_int_equal(migrate_in_child(&place, 0, false), 0);
	expect_whole(&place);
	place_free(&place);
}

/* ---- Every plugin's own tables ---- */

static void migrate_plugin(struct place *place, const char *name)
{
	const struct pintle_plugin *plugin = fake_plugin_load(name);
	struct err err = { "" };

	if (!migrate_run(&place->db, name, plugin->migrations, plugin->n_migrations, NULL, &err))
		fail_msg("%s", err.text);
}

static void every_schema_fits(void **state)
{
	(void)state;
	for (int is_mysql = 0; is_mysql < 2; is_mysql++) {
		struct place place = place_new(is_mysql);
		DIR *folder = opendir(BUILD_DIR "/plugins");
		struct err err = { "" };
		struct dirent *entry;
		char name[64];

		place_open(&place);
		if (!migrate_run(&place.db, "core", migrate_core, migrate_n_core, NULL, &err))
			fail_msg("%s", err.text);
		assert_non_null(folder);
		while ((entry = readdir(folder))) {
			if (sscanf(entry->d_name, "%63[a-z_0-9].so", name) == 1 &&
			    strstr(entry->d_name, ".so"))
				migrate_plugin(&place, name);
		}
		(void)closedir(folder);
		place_close(&place);
		place_free(&place);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_one_goes_on_sqlite),
		cmocka_unit_test(a_killed_one_goes_on_mysql),
		cmocka_unit_test(ten_hosts_start_at_once),
		cmocka_unit_test(a_strange_table_is_refused),
		cmocka_unit_test(half_a_step_of_another_text_is_refused),
		cmocka_unit_test(every_schema_fits),
	};
	int n_failed;

	mysql_server_start(&server, "--innodb-flush-log-at-trx-commit=0");
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	mysql_server_free(&server);
	return n_failed;
}
