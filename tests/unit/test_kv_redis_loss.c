/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that end, servers that hang, restart and change their role: never a wrong answer. */
#include "redis_store.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define N_OPS 200
#define MINUTE_MS 60000
#define PATIENT_TURNS 1000

static void signal_server(const struct redis_store *store, int number)
{
	assert_int_equal(kill(store->server.pid, number), 0);
}

static void ask_for(struct redis_store *store, int number, int32_t op, struct kv_test_answer *out)
{
	char key[16];
	struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = op,
		.key = key,
		.key_len = (size_t)snprintf(key, sizeof(key), "k:%d", number),
		.ttl_ms = op == PINTLE_KV_SET ? MINUTE_MS : PINTLE_KV_NO_LIFE,
	};

	if (op == PINTLE_KV_SET) {
		request.value = key;
		request.value_len = request.key_len;
	}
	kv_test_ask(&store->kv, &request, out);
}

/* Every op is answered, and once: right, or as a fault. How many were right. */
static int ask_all(struct redis_store *store, int32_t op, void (*meanwhile)(struct redis_store *))
{
	static struct kv_test_answer answers[N_OPS];
	char key[16];
	int n_right = 0;

	for (int i = 0; i < N_OPS; i++)
		ask_for(store, i, op, &answers[i]);
	if (meanwhile)
		meanwhile(store);
	for (int i = 0; i < N_OPS; i++) {
		kv_test_await(&store->kv, &answers[i]);
		(void)snprintf(key, sizeof(key), "k:%d", i);
		if (answers[i].status != PINTLE_OK)
			assert_int_equal(answers[i].status, PINTLE_UNAVAILABLE);
		else if (op == PINTLE_KV_GET)
			assert_string_equal(answers[i].value, key);
		n_right += answers[i].status == PINTLE_OK;
	}
	return n_right;
}

static void kill_clients(struct redis_store *store)
{
	/* What was asked is on its way, and the order to end us is there before it is answered. */
	signal_server(store, SIGSTOP);
	fake_host_turn(store->host, 0);
	assert_int_equal(redisAppendCommand(store->server.admin, "CLIENT KILL TYPE normal"),
			 REDIS_OK);
	assert_int_equal(redisBufferWrite(store->server.admin, NULL), REDIS_OK);
	signal_server(store, SIGCONT);
}

static void loses_its_connection_under_load(void **state)
{
	struct redis_store *store = *state;
	redisReply *reply;

	assert_int_equal(ask_all(store, PINTLE_KV_SET, NULL), N_OPS);
	for (int i = 0; i < 20; i++) {
		(void)ask_all(store, i % 2 ? PINTLE_KV_GET : PINTLE_KV_SET, kill_clients);
		assert_int_equal(redisGetReply(store->server.admin, (void **)&reply), REDIS_OK);
		freeReplyObject(reply);
		redis_store_recover(store);
		assert_int_equal(ask_all(store, PINTLE_KV_GET, NULL), N_OPS);
	}
}

/* A blip costs those who come after it nothing. */
static void the_next_wait_for_the_new_connection(void **state)
{
	struct redis_store *store = *state;

	assert_int_equal(ask_all(store, PINTLE_KV_SET, NULL), N_OPS);
	redis_server_run(&store->server, "CLIENT KILL TYPE normal SKIPME yes");
	redis_store_hear(store, "has ended");
	assert_int_equal(ask_all(store, PINTLE_KV_GET, NULL), N_OPS);
}

static void send_all(struct redis_store *store)
{
	fake_host_turn(store->host, 0);
}

static void a_hanging_server_is_unavailable_and_comes_back(void **state)
{
	static struct kv_test_answer after;
	struct redis_store *store = *state;

	assert_int_equal(ask_all(store, PINTLE_KV_SET, NULL), N_OPS);
	signal_server(store, SIGSTOP);
	assert_int_equal(ask_all(store, PINTLE_KV_GET, send_all), 0);
	ask_for(store, 1, PINTLE_KV_GET, &after);
	assert_int_equal(after.n_done, 1); /* nobody waits for one that is silent */
	assert_int_equal(after.status, PINTLE_UNAVAILABLE);
	signal_server(store, SIGCONT);
	redis_store_recover(store);
	assert_int_equal(ask_all(store, PINTLE_KV_GET, NULL), N_OPS);
}

/* Answers that came while the loop was busy elsewhere are in time. */
static void a_late_loop_blames_nobody(void **state)
{
	static struct kv_test_answer answers[N_OPS];
	static char value[4000];
	const struct timespec longer_than_the_timeout = { .tv_sec = 1, .tv_nsec = 200000000 };
	struct redis_store *store = *state;
	const struct pintle_kv_request set = {
		.size = sizeof(set),
		.op = PINTLE_KV_SET,
		.key = "k:0",
		.key_len = 3,
		.value = value,
		.value_len = sizeof(value),
		.ttl_ms = MINUTE_MS,
	};

	assert_int_equal(kv_test_run(&store->kv, &set).status, PINTLE_OK);
	for (int i = 0; i < N_OPS; i++)
		ask_for(store, 0, PINTLE_KV_GET, &answers[i]);
	fake_host_turn(store->host, 0);
	(void)nanosleep(&longer_than_the_timeout, NULL);
	for (int i = 0; i < N_OPS; i++) {
		kv_test_await(&store->kv, &answers[i]);
		assert_int_equal(answers[i].value_len, sizeof(value));
	}
}

/* ---- Epochs ---- */

static void epoch_of(struct redis_store *store, char out[64])
{
	assert_int_equal(store->kv.ops->epoch(store->kv.self, out, 64), PINTLE_OK);
}

static void a_restart_begins_a_new_epoch(void **state)
{
	struct redis_store *store = *state;
	char before[64], after[64];
	redisReply *size;

	redis_server_stop(&store->server);
	redis_server_start(&store->server, "--appendonly yes --appendfsync always");
	redis_store_recover(store);
	epoch_of(store, before);
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	signal_server(store, SIGKILL);
	redis_server_stop(&store->server);
	redis_server_start(&store->server, "--appendonly yes --appendfsync always");
	size = redis_server_do(&store->server, "DBSIZE");
	assert_true(size->integer >= 3); /* it is all there */
	freeReplyObject(size);
	redis_store_recover(store);
	assert_int_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).status, PINTLE_NOT_FOUND);
	assert_int_equal(redis_store_op(store, PINTLE_KV_TAKE, "a", NULL).status, PINTLE_NOT_FOUND);
	epoch_of(store, after);
	assert_string_not_equal(before, after);
}

/* The process is the same one, and what it has may be what another master knew. */
static void a_promotion_begins_a_new_epoch(void **state)
{
	struct redis_store *store = *state;
	char before[64], after[64];

	redis_server_start(&store->other, "--repl-diskless-sync-delay 0");
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	epoch_of(store, before);
	redis_server_run(&store->other, "REPLICAOF 127.0.0.1 %d", store->server.port);
	for (int i = 0; i < PATIENT_TURNS; i++) { /* until the copy is there */
		redisReply *wait = redis_server_do(&store->server, "WAIT 1 1000");
		bool is_there = wait->integer == 1;

		freeReplyObject(wait);
		if (is_there)
			break;
	}
	redis_server_run(&store->server, "REPLICAOF 127.0.0.1 %d", store->other.port);
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "w").status, PINTLE_UNAVAILABLE);
	redis_store_hear(store, "no master");
	assert_int_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).status,
			 PINTLE_UNAVAILABLE);
	redis_server_run(&store->server, "REPLICAOF NO ONE");
	redis_store_recover(store);
	assert_int_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).status, PINTLE_NOT_FOUND);
	epoch_of(store, after);
	assert_string_not_equal(before, after);
}

/* A master that gets or loses its first replica goes on as it was. */
static void replicas_come_and_go(void **state)
{
	struct redis_store *store = *state;

	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	redis_server_start(&store->other, "--repl-diskless-sync-delay 0");
	redis_server_run(&store->other, "REPLICAOF 127.0.0.1 %d", store->server.port);
	redis_server_run(&store->server, "WAIT 1 10000");
	redis_server_run(&store->server, "CLIENT KILL TYPE normal SKIPME yes");
	redis_store_recover(store);
	assert_string_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).value, "v");
	redis_server_fini(&store->other);
	redis_server_run(&store->server, "CLIENT KILL TYPE normal SKIPME yes");
	redis_store_recover(store);
	assert_string_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).value, "v");
}

static void a_replica_serves_nobody(void **state)
{
	struct redis_store *store = *state;
	const char *const options[] = { "host", store->other.address, NULL };

	redis_server_start(&store->other, "--repl-diskless-sync-delay 0");
	redis_server_run(&store->other, "REPLICAOF 127.0.0.1 %d", store->server.port);
	redis_store_close(store);
	assert_true(redis_store_open(store, options));
	redis_store_hear(store, "it is no master");
	assert_int_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).status,
			 PINTLE_UNAVAILABLE);
	redis_server_run(&store->other, "REPLICAOF NO ONE");
	redis_store_recover(store);
}

/* Whatever one of two does not know yet, it does not work on in the old epoch. */
static void two_hosts_never_work_in_two_epochs(void **state)
{
	struct redis_store *store = *state;
	struct redis_store second = { .server = store->server };

	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	redis_server_run(&store->server, "FLUSHALL");
	assert_true(redis_store_open(&second, NULL)); /* the first to be there afterwards */
	redis_store_recover(&second);
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "b", "old").status,
			 PINTLE_UNAVAILABLE);
	redis_store_recover(store);
	assert_int_equal(redis_store_op(&second, PINTLE_KV_GET, "b", NULL).status,
			 PINTLE_NOT_FOUND);
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "c", "new").status, PINTLE_OK);
	assert_string_equal(redis_store_op(&second, PINTLE_KV_GET, "c", NULL).value, "new");
	redis_server_run(&store->server, "DEL pintle:epoch");
	assert_int_equal(redis_store_op(store, PINTLE_KV_GET, "c", NULL).status,
			 PINTLE_UNAVAILABLE);
	redis_store_recover(store);
	assert_int_equal(redis_store_op(&second, PINTLE_KV_GET, "c", NULL).status,
			 PINTLE_UNAVAILABLE);
	redis_store_recover(&second);
	redis_store_close(&second);
}

/* What does not look at the epoch itself is answered only when it was still the same behind it. */
static void nothing_is_proved_by_another_epoch(void **state)
{
	static const int32_t ops[] = { PINTLE_KV_SET, PINTLE_KV_TAKE, PINTLE_KV_DELETE };
	static struct kv_test_answer answers[2];
	struct redis_store *store = *state;

	for (int i = 0; i < 3; i++) {
		ask_for(store, 1, PINTLE_KV_SET, &answers[0]);
		kv_test_await(&store->kv, &answers[0]);
		assert_int_equal(answers[0].status, PINTLE_OK);
		redis_server_run(&store->server, "SET pintle:epoch %016d", i);
		ask_for(store, 1, ops[i], &answers[0]);
		ask_for(store, 2, PINTLE_KV_SET, &answers[1]);
		for (int j = 0; j < 2; j++) {
			kv_test_await(&store->kv, &answers[j]);
			if (answers[j].status != PINTLE_UNAVAILABLE || answers[j].n_done != 1)
				fail_msg("op %d, answer %d: status %d", ops[i], j,
					 answers[j].status);
		}
		redis_store_recover(store);
		ask_for(store, 1, PINTLE_KV_GET, &answers[0]);
		kv_test_await(&store->kv, &answers[0]);
		assert_int_equal(answers[0].status, PINTLE_NOT_FOUND);
	}
}

/* ---- Messages ---- */

static int n_heard, n_new;

static void hear(void *ctx, const void *value, size_t value_len)
{
	(void)ctx, (void)value_len;
	n_heard += value != NULL;
	n_new += value == NULL;
}

static void publish_until_heard(struct redis_store *store)
{
	n_heard = 0;
	for (int i = 0; i < PATIENT_TURNS && n_heard == 0; i++) {
		(void)redis_store_op(store, PINTLE_KV_PUBLISH, "news", "v");
		fake_host_turn(store->host, 20);
	}
	assert_true(n_heard > 0);
}

static void subscribes_again(void **state)
{
	struct redis_store *store = *state;

	assert_int_equal(store->kv.ops->subscribe(store->kv.self, "news", hear, NULL), PINTLE_OK);
	publish_until_heard(store);
	assert_int_equal(n_new, 1);
	redis_server_run(&store->server, "CLIENT KILL TYPE pubsub");
	publish_until_heard(store);
	assert_int_equal(n_new, 2);
	redis_server_stop(&store->server);
	redis_store_hear(store, "no Redis");
	redis_server_start(&store->server, "");
	redis_store_recover(store);
	publish_until_heard(store);
}

/* ---- Bounds ---- */

static void too_many_are_told_so(void **state)
{
	static struct kv_test_answer answers[20000];
	struct redis_store *store = *state;
	int n_busy = 0;

	redis_store_recover(store);
	for (int i = 0; i < 20000; i++)
		ask_for(store, i, PINTLE_KV_GET, &answers[i]);
	for (int i = 0; i < 20000; i++) {
		kv_test_await(&store->kv, &answers[i]);
		n_busy += answers[i].status == PINTLE_BUSY;
	}
	assert_int_equal(n_busy, 20000 - 16384);
	assert_int_equal(ask_all(store, PINTLE_KV_SET, NULL), N_OPS);
}

static void closing_answers_everybody(void **state)
{
	static struct kv_test_answer answers[2];
	struct redis_store *store = *state;

	ask_for(store, 1, PINTLE_KV_GET, &answers[0]); /* waits for the connection */
	redis_store_close(store);
	assert_int_equal(answers[0].status, PINTLE_UNAVAILABLE);
	assert_true(redis_store_open(store, NULL));
	redis_store_recover(store);
	ask_for(store, 1, PINTLE_KV_SET, &answers[1]);
	redis_store_close(store);
	assert_int_equal(answers[1].n_done, 1);
	assert_int_equal(answers[1].status, PINTLE_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ON_SERVER(name)                                                                            \
	cmocka_unit_test_setup_teardown(name, redis_store_setup, redis_store_teardown)
		ON_SERVER(loses_its_connection_under_load),
		ON_SERVER(the_next_wait_for_the_new_connection),
		ON_SERVER(a_hanging_server_is_unavailable_and_comes_back),
		ON_SERVER(a_late_loop_blames_nobody),
		ON_SERVER(a_restart_begins_a_new_epoch),
		ON_SERVER(a_promotion_begins_a_new_epoch),
		ON_SERVER(replicas_come_and_go),
		ON_SERVER(a_replica_serves_nobody),
		ON_SERVER(two_hosts_never_work_in_two_epochs),
		ON_SERVER(nothing_is_proved_by_another_epoch),
		ON_SERVER(subscribes_again),
		ON_SERVER(too_many_are_told_so),
		ON_SERVER(closing_answers_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
