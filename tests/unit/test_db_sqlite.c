/* SPDX-License-Identifier: Apache-2.0 */
/* The contract, time-outs, and files that are not what they should be. */
#include "sqlite_store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void begin_times_out_while_held(void **state)
{
	struct sqlite_store *store = *state;
	const struct db_under_test *db = &store->db;
	struct pintle_tx *held, *other = NULL;

	assert_int_equal(db->ops->begin(db->self, DB_TEST_MS, &held), PINTLE_OK);
	assert_int_equal(db->ops->begin(db->self, 20, &other), PINTLE_TIMEOUT);
	assert_null(other);
	db->ops->rollback(db->self, held);
	assert_int_equal(db->ops->begin(db->self, DB_TEST_MS, &other), PINTLE_OK);
	db->ops->rollback(db->self, other);
}

static void late_commit_keeps_nothing(void **state)
{
	struct sqlite_store *store = *state;
	const struct db_under_test *db = &store->db;
	struct pintle_tx *tx;

	db_test_make_table(db);
	assert_int_equal(db->ops->begin(db->self, 1, &tx), PINTLE_OK);
	assert_int_equal(db_test_add(db, tx, "late"), PINTLE_OK);
	for (int64_t until = fake_host_table(store->host)->mono_ms() + 2;
	     fake_host_table(store->host)->mono_ms() < until;)
		;
	assert_int_equal(db->ops->commit(db->self, tx), PINTLE_TIMEOUT);
	assert_int_equal(db_test_count(db), 0);
}

static void write_file(const struct sqlite_store *store, const char *name, const void *bytes,
		       size_t len)
{
	char path[256];
	int fd;

	sqlite_store_path(store, name, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), len);
	close(fd);
}

static void refuses_what_is_no_database(void **state)
{
	struct sqlite_store *store = *state;

	sqlite_store_close(store);
	write_file(store, "pintle.db", "once upon a time there was", 26);
	assert_false(sqlite_store_open(store, NO_CHECKPOINT));
	assert_non_null(strstr(fake_host_reason(store->host), "is not an SQLite database"));
}

/* The head is right and the rest is not: found at first use, said once, never a crash. */
static void refuses_a_broken_database(void **state)
{
	struct sqlite_store *store = *state;
	unsigned char junk[4096];

	db_test_make_table(&store->db);
	sqlite_store_close(store);
	memset(junk, 0xa5, sizeof(junk));
	memcpy(junk, "SQLite format 3", 16);
	write_file(store, "pintle.db", junk, sizeof(junk));
	write_file(store, "pintle.db-wal", junk, sizeof(junk));
	assert_true(sqlite_store_open(store, NO_CHECKPOINT));
	assert_int_equal(store->db.ops->ping(store->db.self, DB_TEST_MS), PINTLE_UNAVAILABLE);
	assert_int_equal(db_test_add(&store->db, NULL, "x"), PINTLE_UNAVAILABLE);
	assert_int_equal(fake_host_logged(store->host, PINTLE_LOG_ERROR), 1);
}

static void refuses_a_link(void **state)
{
	struct sqlite_store *store = *state;
	char path[256];

	sqlite_store_close(store);
	sqlite_store_path(store, "pintle.db", path);
	assert_int_equal(symlink("elsewhere.db", path), 0);
	assert_false(sqlite_store_open(store, NO_CHECKPOINT));
	assert_non_null(strstr(fake_host_reason(store->host), "symbolic link"));
	assert_int_equal(unlink(path), 0);
	fake_host_free(store->host);
	assert_true(sqlite_store_open(store, NO_CHECKPOINT));
	assert_int_equal(store->db.ops->ping(store->db.self, DB_TEST_MS), PINTLE_OK);
}

static void file_is_private_and_noticed_when_replaced(void **state)
{
	struct sqlite_store *store = *state;
	char path[256];
	struct stat st;

	sqlite_store_path(store, "pintle.db", path);
	assert_int_equal(store->db.ops->ping(store->db.self, DB_TEST_MS), PINTLE_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store->db.ops->ping(store->db.self, DB_TEST_MS), PINTLE_UNAVAILABLE);
}

static void foreign_keys_hold(void **state)
{
	struct sqlite_store *store = *state;
	const struct db_under_test *db = &store->db;

	db_test_make_table(db);
	assert_int_equal(
		db_test_run(db, NULL, "CREATE TABLE c (t_id INTEGER REFERENCES t (id))", NULL),
		PINTLE_OK);
	assert_int_equal(db_test_run(db, NULL, "INSERT INTO c VALUES (1)", NULL), PINTLE_INTERNAL);
	assert_int_equal(db_test_add(db, NULL, "one"), PINTLE_OK);
	assert_int_equal(db_test_run(db, NULL, "INSERT INTO c VALUES (1)", NULL), PINTLE_OK);
}

#define WITH_STORE(test)                                                                           \
	cmocka_unit_test_setup_teardown(test, sqlite_store_setup, sqlite_store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(begin_times_out_while_held),
		WITH_STORE(late_commit_keeps_nothing),
		WITH_STORE(refuses_what_is_no_database),
		WITH_STORE(refuses_a_broken_database),
		WITH_STORE(refuses_a_link),
		WITH_STORE(file_is_private_and_noticed_when_replaced),
		WITH_STORE(foreign_keys_hold),
	};
	struct sqlite_store store = { .dir = fake_dir_new() };
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (!sqlite_store_open(&store, NO_CHECKPOINT))
		return 1;
	n_failed += db_contract_run(&store.db);
	sqlite_store_close(&store);
	fake_dir_free(store.dir);
	return n_failed;
}
