/* SPDX-License-Identifier: Apache-2.0 */
#include "kv_race.h"
#include "redis_store.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool open_own(void *ctx, struct kv_under_test *out)
{
	struct redis_store *store = ctx;
	bool ok = redis_store_open(store, NULL);

	*out = store->kv;
	return ok;
}

static void close_own(void *ctx)
{
	redis_store_close(ctx);
}

static void one_takes(void **state)
{
	const struct kv_race_store race = { open_own, close_own, *state };

	redis_store_close(*state);
	kv_race_take(&race);
}

static void one_adds(void **state)
{
	const struct kv_race_store race = { open_own, close_own, *state };

	redis_store_close(*state);
	kv_race_add(&race);
}

static void one_swaps(void **state)
{
	const struct kv_race_store race = { open_own, close_own, *state };

	redis_store_close(*state);
	kv_race_swap(&race);
}

static void limit_holds(void **state)
{
	const struct kv_race_store race = { open_own, close_own, *state };

	redis_store_close(*state);
	kv_race_limit(&race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ON_SERVER(name)                                                                            \
	cmocka_unit_test_setup_teardown(name, redis_store_setup, redis_store_teardown)
		ON_SERVER(one_takes),
		ON_SERVER(one_adds),
		ON_SERVER(one_swaps),
		ON_SERVER(limit_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
