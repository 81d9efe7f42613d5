/* SPDX-License-Identifier: Apache-2.0 */
#include "kv_lmdb_store.h"
#include "kv_race.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool open_own(void *ctx, struct kv_under_test *out)
{
	struct store *store = ctx;
	bool ok = store_open(store, "64M");

	*out = store->kv;
	return ok;
}

static void close_own(void *ctx)
{
	store_close(ctx);
}

static void one_takes(void **state)
{
	const struct kv_race_store race = { open_own, close_own, *state };

	store_close(*state);
	kv_race_take(&race);
}

static void one_adds(void **state)
{
	const struct kv_race_store race = { open_own, close_own, *state };

	store_close(*state);
	kv_race_add(&race);
}

static void one_swaps(void **state)
{
	const struct kv_race_store race = { open_own, close_own, *state };

	store_close(*state);
	kv_race_swap(&race);
}

static void limit_holds(void **state)
{
	const struct kv_race_store race = { open_own, close_own, *state };

	store_close(*state);
	kv_race_limit(&race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_takes, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(one_adds, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(one_swaps, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(limit_holds, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
