/* SPDX-License-Identifier: Apache-2.0 */
#include "probed_store.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const secrets[] = { "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", NULL };

void probed_store_open(struct probed_store *store)
{
	struct err err;

	*store = (struct probed_store){ .memory = kv_memory_new(clock_now_ms) };
	clock_set_shift(&store->shift_ms);
	kv_probe_init(&store->probe, &(struct kv){ .ops = &kv_memory_ops, .self = store->memory },
		      &store->kv);
	store->seal = seal_new(secrets, NULL, &err);
	assert_non_null(store->seal);
}

void probed_store_close(struct probed_store *store)
{
	kv_memory_free(store->memory);
	seal_free(store->seal);
	arena_fini(&store->arena);
}
