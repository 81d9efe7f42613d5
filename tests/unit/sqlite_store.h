/* SPDX-License-Identifier: Apache-2.0 */
/* A database of db_sqlite in a folder of its own. */
#ifndef SQLITE_STORE_H
#define SQLITE_STORE_H

#include "db_contract.h"
#include "fake_host.h"

#include <stdbool.h>

#define NO_CHECKPOINT "1000000"

struct sqlite_store {
	char *dir;
	struct fake_host *host;
	const struct pintle_plugin *plugin;
	struct db_under_test db;
};

bool sqlite_store_open(struct sqlite_store *store, const char *checkpoint_pages);
void sqlite_store_close(struct sqlite_store *store);
/* Setup and teardown of cmocka; *state is a struct sqlite_store without checkpoints. */
int sqlite_store_setup(void **state);
int sqlite_store_teardown(void **state);
/* The path of a file in its folder. */
void sqlite_store_path(const struct sqlite_store *store, const char *name, char out[256]);

#endif
