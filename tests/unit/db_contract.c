/* SPDX-License-Identifier: Apache-2.0 */
#include "db_contract.h"

#include <pintle/status.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define N_THREADS 8
#define N_ROWS 25

static int32_t take_number(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	int64_t *out = ctx;

	if (out && n_cols > 0)
		*out = cols[0].num;
	return PINTLE_OK;
}

int32_t db_test_run(const struct db_under_test *db, struct pintle_tx *tx, const char *sql,
		    int64_t *count_out)
{
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = sql,
		.row = take_number,
		.ctx = count_out,
		.timeout_ms = DB_TEST_MS,
	};

	return db->ops->query(db->self, tx, &query);
}

int32_t db_test_add(const struct db_under_test *db, struct pintle_tx *tx, const char *name)
{
	const struct pintle_value param = { PINTLE_V_TEXT, 0, 0, 0, name, strlen(name) };
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "INSERT INTO t (name) VALUES (?)",
		.params = &param,
		.n_params = 1,
		.timeout_ms = DB_TEST_MS,
	};

	return db->ops->query(db->self, tx, &query);
}

int64_t db_test_count(const struct db_under_test *db)
{
	int64_t count = -1;

	assert_int_equal(db_test_run(db, NULL, "SELECT count(*) FROM t", &count), PINTLE_OK);
	return count;
}

void db_test_make_table(const struct db_under_test *db)
{
	bool is_mysql = strcmp(db->ops->dialect, "mysql") == 0;
	const char *sql = is_mysql ? "CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, "
				     "name VARCHAR(190) UNIQUE, note MEDIUMBLOB, share DOUBLE) "
				     "DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
				   : "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, "
				     "note BLOB, share REAL)";

	assert_int_equal(db_test_run(db, NULL, "DROP TABLE IF EXISTS t", NULL), PINTLE_OK);
	assert_int_equal(db_test_run(db, NULL, sql, NULL), PINTLE_OK);
}

static int fresh_table(void **state)
{
	db_test_make_table(*state);
	return 0;
}

static struct pintle_tx *begin(const struct db_under_test *db)
{
	struct pintle_tx *tx = NULL;

	assert_int_equal(db->ops->begin(db->self, DB_TEST_MS, &tx), PINTLE_OK);
	assert_non_null(tx);
	return tx;
}

static int32_t check_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	int *n_rows = ctx;

	(*n_rows)++;
	assert_int_equal(n_cols, 5);
	assert_int_equal(cols[0].type, PINTLE_V_INT);
	assert_true(cols[0].num == INT64_MIN + 1);
	assert_int_equal(cols[1].type, PINTLE_V_TEXT);
	assert_int_equal(cols[1].len, strlen("种子 'x' -- ?"));
	assert_string_equal(cols[1].ptr, "种子 'x' -- ?");
	assert_int_equal(cols[2].type, PINTLE_V_BLOB);
	assert_int_equal(cols[2].len, 3);
	assert_memory_equal(cols[2].ptr, "a\0b", 3);
	assert_int_equal(cols[3].type, PINTLE_V_REAL);
	assert_true(cols[3].real == 0.5);
	assert_int_equal(cols[4].type, PINTLE_V_NULL);
	return PINTLE_OK;
}

static void keeps_every_type(void **state)
{
	const struct db_under_test *db = *state;
	const char *text = "种子 'x' -- ?";
	const struct pintle_value params[] = {
		PINTLE_P_INT(INT64_MIN + 1),
		{ PINTLE_V_TEXT, 0, 0, 0, text, strlen(text) },
		PINTLE_P_BLOB("a\0b", 3),
		{ PINTLE_V_REAL, 0, 0, 0.5, NULL, 0 },
	};
	int n_rows = 0;
	struct pintle_query query = {
		.size = sizeof(query),
		.sql = "INSERT INTO t (id, name, note, share) VALUES (?, ?, ?, ?)",
		.params = params,
		.n_params = 4,
		.timeout_ms = DB_TEST_MS,
	};

	assert_int_equal(db->ops->query(db->self, NULL, &query), PINTLE_OK);
	query.sql = "SELECT id, name, note, share, NULL FROM t WHERE id = ? AND name = ? "
		    "AND note = ? AND share = ?";
	query.row = check_row;
	query.ctx = &n_rows;
	assert_int_equal(db->ops->query(db->self, NULL, &query), PINTLE_OK);
	assert_int_equal(n_rows, 1);
}

static void expect_result(const struct db_under_test *db, const char *sql, int64_t n_changed,
			  int64_t last_id)
{
	struct pintle_db_result result = { .size = sizeof(result) };
	const struct pintle_query query = {
		.size = sizeof(query), .sql = sql, .result = &result, .timeout_ms = DB_TEST_MS
	};

	assert_int_equal(db->ops->query(db->self, NULL, &query), PINTLE_OK);
	if (result.n_changed != n_changed)
		fail_msg("%s: %ld rows, not %ld", sql, (long)result.n_changed, (long)n_changed);
	if (last_id && result.last_id != last_id)
		fail_msg("%s: id %ld, not %ld", sql, (long)result.last_id, (long)last_id);
}

static void counts_rows_and_ids(void **state)
{
	expect_result(*state, "INSERT INTO t (id, name) VALUES (7, 'a')", 1, 0);
	expect_result(*state, "INSERT INTO t (name) VALUES ('b')", 1, 8);
	expect_result(*state, "UPDATE t SET name = name", 2, 0); /* matched, not altered */
	expect_result(*state, "UPDATE t SET name = 'z' WHERE id = 99", 0, 0);
	expect_result(*state, "SELECT id FROM t", 0, 0);
	expect_result(*state, "DELETE FROM t WHERE id < 100", 2, 0);
	expect_result(*state, "DELETE FROM t WHERE id < 100", 0, 0);
}

static void refuses_a_second_of_a_kind(void **state)
{
	const struct db_under_test *db = *state;

	assert_int_equal(db_test_add(db, NULL, "one"), PINTLE_OK);
	assert_int_equal(db_test_add(db, NULL, "one"), PINTLE_CONFLICT);
	assert_int_equal(db_test_add(db, NULL, "two"), PINTLE_OK);
	assert_int_equal(db_test_count(db), 2);
}

static void commits_and_rolls_back(void **state)
{
	const struct db_under_test *db = *state;
	struct pintle_tx *tx = begin(db);
	int64_t count = -1;

	assert_int_equal(db_test_add(db, tx, "kept"), PINTLE_OK);
	assert_int_equal(db_test_run(db, tx, "SELECT count(*) FROM t", &count), PINTLE_OK);
	assert_int_equal(count, 1);
	assert_int_equal(db_test_count(db), 0); /* not seen from outside yet */
	assert_int_equal(db->ops->commit(db->self, tx), PINTLE_OK);
	assert_int_equal(db_test_count(db), 1);

	tx = begin(db);
	assert_int_equal(db_test_add(db, tx, "lost"), PINTLE_OK);
	db->ops->rollback(db->self, tx);
	assert_int_equal(db_test_count(db), 1);
}

/* A conflict undoes its statement, not the transaction. */
static void goes_on_after_a_conflict(void **state)
{
	const struct db_under_test *db = *state;
	struct pintle_tx *tx = begin(db);

	assert_int_equal(db_test_add(db, tx, "one"), PINTLE_OK);
	assert_int_equal(db_test_add(db, tx, "one"), PINTLE_CONFLICT);
	assert_int_equal(db_test_add(db, tx, "two"), PINTLE_OK);
	assert_int_equal(db->ops->commit(db->self, tx), PINTLE_OK);
	assert_int_equal(db_test_count(db), 2);
}

static void refuses_what_is_no_single_statement(void **state)
{
	const struct db_under_test *db = *state;
	static const char *const bad[] = {
		"SELEC 1",
		"SELECT nothing FROM nowhere",
		"INSERT INTO t (name) VALUES ('a'); DELETE FROM t",
		"SELECT ?",
		"COMMIT",
		"ROLLBACK",
	};
	struct pintle_tx *tx = begin(db);

	assert_int_equal(db_test_add(db, tx, "kept"), PINTLE_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int32_t status = db_test_run(db, tx, bad[i], NULL);

		if (status != PINTLE_INTERNAL)
			fail_msg("case %zu: %d", i, status);
	}
	assert_int_equal(db_test_run(db, tx, "SELECT 1 ;\n", NULL), PINTLE_OK);
	assert_int_equal(db->ops->commit(db->self, tx), PINTLE_OK);
	assert_int_equal(db_test_count(db), 1);
}

static int32_t stop_at_second(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	int *n_rows = ctx;

	(void)cols, (void)n_cols;
	return ++*n_rows == 2 ? PINTLE_FORBIDDEN : PINTLE_OK;
}

static void row_ends_the_query(void **state)
{
	const struct db_under_test *db = *state;
	int n_rows = 0;
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "SELECT id FROM t",
		.row = stop_at_second,
		.ctx = &n_rows,
		.timeout_ms = DB_TEST_MS,
	};

	for (int i = 0; i < 4; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(db_test_add(db, NULL, name), PINTLE_OK);
	}
	assert_int_equal(db->ops->query(db->self, NULL, &query), PINTLE_FORBIDDEN);
	assert_int_equal(n_rows, 2);
	assert_int_equal(db_test_count(db), 4);
}

static void ends_at_the_deadline(void **state)
{
	const struct db_under_test *db = *state;
	bool is_mysql = strcmp(db->ops->dialect, "mysql") == 0;
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = is_mysql ? "SELECT sleep(60)"
				: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
				  "WHERE i < 1000000000) SELECT count(*) FROM n",
		.timeout_ms = 50,
	};

	assert_int_equal(db->ops->query(db->self, NULL, &query), PINTLE_TIMEOUT);
	assert_int_equal(db->ops->ping(db->self, DB_TEST_MS), PINTLE_OK);
}

struct adder {
	const struct db_under_test *db;
	int number;
	bool in_tx;
	int n_faults, n_won;
};

static void *add_rows(void *arg)
{
	struct adder *adder = arg;
	const struct db_under_test *db = adder->db;

	for (int i = 0; i < N_ROWS; i++) {
		bool is_undone = adder->in_tx && i % 5 == 4;
		struct pintle_tx *tx = NULL;
		int32_t status = PINTLE_OK;
		char name[32];

		(void)snprintf(name, sizeof(name), "%d-%d", adder->number, i);
		if (adder->in_tx)
			status = db->ops->begin(db->self, DB_TEST_MS, &tx);
		if (status == PINTLE_OK)
			status = db_test_add(db, tx, name);
		if (is_undone && tx)
			db->ops->rollback(db->self, tx);
		else if (tx && db->ops->commit(db->self, tx) != PINTLE_OK)
			adder->n_faults++;
		if (status != PINTLE_OK)
			adder->n_faults++;
	}
	return NULL;
}

static void join_all(pthread_t threads[N_THREADS], void *(*run)(void *), struct adder *adders,
		     const struct db_under_test *db)
{
	for (int i = 0; i < N_THREADS; i++) {
		adders[i] = (struct adder){ .db = db, .number = i, .in_tx = i % 2 == 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, run, &adders[i]), 0);
	}
	for (int i = 0; i < N_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(adders[i].n_faults, 0);
}

static void many_threads_lose_nothing(void **state)
{
	struct adder adders[N_THREADS];
	pthread_t threads[N_THREADS];

	join_all(threads, add_rows, adders, *state);
	/* Half of the threads undo every fifth row. */
	assert_int_equal(db_test_count(*state), N_THREADS * N_ROWS - N_THREADS / 2 * (N_ROWS / 5));
}

/* Runs the statements, NULL-terminated, in a transaction, again when it lost to another. */
static int32_t transact(const struct db_under_test *db, const char *const *statements)
{
	int32_t status = PINTLE_BUSY;

	for (int i = 0; i < 100 && status == PINTLE_BUSY; i++) {
		struct pintle_tx *tx = NULL;

		status = db->ops->begin(db->self, DB_TEST_MS, &tx);
		if (status != PINTLE_OK)
			continue;
		for (size_t k = 0; status == PINTLE_OK && statements[k]; k++)
			status = db_test_run(db, tx, statements[k], NULL);
		if (status == PINTLE_OK)
			status = db->ops->commit(db->self, tx);
		else
			db->ops->rollback(db->self, tx);
	}
	return status;
}

/* Half of the threads in one order, half in the other. */
static void *count_up(void *arg)
{
	static const char *const orders[2][3] = {
		{ "UPDATE t SET share = share + 1 WHERE name = 'a'",
		  "UPDATE t SET share = share + 1 WHERE name = 'b'", NULL },
		{ "UPDATE t SET share = share + 1 WHERE name = 'b'",
		  "UPDATE t SET share = share + 1 WHERE name = 'a'", NULL },
	};
	struct adder *adder = arg;

	for (int i = 0; i < N_ROWS; i++)
		adder->n_faults += transact(adder->db, orders[adder->in_tx]) != PINTLE_OK;
	return NULL;
}

static int64_t count_where(const struct db_under_test *db, const char *sql)
{
	int64_t count = -1;

	assert_int_equal(db_test_run(db, NULL, sql, &count), PINTLE_OK);
	return count;
}

static void crossing_transactions_lose_no_update(void **state)
{
	const struct db_under_test *db = *state;
	struct adder adders[N_THREADS];
	pthread_t threads[N_THREADS];
	char sql[80];

	assert_int_equal(db_test_run(db, NULL, "INSERT INTO t (name, share) VALUES ('a', 0)", NULL),
			 PINTLE_OK);
	assert_int_equal(db_test_run(db, NULL, "INSERT INTO t (name, share) VALUES ('b', 0)", NULL),
			 PINTLE_OK);
	join_all(threads, count_up, adders, db);
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM t WHERE share = %d",
		       N_THREADS * N_ROWS);
	assert_int_equal(count_where(db, sql), 2);
}

/* Of many who add the same row one succeeds, and is told so. */
static void *add_same_rows(void *arg)
{
	struct adder *adder = arg;

	for (int i = 0; i < N_ROWS; i++) {
		char sql[80];
		const char *const statements[] = { sql, NULL };
		int32_t status;

		(void)snprintf(sql, sizeof(sql), "INSERT INTO t (name, share) VALUES ('%d', %d)", i,
			       adder->number);
		status = transact(adder->db, statements);
		if (status == PINTLE_OK)
			adder->n_won++;
		else if (status != PINTLE_CONFLICT)
			adder->n_faults++;
	}
	return NULL;
}

static void a_unique_key_has_one_winner(void **state)
{
	struct adder adders[N_THREADS];
	pthread_t threads[N_THREADS];

	join_all(threads, add_same_rows, adders, *state);
	assert_int_equal(db_test_count(*state), N_ROWS);
	for (int i = 0; i < N_THREADS; i++) {
		char sql[80];

		(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM t WHERE share = %d", i);
		assert_int_equal(count_where(*state, sql), adders[i].n_won);
	}
}

static int32_t expect_text(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	const struct pintle_value *expected = ctx;

	assert_int_equal(n_cols, 1);
	assert_int_equal(cols[0].type, PINTLE_V_TEXT);
	assert_int_equal(cols[0].len, expected->len);
	assert_memory_equal(cols[0].ptr, expected->ptr, expected->len + 1);
	return PINTLE_MORE;
}

/* Byte by byte: neither case nor accents make two texts one, and nothing is an escape. */
static void texts_stay_what_they_are(void **state)
{
	const struct db_under_test *db = *state;
	static const char *const texts[] = {
		"", "a", "A", "á", "张三", "🌾", "\\n", "100%_", "'; --",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (db_test_add(db, NULL, texts[i]) != PINTLE_OK)
			fail_msg("case %zu is not taken", i);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct pintle_value text = { PINTLE_V_TEXT, 0, 0, 0, texts[i], strlen(texts[i]) };
		const struct pintle_query query = {
			.size = sizeof(query),
			.sql = "SELECT name FROM t WHERE name = ?",
			.params = &text,
			.n_params = 1,
			.row = expect_text,
			.ctx = &text,
			.timeout_ms = DB_TEST_MS,
		};

		if (db->ops->query(db->self, NULL, &query) != PINTLE_MORE)
			fail_msg("case %zu is not found", i);
	}
	assert_int_equal(count_where(db, "SELECT count(*) FROM t WHERE name = '\\n'"), 1);
}

static int32_t check_long(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	const struct pintle_value *expected = ctx;

	assert_int_equal(n_cols, 2);
	assert_int_equal(cols[0].type, PINTLE_V_NULL);
	assert_int_equal(cols[1].len, expected->len);
	assert_memory_equal(cols[1].ptr, expected->ptr, expected->len);
	return PINTLE_OK;
}

static void keeps_long_bytes(void **state)
{
	const struct db_under_test *db = *state;
	size_t len = 1 << 20;
	unsigned char *bytes = malloc(len);
	struct pintle_value param;
	struct pintle_query query = {
		.size = sizeof(query),
		.sql = "INSERT INTO t (note) VALUES (?)",
		.params = &param,
		.n_params = 1,
		.timeout_ms = DB_TEST_MS,
	};

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
	param = PINTLE_P_BLOB((const char *)bytes, len);
	assert_int_equal(db->ops->query(db->self, NULL, &query), PINTLE_OK);
	query.sql = "SELECT name, note FROM t WHERE note = ?";
	query.row = check_long;
	query.ctx = &param;
	assert_int_equal(db->ops->query(db->self, NULL, &query), PINTLE_OK);
	free(bytes);
}

struct nesting {
	const struct db_under_test *db;
	struct pintle_tx *tx;
	int n_rows, depth;
};

/* Each row asks the same again, once. */
static int32_t ask_again(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct nesting *nesting = ctx;
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "SELECT name FROM t ORDER BY name",
		.row = ask_again,
		.ctx = nesting,
		.timeout_ms = DB_TEST_MS,
	};
	char before[8] = "";
	int32_t status = PINTLE_OK;

	assert_int_equal(n_cols, 1);
	nesting->n_rows++;
	(void)snprintf(before, sizeof(before), "%s", cols[0].ptr);
	if (nesting->depth == 0) {
		nesting->depth = 1;
		status = nesting->db->ops->query(nesting->db->self, nesting->tx, &query);
		nesting->depth = 0;
	}
	assert_string_equal(cols[0].ptr, before);
	return status;
}

static void a_row_may_ask_again(void **state)
{
	struct nesting nesting = { .db = *state, .depth = -1 };

	assert_int_equal(db_test_add(*state, NULL, "one"), PINTLE_OK);
	assert_int_equal(db_test_add(*state, NULL, "two"), PINTLE_OK);
	nesting.tx = begin(*state);
	nesting.depth = 0;
	{
		const struct pintle_value one = { PINTLE_V_TEXT, 0, 0, 0, "first", 5 };

		assert_int_equal(ask_again(&nesting, &one, 1), PINTLE_OK);
	}
	assert_int_equal(nesting.n_rows, 1 + 2);
	nesting.db->ops->rollback(nesting.db->self, nesting.tx);
}

static void a_late_commit_keeps_nothing(void **state)
{
	const struct db_under_test *db = *state;
	struct timespec pause = { .tv_nsec = 210 * 1000000 };
	struct pintle_tx *tx = NULL;

	assert_int_equal(db->ops->begin(db->self, 200, &tx), PINTLE_OK);
	assert_int_equal(db_test_add(db, tx, "late"), PINTLE_OK);
	while (nanosleep(&pause, &pause) != 0)
		;
	assert_int_equal(db->ops->commit(db->self, tx), PINTLE_TIMEOUT);
	assert_int_equal(db_test_count(db), 0);
}

static void named_lock_excludes(void **state)
{
	const struct db_under_test *db = *state;
	void *first = NULL, *second = NULL, *other = NULL;

	assert_int_equal(db->ops->lock(db->self, "steps", DB_TEST_MS, &first), PINTLE_OK);
	assert_int_equal(db->ops->lock(db->self, "steps", 1, &second), PINTLE_TIMEOUT);
	assert_int_equal(db->ops->lock(db->self, "other", DB_TEST_MS, &other), PINTLE_OK);
	db->ops->unlock(db->self, other);
	db->ops->unlock(db->self, first);
	assert_int_equal(db->ops->lock(db->self, "steps", DB_TEST_MS, &second), PINTLE_OK);
	db->ops->unlock(db->self, second);
}

#define ON_FRESH_TABLE(test)                                                                       \
	cmocka_unit_test_prestate_setup_teardown(test, fresh_table, NULL, state)

int db_contract_run(const struct db_under_test *db)
{
	void *state = (void *)(uintptr_t)db;
	const struct CMUnitTest tests[] = {
		ON_FRESH_TABLE(keeps_every_type),
		ON_FRESH_TABLE(counts_rows_and_ids),
		ON_FRESH_TABLE(refuses_a_second_of_a_kind),
		ON_FRESH_TABLE(commits_and_rolls_back),
		ON_FRESH_TABLE(goes_on_after_a_conflict),
		ON_FRESH_TABLE(refuses_what_is_no_single_statement),
		ON_FRESH_TABLE(row_ends_the_query),
		ON_FRESH_TABLE(a_row_may_ask_again),
		ON_FRESH_TABLE(texts_stay_what_they_are),
		ON_FRESH_TABLE(keeps_long_bytes),
		ON_FRESH_TABLE(ends_at_the_deadline),
		ON_FRESH_TABLE(a_late_commit_keeps_nothing),
		ON_FRESH_TABLE(many_threads_lose_nothing),
		ON_FRESH_TABLE(crossing_transactions_lose_no_update),
		ON_FRESH_TABLE(a_unique_key_has_one_winner),
		ON_FRESH_TABLE(named_lock_excludes),
	};

	return cmocka_run_group_tests_name("db contract", tests, NULL, NULL);
}
