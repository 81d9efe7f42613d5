/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_store.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MINUTE_MS 60000
#define PATIENCE_MS 20000
#define TURN_MS 20

static struct redis_server *clock_of; /* move_clock knows no context */

static void move_clock(int64_t ms)
{
	redis_server_pass_time(clock_of, ms);
}

static void turn(void *ctx, int wait_ms)
{
	fake_host_turn(ctx, wait_ms);
}

bool redis_store_open(struct redis_store *store, const char *const *options)
{
	const char *all[32] = { NULL };
	size_t n = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	for (; options && options[n]; n++)
		all[n] = options[n];
	all[n] = "host"; /* the first of a name counts */
	all[n + 1] = store->server.address;
	clock_of = &store->server;
	store->host = fake_host_new("/nowhere");
	store->plugin = fake_plugin_load("kv_redis");
	store->kv = (struct kv_under_test){
		.ops = store->plugin->kv,
		.self = fake_plugin_open(store->host, store->plugin, all),
		.move_clock = move_clock,
		.turn = turn,
		.ctx = store->host,
	};
	return store->kv.self != NULL;
}

void redis_store_close(struct redis_store *store)
{
	if (store->kv.self)
		store->plugin->close(store->kv.self);
	fake_host_free(store->host);
	store->host = NULL;
}

int redis_store_setup(void **state)
{
	struct redis_store *store = calloc(1, sizeof(*store));

	*state = store;
	redis_server_start(&store->server, "--repl-diskless-sync-delay 0");
	return redis_store_open(store, NULL) ? 0 : -1;
}

int redis_store_teardown(void **state)
{
	struct redis_store *store = *state;

	if (store->host)
		redis_store_close(store);
	redis_server_fini(&store->server);
	redis_server_fini(&store->other);
	free(store);
	return 0;
}

struct kv_test_answer redis_store_op(struct redis_store *store, int32_t op, const char *key,
				     const char *value)
{
	return kv_test_op(&store->kv, op, key, value, NULL, MINUTE_MS);
}

static int64_t mono_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void redis_store_recover(struct redis_store *store)
{
	int64_t until_ms = mono_ms() + PATIENCE_MS;

	while (redis_store_op(store, PINTLE_KV_SET, "recover", "v").status != PINTLE_OK &&
	       mono_ms() < until_ms)
		fake_host_turn(store->host, TURN_MS);
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "recover", "v").status, PINTLE_OK);
}

void redis_store_hear(struct redis_store *store, const char *text)
{
	int64_t until_ms = mono_ms() + PATIENCE_MS;

	while (!strstr(fake_host_last_line(store->host), text) && mono_ms() < until_ms)
		fake_host_turn(store->host, TURN_MS);
	if (!strstr(fake_host_last_line(store->host), text))
		fail_msg("the last line is \"%s\", without \"%s\"",
			 fake_host_last_line(store->host), text);
}
