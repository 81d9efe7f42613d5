/* SPDX-License-Identifier: Apache-2.0 */
/* The fake must keep the contract too, or what is tested on it means nothing. */
#include "kv_contract.h"
#include "kv_memory.h"

static int64_t now_ms = 1000000;

static int64_t read_clock(void)
{
	return now_ms;
}

static void move_clock(int64_t ms)
{
	now_ms += ms;
}

static void turn(void *ctx, int wait_ms)
{
	(void)ctx, (void)wait_ms; /* answers and messages have arrived already */
}

int main(void)
{
	struct kv_under_test kv = {
		.ops = &kv_memory_ops,
		.self = kv_memory_new(read_clock),
		.move_clock = move_clock,
		.turn = turn,
	};
	int n_failed = kv_contract_run(&kv);

	kv_memory_free(kv.self);
	return n_failed;
}
