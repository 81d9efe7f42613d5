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
	int64_t step_ms; /* what is waited for at once may take; 0: all the time that is left */
	_Atomic int n_posted; /* ops of kv_post that are not answered yet */
};

/* What a blocking op gave; value is in the arena and NUL-terminated. */
struct kv_result {
	const char *value;
	size_t value_len;
	int64_t number, ttl_ms;
};

/* An op of several, and what became of it. */
struct kv_op {
	struct pintle_kv_request request;
	int32_t status;
	struct kv_result result;
};

bool kv_is_inline(const struct kv *kv);
/* [loop], or [any] when inline. */
void kv_submit(const struct kv *kv, const struct pintle_kv_request *request, pintle_kv_done *done,
	       void *ctx);
/* [worker] Waits until deadline (monotonic ms), and step_ms at most. out may be NULL, and arena then. */
int32_t kv_do(const struct kv *kv, const struct pintle_kv_request *request, int64_t deadline_ms,
	      struct arena *arena, struct kv_result *out);
/*
 * [worker] Several ops for one hand-over to the loop and back, which costs more than most ops do. They
 * are begun in this order, each of them whatever becomes of those before it, and waited for together
 * as kv_do waits. OK, or the first fault among them; what is not answered in time has TIMEOUT. arena
 * may be NULL, values are lost then.
 */
int32_t kv_do_all(const struct kv *kv, struct kv_op *ops, size_t n_ops, int64_t deadline_ms,
		  struct arena *arena);
/* [worker] Begins an op whose end nobody waits for or hears of. */
void kv_post(struct kv *kv, const struct pintle_kv_request *request);
/* [any] Whether all that was posted has ended. */
bool kv_is_calm(const struct kv *kv);

/* Ops gathered by several modules for one kv_do_all. Zeroed but for the arena is empty. */
struct kv_list {
	struct arena *arena; /* for copies of what requests point to, and for what ops give */
	struct kv_op *ops;
	size_t n_ops, size;
};

void kv_list_add(struct kv_list *list, const struct pintle_kv_request *request);
/* [worker] Empty: OK. */
int32_t kv_do_list(const struct kv *kv, struct kv_list *list, int64_t deadline_ms);

/* The usual requests. A get and a take do not ask for the remaining life. */
struct pintle_kv_request kv_get(const char *key);
struct pintle_kv_request kv_set(const char *key, const void *value, size_t len, int64_t ttl_ms);
struct pintle_kv_request kv_add(const char *key, const void *value, size_t len, int64_t ttl_ms);
struct pintle_kv_request kv_take(const char *key);
struct pintle_kv_request kv_delete(const char *key);

#endif
