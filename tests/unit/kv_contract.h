/* SPDX-License-Identifier: Apache-2.0 */
/* What every key-value driver must do, and the short forms its tests are written in. */
#ifndef KV_CONTRACT_H
#define KV_CONTRACT_H

#include <pintle/store.h>

struct kv_under_test {
	const struct pintle_kv *ops;
	void *self;
	/* Moves the clock that records expire by; NULL: nobody can, and what needs it is left out. */
	void (*move_clock)(int64_t ms);
	/* Runs what is ready on the loop; waits up to wait_ms for the first. */
	void (*turn)(void *ctx, int wait_ms);
	void *ctx;
};

struct kv_test_answer {
	int32_t status;
	char value[64]; /* the start of it */
	size_t value_len;
	int64_t number, ttl_ms;
	int n_done; /* how often it was answered */
};

/* One op under way, and the turns of the loop until it is answered. The request is lent until ask
 * returns; out must live until the answer has come. */
void kv_test_ask(const struct kv_under_test *kv, const struct pintle_kv_request *request,
		 struct kv_test_answer *out);
void kv_test_await(const struct kv_under_test *kv, const struct kv_test_answer *out);

struct kv_test_answer kv_test_run(const struct kv_under_test *kv,
				  const struct pintle_kv_request *request);
/* value and expect may be NULL. */
struct kv_test_answer kv_test_op(const struct kv_under_test *kv, int32_t op, const char *key,
				 const char *value, const char *expect, int64_t ttl_ms);
struct kv_test_answer kv_test_incr(const struct kv_under_test *kv, const char *key, int64_t delta);
struct kv_test_answer kv_test_limit(const struct kv_under_test *kv,
				    const struct pintle_kv_limit *limits, size_t n_limits);

/* Runs the suite on an empty store; the number of tests that failed. */
int kv_contract_run(const struct kv_under_test *kv);

#endif
