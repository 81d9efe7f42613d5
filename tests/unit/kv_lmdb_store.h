/* SPDX-License-Identifier: Apache-2.0 */
/* A kv_lmdb in a folder of its own, for each test a fresh one. */
#ifndef KV_LMDB_STORE_H
#define KV_LMDB_STORE_H

#include "fake_host.h"
#include "kv_contract.h"

struct store {
	char *dir;
	struct fake_host *host;
	const struct pintle_plugin *plugin;
	struct kv_under_test kv;
};

/* Opens what is in dir. */
bool store_open(struct store *store, const char *max_size);
void store_close(struct store *store);
/* cmocka's setup and teardown. */
int store_setup(void **state);
int store_teardown(void **state);

#endif
