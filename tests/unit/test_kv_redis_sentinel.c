/* SPDX-License-Identifier: Apache-2.0 */
/* A master, a replica and three Sentinels, all real. */
#include "redis_store.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_SENTINELS 3
#define PATIENT_TURNS 1500
#define TURN_MS 20
#define OPTIONS "--repl-diskless-sync-delay 0"

struct fixture {
	struct redis_store store; /* first: whom its setup and teardown are for; server and other */
	struct redis_server sentinels[N_SENTINELS];
	char list[128];
};

static void start_sentinel(struct fixture *fixture, struct redis_server *sentinel)
{
	char path[256];
	FILE *file;

	sentinel->dir = fake_dir_new();
	(void)snprintf(path, sizeof(path), "%s/redis.conf", sentinel->dir);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fprintf(file,
			    "sentinel monitor m 127.0.0.1 %d 2\n"
			    "sentinel down-after-milliseconds m 500\n"
			    "sentinel failover-timeout m 2000\n",
			    fixture->store.server.port) > 0);
	assert_int_equal(fclose(file), 0);
	redis_server_start(sentinel, "--sentinel");
	(void)snprintf(fixture->list + strlen(fixture->list),
		       sizeof(fixture->list) - strlen(fixture->list), "%s%s",
		       *fixture->list ? "," : "", sentinel->address);
}

static void open_store(struct fixture *fixture, const char *list)
{
	const char *const options[] = { "sentinel",        list,    "master", "m",
					"command_timeout", "500ms", NULL };

	assert_true(redis_store_open(&fixture->store, options));
}

static long long number_in(struct redis_server *server, const char *field)
{
	redisReply *reply = redis_server_do(server, "SENTINEL MASTER m");
	long long number = -1;

	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		if (strcmp(reply->element[i]->str, field) == 0)
			number = strtoll(reply->element[i + 1]->str, NULL, 10);
	}
	freeReplyObject(reply);
	return number;
}

/* Until every Sentinel knows the replica and the others: then they can act. */
static void await_quorum(struct fixture *fixture)
{
	for (int i = 0; i < N_SENTINELS; i++) {
		struct redis_server *one = &fixture->sentinels[i];
		int n_turns = 0;

		while ((number_in(one, "num-slaves") < 1 ||
			number_in(one, "num-other-sentinels") < N_SENTINELS - 1) &&
		       n_turns++ < PATIENT_TURNS)
			fake_host_turn(fixture->store.host, TURN_MS);
		assert_true(n_turns < PATIENT_TURNS);
	}
}

static void await_replica(struct redis_server *master)
{
	for (int i = 0; i < PATIENT_TURNS; i++) {
		redisReply *reply = redis_server_do(master, "WAIT 1 100");
		bool is_there = reply->integer == 1;

		freeReplyObject(reply);
		if (is_there)
			return;
	}
	fail_msg("no replica");
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	redis_server_start(&fixture->store.server, OPTIONS);
	redis_server_start(&fixture->store.other, OPTIONS);
	redis_server_run(&fixture->store.other, "REPLICAOF 127.0.0.1 %d",
			 fixture->store.server.port);
	await_replica(&fixture->store.server); /* Sentinels look for new ones only every 10 s */
	for (int i = 0; i < N_SENTINELS; i++)
		start_sentinel(fixture, &fixture->sentinels[i]);
	open_store(fixture, fixture->list);
	await_quorum(fixture);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < N_SENTINELS; i++)
		redis_server_fini(&fixture->sentinels[i]);
	return redis_store_teardown(state);
}

static bool has_role(struct redis_server *server, const char *role)
{
	redisReply *reply = redis_server_do(server, "ROLE");
	bool is_so = strcmp(reply->element[0]->str, role) == 0;

	freeReplyObject(reply);
	return is_so;
}

static void await_role(struct fixture *fixture, struct redis_server *server, const char *role)
{
	for (int i = 0; i < PATIENT_TURNS && !has_role(server, role); i++)
		fake_host_turn(fixture->store.host, TURN_MS);
	assert_true(has_role(server, role));
}

/* Nothing of the earlier epoch, on whatever server. */
static void expect_forgotten(struct fixture *fixture, const char *key, char epoch[64])
{
	struct redis_store *store = &fixture->store;
	char now[64];

	assert_int_equal(redis_store_op(store, PINTLE_KV_GET, key, NULL).status, PINTLE_NOT_FOUND);
	assert_int_equal(store->kv.ops->epoch(store->kv.self, now, sizeof(now)), PINTLE_OK);
	assert_string_not_equal(now, epoch);
	memcpy(epoch, now, sizeof(now));
}

static void set(struct fixture *fixture, const char *key)
{
	assert_int_equal(redis_store_op(&fixture->store, PINTLE_KV_SET, key, "v").status,
			 PINTLE_OK);
}

static void follows_a_master_that_dies(void **state)
{
	struct fixture *fixture = *state;
	struct redis_store *store = &fixture->store;
	char epoch[64];

	redis_store_recover(store);
	assert_int_equal(store->kv.ops->epoch(store->kv.self, epoch, sizeof(epoch)), PINTLE_OK);
	set(fixture, "a");
	assert_int_equal(kill(store->server.pid, SIGKILL), 0);
	redis_server_stop(&store->server);
	redis_store_recover(store);
	assert_true(has_role(&store->other, "master"));
	expect_forgotten(fixture, "a", epoch);
	set(fixture, "b");
	redis_server_start(&store->server, OPTIONS); /* comes back as it was: a master */
	assert_string_equal(redis_store_op(store, PINTLE_KV_GET, "b", NULL).value, "v");
}

static void fail_over(struct fixture *fixture)
{
	redisReply *reply;
	bool is_begun = false;

	for (int i = 0; i < PATIENT_TURNS && !is_begun; i++) {
		reply = redisCommand(fixture->sentinels[0].admin, "SENTINEL FAILOVER m");
		is_begun = reply && reply->type == REDIS_REPLY_STATUS;
		freeReplyObject(reply); /* refused while the failover before is not over */
		fake_host_turn(fixture->store.host, TURN_MS);
	}
	assert_true(is_begun);
}

/* Over and back without a restart: what the first master had is with it again, and stays unseen. */
static void a_hanging_master_is_left_and_comes_back_empty(void **state)
{
	struct fixture *fixture = *state;
	struct redis_store *store = &fixture->store;
	char epoch[64];

	redis_store_recover(store);
	assert_int_equal(store->kv.ops->epoch(store->kv.self, epoch, sizeof(epoch)), PINTLE_OK);
	set(fixture, "a");
	await_replica(&store->server);
	assert_int_equal(kill(store->server.pid, SIGSTOP), 0);
	redis_store_recover(store);
	assert_true(has_role(&store->other, "master"));
	expect_forgotten(fixture, "a", epoch);
	set(fixture, "b");
	assert_int_equal(kill(store->server.pid, SIGCONT), 0);
	await_role(fixture, &store->server, "slave");
	assert_string_equal(redis_store_op(store, PINTLE_KV_GET, "b", NULL).value, "v");
	await_replica(&store->other);
	fail_over(fixture);
	await_role(fixture, &store->other, "slave");
	redis_store_recover(store);
	assert_true(has_role(&store->server, "master"));
	expect_forgotten(fixture, "b", epoch);
	assert_int_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).status, PINTLE_NOT_FOUND);
}

static void asks_the_next_sentinel(void **state)
{
	struct fixture *fixture = *state;
	struct redis_store *store = &fixture->store;
	char list[256];
	const char *const options[] = { "sentinel", fixture->list, "master", "other", NULL };

	redis_server_stop(&fixture->sentinels[0]);
	redis_store_close(store);
	(void)snprintf(list, sizeof(list), "nobody.invalid,%s", fixture->list);
	open_store(fixture, list);
	redis_store_recover(store);
	redis_store_close(store);
	assert_true(redis_store_open(store, options));
	redis_store_hear(store, "knows no such master");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(follows_a_master_that_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hanging_master_is_left_and_comes_back_empty,
						setup, teardown),
		cmocka_unit_test_setup_teardown(asks_the_next_sentinel, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
