/* SPDX-License-Identifier: Apache-2.0 */
/* The contract, and what a store behind a network adds to it: a pool, locks that wait, a server's settings. */
#include "mysql_store.h"

#include <pintle/status.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOW_MANY "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE()"

static struct mysql_server server;

static int64_t number_of(const struct mysql_store *store, const char *sql)
{
	int64_t number = -1;

	if (db_test_run(&store->db, NULL, sql, &number) != PINTLE_OK)
		fail_msg("%s: %s", sql, fake_host_last_line(store->host));
	return number;
}

static void the_pool_has_a_cap(void **state)
{
	const char *const options[] = { "pool", "2", NULL };
	struct mysql_store small;
	struct pintle_tx *first, *second, *third = NULL;

	assert_true(mysql_store_beside(&small, *state, options));
	const struct pintle_db *ops = small.db.ops;

	assert_int_equal(ops->begin(small.db.self, DB_TEST_MS, &first), PINTLE_OK);
	assert_int_equal(ops->begin(small.db.self, DB_TEST_MS, &second), PINTLE_OK);
	assert_int_equal(ops->begin(small.db.self, 50, &third), PINTLE_TIMEOUT);
	assert_int_equal(ops->ping(small.db.self, 50), PINTLE_TIMEOUT);
	assert_int_equal(ops->commit(small.db.self, first), PINTLE_OK);
	assert_int_equal(ops->begin(small.db.self, DB_TEST_MS, &third), PINTLE_OK);
	ops->rollback(small.db.self, third);
	ops->rollback(small.db.self, second);
	assert_int_equal(number_of(&small, HOW_MANY " AND command <> 'Killed'"), 2 + 1);
	mysql_store_close(&small);
}

static void every_connection_is_set_up(void **state)
{
	static const char *const claims[] = {
		"SELECT @@time_zone = '+00:00'",
		"SELECT @@tx_isolation = 'READ-COMMITTED'",
		"SELECT @@character_set_connection = 'utf8mb4'",
		"SELECT @@collation_connection = 'utf8mb4_bin'",
		"SELECT @@autocommit = 1",
		"SELECT @@wait_timeout = 28800",
		"SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%'",
		"SELECT @@sql_mode LIKE '%NO_BACKSLASH_ESCAPES%'",
		"SELECT @@max_statement_time BETWEEN 5 AND 20",
	};

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		if (number_of(*state, claims[i]) != 1)
			fail_msg("%s does not hold", claims[i]);
}

/* 190 characters, whatever their bytes. */
static void a_text_too_long_is_refused(void **state)
{
	struct mysql_store *store = *state;
	char text[191 * 4 + 1] = "";

	for (int i = 0; i < 191; i++)
		(void)strcat(text, "🌾");
	assert_int_equal(db_test_add(&store->db, NULL, text), PINTLE_INTERNAL);
	assert_int_equal(db_test_count(&store->db), 0);
	text[190 * 4] = '\0';
	assert_int_equal(db_test_add(&store->db, NULL, text), PINTLE_OK);
	assert_int_equal(number_of(store, "SELECT char_length(name) FROM t"), 190);
}

/* ---- Transactions in each other's way ---- */

struct rival {
	struct mysql_store *store;
	pthread_barrier_t barrier;
	int32_t status;
};

static const char first_row[] = "UPDATE t SET share = 1 WHERE name = 'a'";
static const char second_row[] = "UPDATE t SET share = 2 WHERE name = 'b'";

static void add_two(const struct mysql_store *store)
{
	assert_int_equal(db_test_add(&store->db, NULL, "a"), PINTLE_OK);
	assert_int_equal(db_test_add(&store->db, NULL, "b"), PINTLE_OK);
}

/* OK, or BUSY and then nothing else any more. */
static int32_t end(const struct mysql_store *store, struct pintle_tx *tx, int32_t status)
{
	if (status != PINTLE_OK) {
		assert_int_equal(db_test_run(&store->db, tx, "SELECT 1", NULL), status);
		assert_int_equal(store->db.ops->commit(store->db.self, tx), status);
		return status;
	}
	return store->db.ops->commit(store->db.self, tx);
}

static void *cross(void *arg)
{
	struct rival *rival = arg;
	struct pintle_tx *tx = mysql_store_begin(rival->store);

	assert_int_equal(db_test_run(&rival->store->db, tx, second_row, NULL), PINTLE_OK);
	(void)pthread_barrier_wait(&rival->barrier);
	rival->status = db_test_run(&rival->store->db, tx, first_row, NULL);
	rival->status = end(rival->store, tx, rival->status);
	return NULL;
}

static void a_deadlock_is_busy_for_one(void **state)
{
	struct rival rival = { .store = *state };
	struct pintle_tx *tx;
	pthread_t thread;
	int32_t status;

	add_two(*state);
	(void)pthread_barrier_init(&rival.barrier, NULL, 2);
	tx = mysql_store_begin(*state);
	assert_int_equal(db_test_run(&rival.store->db, tx, first_row, NULL), PINTLE_OK);
	assert_int_equal(pthread_create(&thread, NULL, cross, &rival), 0);
	(void)pthread_barrier_wait(&rival.barrier);
	status = db_test_run(&rival.store->db, tx, second_row, NULL);
	status = end(*state, tx, status);
	(void)pthread_join(thread, NULL);
	(void)pthread_barrier_destroy(&rival.barrier);
	assert_int_equal(status + rival.status, PINTLE_OK + PINTLE_BUSY);
	assert_int_equal(number_of(*state, "SELECT count(*) FROM t WHERE share IS NOT NULL"), 2);
}

static void a_row_that_stays_locked_is_busy(void **state)
{
	struct mysql_store *store = *state;
	struct pintle_tx *holder, *other;

	add_two(store);
	holder = mysql_store_begin(store);
	assert_int_equal(db_test_run(&store->db, holder, first_row, NULL), PINTLE_OK);
	assert_int_equal(db_test_run(&store->db, NULL, first_row, NULL), PINTLE_BUSY);
	other = mysql_store_begin(store);
	assert_int_equal(end(store, other, db_test_run(&store->db, other, first_row, NULL)),
			 PINTLE_BUSY);
	assert_int_equal(end(store, holder, PINTLE_OK), PINTLE_OK);
	assert_int_equal(db_test_run(&store->db, NULL, first_row, NULL), PINTLE_OK);
}

/* ---- Changes of the schema ---- */

/* One commits what was before it; what is after it is undone together. */
static void a_change_of_the_schema_splits_a_transaction(void **state)
{
	struct mysql_store *store = *state;
	struct pintle_tx *tx = mysql_store_begin(store);

	assert_int_equal(db_test_add(&store->db, tx, "before"), PINTLE_OK);
	assert_int_equal(db_test_run(&store->db, tx, "CREATE TABLE u (x INTEGER)", NULL),
			 PINTLE_OK);
	assert_int_equal(db_test_add(&store->db, tx, "after"), PINTLE_OK);
	assert_int_equal(db_test_run(&store->db, tx, "CREATE TABLE u (x INTEGER)", NULL),
			 PINTLE_CONFLICT);
	assert_int_equal(db_test_add(&store->db, tx, "later"), PINTLE_OK);
	store->db.ops->rollback(store->db.self, tx);
	assert_int_equal(number_of(store, "SELECT count(*) FROM t WHERE name = 'before'"), 1);
	assert_int_equal(number_of(store, "SELECT count(*) FROM t WHERE name = 'later'"), 0);
	assert_int_equal(db_test_run(&store->db, NULL, "DROP TABLE nothing", NULL),
			 PINTLE_CONFLICT);
}

/* ---- Servers that are set up badly ---- */

static void a_wrong_password_says_so(void **state)
{
	const char *const options[] = { "password", "wrong", NULL };
	struct mysql_store stranger;

	assert_true(mysql_store_beside(&stranger, *state, options));
	assert_int_equal(stranger.db.ops->ping(stranger.db.self, DB_TEST_MS), PINTLE_UNAVAILABLE);
	assert_int_equal(fake_host_logged(stranger.host, PINTLE_LOG_ERROR), 1);
	assert_non_null(strstr(fake_host_last_line(stranger.host), "Access denied"));
	assert_null(strstr(fake_host_last_line(stranger.host), "wrong"));
	mysql_store_close(&stranger);
}

static void a_server_that_may_forget_is_told_of_once(void **state)
{
	struct mysql_store careless;
	struct pintle_tx *first, *second;

	assert_int_equal(fake_host_logged(((struct mysql_store *)*state)->host, PINTLE_LOG_WARN),
			 0);
	mysql_server_tell(&server, "SET GLOBAL innodb_flush_log_at_trx_commit = 2");
	assert_true(mysql_store_beside(&careless, *state, NULL));
	first = mysql_store_begin(&careless);
	second = mysql_store_begin(&careless);
	careless.db.ops->rollback(careless.db.self, first);
	careless.db.ops->rollback(careless.db.self, second);
	mysql_server_tell(&server, "SET GLOBAL innodb_flush_log_at_trx_commit = 1");
	assert_int_equal(fake_host_logged(careless.host, PINTLE_LOG_WARN), 1);
	assert_non_null(strstr(fake_host_last_line(careless.host),
			       "innodb_flush_log_at_trx_commit should be 1"));
	mysql_store_close(&careless);
}

static void options_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		const char *options[9];
		const char *reason;
	} cases[] = {
		{ { "host", "a:b", NULL }, "\"a:b\" is not name" },
		{ { "host", "a:0", NULL }, "\"a:0\" is not name" },
		{ { "host", "good, :3306", NULL }, "\":3306\" is not name" },
		{ { "host", "[::1", NULL }, "\"[::1\" is not name" },
		{ { "tls", "verify", NULL }, "needs tls_ca" },
		{ { "tls", "required", "socket", "/run/x", NULL }, "tls is for host" },
		{ { "tls", "required", "tls_key", "/k", NULL }, "belong together" },
		{ { "host", "::1, [::1], [::1]:3307, db.example.com, 10.0.0.1:1", NULL }, NULL },
		{ { "tls", "verify", "tls_ca", "/c", "tls_cert", "/d", "tls_key", "/k", NULL },
		  NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mysql_store store;
		bool is_open = mysql_store_beside(&store, *state, cases[i].options);

		if (is_open != !cases[i].reason)
			fail_msg("case %zu: %s", i, fake_host_reason(store.host));
		if (!is_open && !strstr(fake_host_reason(store.host), cases[i].reason))
			fail_msg("case %zu: \"%s\"", i, fake_host_reason(store.host));
		mysql_store_close(&store);
	}
}

#define WITH_STORE(test) MYSQL_STORE_TEST(test, &server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(the_pool_has_a_cap),
		WITH_STORE(every_connection_is_set_up),
		WITH_STORE(a_text_too_long_is_refused),
		WITH_STORE(a_deadlock_is_busy_for_one),
		WITH_STORE(a_row_that_stays_locked_is_busy),
		WITH_STORE(a_change_of_the_schema_splits_a_transaction),
		WITH_STORE(a_wrong_password_says_so),
		WITH_STORE(a_server_that_may_forget_is_told_of_once),
		WITH_STORE(options_that_make_no_sense_are_refused),
	};
	struct mysql_store store;
	int n_failed;

	mysql_server_start(&server, "");
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (!mysql_store_open(&store, &server, NULL))
		return 1;
	n_failed += db_contract_run(&store.db);
	mysql_store_close(&store);
	mysql_server_free(&server);
	return n_failed;
}
