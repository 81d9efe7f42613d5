/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_store.h"

#include <stdio.h>
#include <stdlib.h>

bool sqlite_store_open(struct sqlite_store *store, const char *checkpoint_pages)
{
	const char *const options[] = { "checkpoint_pages", checkpoint_pages, NULL };

	store->host = fake_host_new(store->dir);
	store->plugin = fake_plugin_load("db_sqlite");
	store->db.ops = store->plugin->db;
	store->db.self = fake_plugin_open(store->host, store->plugin, options);
	return store->db.self != NULL;
}

void sqlite_store_close(struct sqlite_store *store)
{
	store->plugin->close(store->db.self);
	fake_host_free(store->host);
	store->host = NULL;
}

int sqlite_store_setup(void **state)
{
	struct sqlite_store *store = calloc(1, sizeof(*store));

	store->dir = fake_dir_new();
	*state = store;
	return sqlite_store_open(store, NO_CHECKPOINT) ? 0 : -1;
}

int sqlite_store_teardown(void **state)
{
	struct sqlite_store *store = *state;

	if (store->host)
		sqlite_store_close(store);
	fake_dir_free(store->dir);
	free(store);
	return 0;
}

void sqlite_store_path(const struct sqlite_store *store, const char *name, char out[256])
{
	(void)snprintf(out, 256, "%s/%s", store->dir, name);
}
