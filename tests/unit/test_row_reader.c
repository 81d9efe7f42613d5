/* SPDX-License-Identifier: Apache-2.0 */
#include "row_reader.h"

#include "sqlite_store.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct table table = {
	.owner = "test", .name = "t", .columns = { "a", "id", "b" }, .n_columns = 3, .key = 1
};

static const char *select_sql(void)
{
	static char sql[256];
	struct arena arena = { 0 };

	(void)snprintf(sql, sizeof(sql), "%s", row_select_sql(&arena, &table));
	arena_fini(&arena);
	return sql;
}

static void run(const struct sqlite_store *store, const char *sql)
{
	if (db_test_run(&store->db, NULL, sql, NULL) != PINTLE_OK)
		fail_msg("%s", sql);
}

static void begin(struct row_reader *reader, struct db *db, const struct sqlite_store *store,
		  int64_t after, int64_t last)
{
	*db = (struct db){ store->db.ops, store->db.self };
	row_reader_init(reader, db, &table, select_sql(), after, last);
}

/* All to the end, in order from first; what they come to. */
static void read_all(const struct sqlite_store *store, int64_t after, int64_t last, int64_t first,
		     int64_t n, char checksum[ROW_CHECKSUM_LEN + 1])
{
	const struct pintle_value *row;
	struct row_reader reader;
	struct db db;

	begin(&reader, &db, store, after, last);
	for (int64_t id = first;; id++) {
		assert_int_equal(row_reader_next(&reader, &row), PINTLE_OK);
		if (!row)
			break;
		assert_int_equal(row[1].num, id);
	}
	assert_int_equal(reader.n_given, n);
	row_reader_checksum(&reader, checksum);
	row_reader_fini(&reader);
}

static void reads_in_order_over_many_batches(void **state)
{
	const struct sqlite_store *store = *state;
	char all[ROW_CHECKSUM_LEN + 1], part[ROW_CHECKSUM_LEN + 1], none[ROW_CHECKSUM_LEN + 1];

	run(store, "CREATE TABLE t (a TEXT, id INTEGER PRIMARY KEY, b REAL)");
	run(store, "INSERT INTO t (a, id) WITH RECURSIVE n (i) AS (SELECT 1201 UNION ALL "
		   "SELECT i - 1 FROM n WHERE i > -3) SELECT 'x' || i, i FROM n");
	read_all(store, INT64_MIN, INT64_MAX, -3, 1205, all);
	read_all(store, 0, 2 * ROW_BATCH, 1, (int64_t)2 * ROW_BATCH, part);
	read_all(store, 1201, INT64_MAX, 0, 0, none);
	assert_string_not_equal(all, part);
	assert_string_equal(none,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Two tables of other values never come to the same. */
static void tells_every_two_values_apart(void **state)
{
	static const char *const rows[] = {
		"(NULL, 1, NULL)",
		"('', 1, NULL)",
		"(NULL, 1, '')",
		"(x'', 1, NULL)",
		"('1', 1, NULL)",
		"(1, 1, NULL)",
		"(1.0, 1, NULL)",
		"(x'31', 1, NULL)",
		"('ab', 1, 'c')",
		"('a', 1, 'bc')",
		"('农🌾', 1, 'c')",
		"(-1, 1, NULL)",
		"(-1.5, 1, NULL)",
		"(256, 1, NULL)",
		"(1, 2, NULL)",
		"(NULL, 1, NULL)",
		"('1', 1, NULL), (1, 2, 1)",
	};
	const struct sqlite_store *store = *state;
	char sums[N(rows)][ROW_CHECKSUM_LEN + 1], sql[256];

	run(store, "CREATE TABLE t (a BLOB, id INTEGER PRIMARY KEY, b BLOB)");
	for (size_t i = 0; i < N(rows); i++) {
		struct row_reader reader;
		const struct pintle_value *row;
		struct db db;

		run(store, "DELETE FROM t");
		(void)snprintf(sql, sizeof(sql), "INSERT INTO t VALUES %s", rows[i]);
		run(store, sql);
		begin(&reader, &db, store, INT64_MIN, INT64_MAX);
		do
			assert_int_equal(row_reader_next(&reader, &row), PINTLE_OK);
		while (row);
		row_reader_checksum(&reader, sums[i]);
		row_reader_fini(&reader);
	}
	for (size_t i = 0; i < N(rows); i++) {
		for (size_t j = 0; j < i; j++) {
			bool is_same = strcmp(rows[i], rows[j]) == 0;

			if ((strcmp(sums[i], sums[j]) == 0) != is_same)
				fail_msg("%s and %s: %s", rows[i], rows[j], sums[i]);
		}
	}
}

static void a_value_is_the_same_to_the_bit(void **state)
{
	const struct pintle_value values[] = {
		PINTLE_P_NULL,
		PINTLE_P_INT(0),
		PINTLE_P_INT(1),
		{ .type = PINTLE_V_REAL, .real = 0.0 },
		{ .type = PINTLE_V_REAL, .real = -0.0 },
		{ .type = PINTLE_V_REAL, .real = 1.0 },
		{ .type = PINTLE_V_TEXT, .ptr = NULL, .len = 0 },
		{ .type = PINTLE_V_TEXT, .ptr = "a", .len = 1 },
		{ .type = PINTLE_V_TEXT, .ptr = "a\0b", .len = 3 },
		PINTLE_P_BLOB("a", 1),
		PINTLE_P_BLOB("b", 1),
	};

	(void)state;
	for (size_t i = 0; i < N(values); i++) {
		for (size_t j = 0; j < N(values); j++) {
			if (row_value_same(&values[i], &values[j]) != (i == j))
				fail_msg("values %zu and %zu", i, j);
		}
	}
}

/* Such a row has no place in the order, and nothing is said to be whole without it. */
static void a_key_that_is_no_number_is_a_fault(void **state)
{
	const struct sqlite_store *store = *state;
	struct row_reader reader;
	struct db db;

	run(store, "CREATE TABLE t (a TEXT, id REAL PRIMARY KEY, b REAL)");
	run(store, "INSERT INTO t (id) VALUES (1)");
	begin(&reader, &db, store, INT64_MIN, INT64_MAX);
	assert_int_equal(row_reader_batch(&reader), PINTLE_INTERNAL);
	row_reader_fini(&reader);
}

#define WITH_STORE(test)                                                                           \
	cmocka_unit_test_setup_teardown(test, sqlite_store_setup, sqlite_store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(reads_in_order_over_many_batches),
		WITH_STORE(tells_every_two_values_apart),
		cmocka_unit_test(a_value_is_the_same_to_the_bit),
		WITH_STORE(a_key_that_is_no_number_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
