/* SPDX-License-Identifier: Apache-2.0 */
/* A key-value driver in memory, for tests of what uses one. [any] It passes the kv contract. */
#ifndef KV_MEMORY_H
#define KV_MEMORY_H

#include <pintle/store.h>

struct kv_memory;

typedef int64_t kv_memory_clock(void);

/* now_ms: the wall clock that records expire by. */
struct kv_memory *kv_memory_new(kv_memory_clock *now_ms);
void kv_memory_free(struct kv_memory *memory);
extern const struct pintle_kv kv_memory_ops;
/* Every op answers this status until it is set back to PINTLE_OK. */
void kv_memory_fail(struct kv_memory *memory, int32_t status);

#endif
