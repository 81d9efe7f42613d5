/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "db_contract.h"
#include "fake_host.h"
#include "migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct store {
	char *dir;
	struct fake_host *host;
	const struct pintle_plugin *plugin;
	struct db db;
	struct db_under_test test;
};

static const struct pintle_migration steps[] = {
	{ "sqlite", 1, 0, "first",
	  "-- two tables; and a comment;\n"
	  "CREATE TABLE a (x TEXT DEFAULT 'semi;colon');\n"
	  "\n"
	  "CREATE TABLE b (\n\ty INTEGER -- not; here: ; either\n);\n" },
	{ "mysql", 1, 0, "first", "CREATE TABLE never (x INTEGER);\n" },
	{ "sqlite", 2, 0, "second", "INSERT INTO a (x) VALUES ('1'); \n-- the end\n" },
	{ "sqlite", 3, 0, "third", "INSERT INTO a (x) VALUES ('2')" },
};

static int setup(void **state)
{
	struct store *store = calloc(1, sizeof(*store));

	store->dir = fake_dir_new();
	store->host = fake_host_new(store->dir);
	store->plugin = fake_plugin_load("db_sqlite");
	store->db.ops = store->plugin->db;
	store->db.self = fake_plugin_open(store->host, store->plugin, NULL);
	store->test = (struct db_under_test){ store->db.ops, store->db.self };
	*state = store;
	return store->db.self ? 0 : -1;
}

static int teardown(void **state)
{
	struct store *store = *state;

	store->plugin->close(store->db.self);
	fake_host_free(store->host);
	fake_dir_free(store->dir);
	free(store);
	return 0;
}

static int64_t count(const struct store *store, const char *sql)
{
	int64_t number = -1;

	assert_int_equal(db_test_run(&store->test, NULL, sql, &number), PINTLE_OK);
	return number;
}

static size_t migrate(const struct store *store, const char *owner,
		      const struct pintle_migration *from, size_t n)
{
	struct err err = { "" };
	size_t n_applied = 99;

	if (!migrate_run(&store->db, owner, from, n, &n_applied, &err))
		fail_msg("%s", err.text);
	return n_applied;
}

static void refused(const struct store *store, const struct pintle_migration *from, size_t n,
		    const char *reason)
{
	struct err err = { "" };

	assert_false(migrate_run(&store->db, "core", from, n, NULL, &err));
	if (!strstr(err.text, reason))
		fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
}

static void applies_each_step_once(void **state)
{
	struct store *store = *state;

	assert_int_equal(migrate(store, "core", steps, 2), 1);
	assert_int_equal(migrate(store, "core", steps, 4), 2);
	assert_int_equal(migrate(store, "core", steps, 4), 0);
	assert_int_equal(count(store, "SELECT count(*) FROM a"), 2);
	assert_int_equal(count(store, "SELECT count(*) FROM b"), 0);
	assert_int_equal(count(store, "SELECT count(*) FROM schema_migrations"), 3);
}

static void owners_count_apart(void **state)
{
	static const struct pintle_migration other[] = {
		{ "sqlite", 1, 0, "own", "CREATE TABLE c (x INTEGER);\n" },
	};
	struct store *store = *state;

	assert_int_equal(migrate(store, "core", steps, 4), 3);
	assert_int_equal(migrate(store, "other", other, 1), 1);
	assert_int_equal(migrate(store, "none", NULL, 0), 0);
	assert_int_equal(migrate(store, "core", steps, 4), 0);
}

static void refuses_a_changed_step(void **state)
{
	struct store *store = *state;
	struct pintle_migration changed[4];

	assert_int_equal(migrate(store, "core", steps, 4), 3);
	memcpy(changed, steps, sizeof(steps));
	changed[2].sql = "INSERT INTO a (x) VALUES ('0');\n";
	refused(store, changed, 4, "step 2 (second) of core has changed");
	assert_int_equal(migrate(store, "core", steps, 4), 0);
}

static void refuses_a_step_it_does_not_know(void **state)
{
	struct store *store = *state;

	assert_int_equal(migrate(store, "core", steps, 4), 3);
	refused(store, steps, 3, "step 3 (third) of core was applied by a newer version");
}

static void refuses_a_gap_in_the_history(void **state)
{
	struct store *store = *state;

	assert_int_equal(migrate(store, "core", steps, 4), 3);
	(void)count(store, "DELETE FROM schema_migrations WHERE number = 2");
	refused(store, steps, 4, "step 2 of core is missing");
}

static void checks_without_a_change(void **state)
{
	struct store *store = *state;
	struct err err = { "" };

	assert_false(migrate_check(&store->db, "core", steps, 2, &err));
	assert_int_equal(count(store, "SELECT count(*) FROM sqlite_schema"), 0);
	assert_int_equal(migrate(store, "core", steps, 3), 2);
	if (!migrate_check(&store->db, "core", steps, 3, &err))
		fail_msg("%s", err.text);
	assert_false(migrate_check(&store->db, "core", steps, 4, &err));
	assert_string_equal(err.text, "database: step 3 (third) of core has not been applied");
	assert_false(migrate_check(&store->db, "core", steps, 2, &err));
	assert_non_null(strstr(err.text, "step 2 (second) of core was applied by a newer version"));
	assert_false(migrate_check(&store->db, "other", steps, 2, &err));
	assert_non_null(strstr(err.text, "step 1 (first) of other has not been applied"));
}

/* A step that fails half-way leaves nothing, and those before it stay. */
static void failing_step_leaves_nothing(void **state)
{
	struct store *store = *state;
	struct pintle_migration broken[3];

	memcpy(broken, steps, sizeof(broken));
	broken[2].sql = "INSERT INTO a (x) VALUES ('1');\nINSERT INTO nowhere VALUES (1);\n";
	refused(store, broken, 3, "step 2 (second) of core failed");
	assert_int_equal(count(store, "SELECT count(*) FROM a"), 0);
	assert_int_equal(count(store, "SELECT count(*) FROM schema_migrations"), 1);
	assert_false(db_is_inside());
	assert_int_equal(migrate(store, "core", steps, 4), 2);
}

static int32_t read_text(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)n_cols;
	(void)strncpy(ctx, cols[0].ptr, 7);
	return PINTLE_DENIED;
}

/* The front that the host uses. */
static void front_of_the_driver(void **state)
{
	struct store *store = *state;
	struct tx tx = { .db = &store->db, .deadline_ms = clock_mono_ms() + DB_TEST_MS };
	int64_t n_changed = -1, last_id = -1;
	char text[8] = "";

	assert_int_equal(migrate(store, "core", steps, 2), 1);
	assert_int_equal(db_first(&tx, "SELECT x FROM a", DB_NO_PARAMS, read_text, text),
			 PINTLE_NOT_FOUND);
	assert_int_equal(db_begin(&tx), PINTLE_OK);
	assert_true(db_is_inside());
	assert_int_equal(db_exec(&tx, "INSERT INTO a (x) VALUES (?)", DB_PARAMS(db_text("one")),
				 &n_changed, &last_id),
			 PINTLE_OK);
	assert_int_equal(n_changed, 1);
	assert_int_equal(last_id, 1);
	assert_int_equal(db_commit(&tx), PINTLE_OK);
	assert_false(db_is_inside());
	assert_int_equal(db_first(&tx, "SELECT x FROM a", DB_NO_PARAMS, NULL, NULL), PINTLE_OK);
	assert_int_equal(db_first(&tx, "SELECT x FROM a", DB_NO_PARAMS, read_text, text),
			 PINTLE_DENIED);
	assert_string_equal(text, "one");

	assert_int_equal(db_begin(&tx), PINTLE_OK);
	assert_int_equal(db_exec(&tx, "DELETE FROM a", DB_NO_PARAMS, NULL, NULL), PINTLE_OK);
	tx.deadline_ms = clock_mono_ms();
	assert_int_equal(db_exec(&tx, "DELETE FROM b", DB_NO_PARAMS, NULL, NULL), PINTLE_TIMEOUT);
	assert_int_equal(db_commit(&tx), PINTLE_TIMEOUT);
	assert_false(db_is_inside());
	assert_int_equal(db_begin(&tx), PINTLE_TIMEOUT);
	assert_int_equal(count(store, "SELECT count(*) FROM a"), 1);
	assert_int_equal(db_ping(&store->db, DB_TEST_MS), PINTLE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(applies_each_step_once, setup, teardown),
		cmocka_unit_test_setup_teardown(owners_count_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_changed_step, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_step_it_does_not_know, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_gap_in_the_history, setup, teardown),
		cmocka_unit_test_setup_teardown(checks_without_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(failing_step_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(front_of_the_driver, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
