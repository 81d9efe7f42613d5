/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key-value store as the host uses it: one asynchronous primitive of the driver, and the blocking
 * form made from it here. Keys of the host start with a letter and ':' (see the modules that own
 * them); a plugin instance's with "i:<name>:".
 */
#ifndef KV_H
#define KV_H

#include "arena.h"
#include "loop.h"

#include <pintle/store.h>
#include <stdbool.h>

struct kv {
	const struct pintle_kv *ops;
	void *self;
	struct loop *loop;
	int64_t step_ms; /* one blocking op may take; 0: all the time that is left */
};

/* What a blocking op gave; value is in the arena and NUL-terminated. */
struct kv_result {
	const char *value;
	size_t value_len;
	int64_t number, ttl_ms;
};

bool kv_is_inline(const struct kv *kv);
/* [loop], or [any] when inline. */
void kv_submit(const struct kv *kv, const struct pintle_kv_request *request, pintle_kv_done *done,
	       void *ctx);
/* [worker] Waits until deadline (monotonic ms), and step_ms at most. out may be NULL. */
int32_t kv_do(const struct kv *kv, const struct pintle_kv_request *request, int64_t deadline_ms,
	      struct arena *arena, struct kv_result *out);

/* The usual requests. A get does not ask for the remaining life. */
struct pintle_kv_request kv_get(const char *key);
struct pintle_kv_request kv_set(const char *key, const void *value, size_t len, int64_t ttl_ms);
struct pintle_kv_request kv_add(const char *key, const void *value, size_t len, int64_t ttl_ms);
struct pintle_kv_request kv_take(const char *key);
struct pintle_kv_request kv_delete(const char *key);

#endif
