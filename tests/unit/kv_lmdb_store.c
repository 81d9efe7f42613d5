/* SPDX-License-Identifier: Apache-2.0 */
#include "kv_lmdb_store.h"

#include <stdlib.h>

static void turn(void *ctx, int wait_ms)
{
	(void)fake_host_poll(ctx, wait_ms);
}

bool store_open(struct store *store, const char *max_size)
{
	const char *const options[] = { "max_size", max_size, NULL };

	store->host = fake_host_new(store->dir);
	store->plugin = fake_plugin_load("kv_lmdb");
	store->kv = (struct kv_under_test){
		.ops = store->plugin->kv,
		.self = fake_plugin_open(store->host, store->plugin, options),
		.move_clock = fake_clock_move,
		.turn = turn,
		.ctx = store->host,
	};
	return store->kv.self != NULL;
}

void store_close(struct store *store)
{
	store->plugin->close(store->kv.self);
	fake_host_free(store->host);
	store->host = NULL;
}

int store_setup(void **state)
{
	struct store *store = calloc(1, sizeof(*store));

	store->dir = fake_dir_new();
	*state = store;
	return store_open(store, "64M") ? 0 : -1;
}

int store_teardown(void **state)
{
	struct store *store = *state;

	if (store->host)
		store_close(store);
	fake_dir_free(store->dir);
	free(store);
	return 0;
}
