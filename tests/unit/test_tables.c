/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_host.h"
#include "migrate.h"
#include "tables.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define SHOWN_MAX 1024

/* Every table as "name(column,column*,…)", the key with a star. */
static void show(const struct tables *tables, char out[SHOWN_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < tables->n_items; i++) {
		const struct table *table = &tables->items[i];

		len += (size_t)snprintf(out + len, SHOWN_MAX - len, "%s%s(", i ? " " : "",
					table->name);
		for (size_t j = 0; j < table->n_columns; j++)
			len += (size_t)snprintf(out + len, SHOWN_MAX - len, "%s%s%s", j ? "," : "",
						table->columns[j], table->key == j ? "*" : "");
		len += (size_t)snprintf(out + len, SHOWN_MAX - len, ")");
	}
}

static bool read_text(struct tables *tables, const char *sql, struct err *err)
{
	const struct pintle_migration step = { "any", 1, 0, "one", sql };

	*tables = (struct tables){ 0 };
	return tables_add(tables, "test", &step, 1, "any", err);
}

static void reads_tables_and_columns(void **state)
{
	static const struct {
		const char *sql, *shown;
	} cases[] = {
		{ "", "" },
		{ "-- CREATE TABLE a (b INT);\n/* CREATE TABLE a (b INT); */", "" },
		{ "CREATE TABLE a (b INT)", "a(b)" },
		{ "create table a (b INTEGER PRIMARY KEY AUTOINCREMENT, c TEXT);", "a(b*,c)" },
		{ "CREATE TABLE IF NOT EXISTS a (b INT, c DECIMAL(9, 2) NOT NULL, d INT)",
		  "a(b,c,d)" },
		{ "CREATE TABLE a (b INT, c INT, PRIMARY KEY (c))", "a(b,c*)" },
		{ "CREATE TABLE a (b INT, c INT, CONSTRAINT k PRIMARY KEY (b))", "a(b*,c)" },
		{ "CREATE TABLE a (b INT, c INT, PRIMARY KEY (b, c))", "a(b,c)" },
		{ "CREATE TABLE a (b INT, UNIQUE (b), KEY k (b), CHECK (b > 0), FOREIGN KEY (b) "
		  "REFERENCES x (y))",
		  "a(b)" },
		{ "CREATE TABLE a (\n\tb INT, -- one, (two);\n\tc TEXT DEFAULT 'x, (PRIMARY);'\n)",
		  "a(b,c)" },
		{ "CREATE TABLE `a` (`b` INT, \"c\" INT) ENGINE = InnoDB COMMENT 'it''s; so';",
		  "a(b,c)" },
		{ "CREATE TABLE a (b INT); CREATE TABLE c (d INT);", "a(b) c(d)" },
		{ "CREATE TABLE a (b INT); ALTER TABLE a ADD COLUMN c INT; ALTER TABLE a ADD d "
		  "VARCHAR(9) DEFAULT ','",
		  "a(b,c,d)" },
		{ "CREATE TABLE a (b INT); ALTER TABLE a ADD UNIQUE (b);", "a(b)" },
		{ "CREATE UNIQUE INDEX i ON a (b); CREATE INDEX j ON a (b); DROP INDEX j;", "" },
		{ "CREATE VIEW v AS SELECT b, c FROM a WHERE b = ';';CREATE TABLE a (b INT)",
		  "a(b)" },
		{ "INSERT INTO a (b) VALUES (1); UPDATE a SET b = 2; DELETE FROM a;;", "" },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct tables tables;
		struct err err = { "" };
		char shown[SHOWN_MAX];

		if (!read_text(&tables, cases[i].sql, &err))
			fail_msg("case %zu: %s", i, err.text);
		show(&tables, shown);
		if (strcmp(shown, cases[i].shown) != 0)
			fail_msg("case %zu: \"%s\", wanted \"%s\"", i, shown, cases[i].shown);
		tables_fini(&tables);
	}
}

static void refuses_what_it_does_not_understand(void **state)
{
	static const char *const cases[] = {
		"DROP TABLE a",
		"CREATE TABLE a AS SELECT 1",
		"CREATE TABLE a",
		"CREATE TABLE a (b INT",
		"CREATE TABLE a (b INT;",
		"CREATE TABLE a (b INT,)",
		"CREATE TABLE IF a (b INT)",
		"CREATE TEMPORARY TABLE a (b INT)",
		"CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; END",
		"ALTER TABLE a ADD COLUMN b INT",
		"CREATE TABLE a (b INT); ALTER TABLE a RENAME TO c",
		"CREATE TABLE a (b INT); ALTER TABLE a DROP COLUMN b",
		"CREATE TABLE a (b INT); ALTER TABLE a ADD COLUMN c INT, ADD COLUMN d INT",
		"RENAME TABLE a TO b",
		"nonsense",
		"(",
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct tables tables;
		struct err err = { "" };

		if (read_text(&tables, cases[i], &err))
			fail_msg("\"%s\" is taken", cases[i]);
		if (strncmp(err.text, "step 1 (one) of test does", 25) != 0)
			fail_msg("\"%s\": %s", cases[i], err.text);
		tables_fini(&tables);
	}
}

static void takes_the_steps_of_one_dialect(void **state)
{
	static const struct pintle_migration steps[] = {
		{ "this", 1, 0, "one", "CREATE TABLE a (b INT)" },
		{ "that", 1, 0, "one", "CREATE TABLE c (b INT)" },
		{ "this", 2, 0, "two", "ALTER TABLE a ADD COLUMN d INT" },
	};
	struct tables tables = { 0 };
	struct err err;
	char shown[SHOWN_MAX];

	(void)state;
	assert_true(tables_add(&tables, "test", steps, N(steps), "this", &err));
	show(&tables, shown);
	assert_string_equal(shown, "a(b,d)");
	assert_ptr_equal(tables_find(&tables, "a"), &tables.items[0]);
	assert_null(tables_find(&tables, "c"));
	tables_fini(&tables);
}

static void tells_dialects_that_differ(void **state)
{
	static const struct {
		const char *a, *b, *why;
	} cases[] = {
		{ "CREATE TABLE a (b INT, c INT)", "CREATE TABLE a (c TEXT, b TEXT)", NULL },
		{ "CREATE TABLE a (b INT, c INT)", "CREATE TABLE a (b INT)", "column c in one" },
		{ "CREATE TABLE a (b INT)", "CREATE TABLE a (b INT, c INT)", "column c in one" },
		{ "CREATE TABLE a (b INT)", "", "table a of test" },
		{ "", "CREATE TABLE a (b INT)", "table a of test" },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct tables a, b;
		struct err err = { "" };

		assert_true(read_text(&a, cases[i].a, &err));
		assert_true(read_text(&b, cases[i].b, &err));
		if (tables_same(&a, &b, &err) != !cases[i].why ||
		    (cases[i].why && !strstr(err.text, cases[i].why)))
			fail_msg("case %zu: \"%s\"", i, err.text);
		tables_fini(&a);
		tables_fini(&b);
	}
}

/* ---- The schemas that there are ---- */

static void check_schema(const char *owner, const struct pintle_migration *steps, size_t n_steps)
{
	struct tables sqlite = { 0 }, mysql = { 0 };
	struct err err = { "" };

	if (!tables_add(&sqlite, owner, steps, n_steps, "sqlite", &err) ||
	    !tables_add(&mysql, owner, steps, n_steps, "mysql", &err) ||
	    !tables_same(&sqlite, &mysql, &err))
		fail_msg("%s: %s", owner, err.text);
	for (size_t i = 0; i < sqlite.n_items; i++) {
		const struct table *one = &sqlite.items[i], *other = tables_find(&mysql, one->name);

		if (one->key == SIZE_MAX || other->key == SIZE_MAX ||
		    strcmp(one->columns[one->key], other->columns[other->key]) != 0)
			fail_msg("%s: table %s has not one column as its primary key", owner,
				 one->name);
	}
	tables_fini(&sqlite);
	tables_fini(&mysql);
}

static void both_dialects_of_the_core_are_one(void **state)
{
	struct tables tables = { 0 };
	struct err err;

	(void)state;
	check_schema("core", migrate_core, migrate_n_core);
	assert_true(tables_add(&tables, "core", migrate_core, migrate_n_core, "sqlite", &err));
	assert_int_equal(tables_find(&tables, "users")->n_columns, 35);
	assert_string_equal(tables.items[0].name, "users");
	tables_fini(&tables);
}

static void both_dialects_of_each_plugin_are_one(void **state)
{
	glob_t found;
	size_t n = 0;

	(void)state;
	assert_int_equal(glob(BUILD_DIR "/plugins/*.so", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *base = strrchr(found.gl_pathv[i], '/') + 1;
		const struct pintle_plugin *plugin;
		char name[64];

		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, "."), base);
		plugin = fake_plugin_load(name);
		check_schema(name, plugin->migrations, plugin->n_migrations);
		n += plugin->n_migrations;
	}
	assert_true(n > 0);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_tables_and_columns),
		cmocka_unit_test(refuses_what_it_does_not_understand),
		cmocka_unit_test(takes_the_steps_of_one_dialect),
		cmocka_unit_test(tells_dialects_that_differ),
		cmocka_unit_test(both_dialects_of_the_core_are_one),
		cmocka_unit_test(both_dialects_of_each_plugin_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
