/* SPDX-License-Identifier: Apache-2.0 */
/* What every SQL driver must do, and the short forms its tests are written in. */
#ifndef DB_CONTRACT_H
#define DB_CONTRACT_H

#include <pintle/store.h>

struct db_under_test {
	const struct pintle_db *ops;
	void *self;
};

#define DB_TEST_MS 5000

/* One statement; count_out gets the number in its first column, may be NULL. */
int32_t db_test_run(const struct db_under_test *db, struct pintle_tx *tx, const char *sql,
		    int64_t *count_out);
/* Adds one row with this name to table t; NULL tx: on its own. */
int32_t db_test_add(const struct db_under_test *db, struct pintle_tx *tx, const char *name);
int64_t db_test_count(const struct db_under_test *db);
/* Makes the table t (id, name unique, note). */
void db_test_make_table(const struct db_under_test *db);

/* Runs the suite on an empty database; the number of tests that failed. */
int db_contract_run(const struct db_under_test *db);

#endif
