/* SPDX-License-Identifier: Apache-2.0 */
/* Eight processes want the same key of a store at the same moment. */
#ifndef KV_RACE_H
#define KV_RACE_H

#include "kv_contract.h"

#include <stdbool.h>

/* How a process opens the store for itself, and closes it. */
struct kv_race_store {
	bool (*open)(void *ctx, struct kv_under_test *out);
	void (*close)(void *ctx);
	void *ctx;
};

/* Exactly as many win each of a hundred rounds as may; the store is empty and not open. */
void kv_race_take(const struct kv_race_store *store);
void kv_race_add(const struct kv_race_store *store);
void kv_race_swap(const struct kv_race_store *store);
void kv_race_limit(const struct kv_race_store *store);

#endif
