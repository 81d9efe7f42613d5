/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery with three senders that answer as told, over a real pool and stores that only take notes. */
#include "call.h"
#include "clock.h"
#include "gateway.h"
#include "gateway_switch.h"
#include "host.h"
#include "limbo.h"
#include "message.h"
#include "metrics.h"
#include "metrics_message.h"
#include "op.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <time.h>

#include <cmocka.h>

#define N_SENDERS 3
#define NOTES_MAX 512
#define LONG_MS 10000 /* never waited for */

/* What a sender is told to answer, and what it was given. */
struct script {
	int32_t status;
	int64_t leave_ms; /* answers so long before the call ends, if not 0 */
	_Atomic int n_sent, n_probes;
	char seen[128];
};

struct record {
	char key[128], value[256];
};

struct world {
	struct host host;
	struct settings settings;
	struct board *board;
	struct pintle_inst senders[N_SENDERS];
	struct script scripts[N_SENDERS];
	struct group_settings group_settings;
	struct group group;
	struct plugin plugin;
	pthread_mutex_t lock;  /* of what follows: the fakes run on many threads */
	char rows[NOTES_MAX];  /* gateway=result of each row of message_logs */
	char state[NOTES_MAX]; /* what was noted of the flow */
	char off[NOTES_MAX];   /* names of senders that are switched off */
	int32_t off_status;    /* of reading them */
	int n_off_read;        /* how often they were */
	bool may_resend;       /* the target's wait was lifted */
	int n_given_back;      /* counters of missing codes */
	bool is_again;         /* all messages are to one person */
	struct record records
		[8]; /* of the senders' health, of who had a message lately and what it met */
};

/* ---- Fakes ---- */

static void nap(void)
{
	const struct timespec a_moment = { .tv_nsec = 1000000 };

	(void)nanosleep(&a_moment, NULL);
}

static int32_t send_as_told(void *self, struct pintle_call *call,
			    const struct pintle_message *message)
{
	struct script *script = self;

	script->n_sent++;
	while (script->leave_ms != 0 && clock_mono_ms() < call->deadline_ms - script->leave_ms)
		nap();
	(void)snprintf(script->seen, sizeof(script->seen), "%s %s %s=%s", message->to,
		       message->text, message->vars[0], message->vars[1]);
	if (script->status == PINTLE_OK)
		(void)json_object_set_new(call->outcome.data, "upstream_id", json_string("up-1"));
	return script->status;
}

static void list_off(const struct world *world, const struct pintle_query *query)
{
	struct pintle_value name = { .type = PINTLE_V_TEXT, .ptr = world->off };

	if (*world->off)
		(void)query->row(query->ctx, &name, 1);
}

static int32_t note_row(void *self, struct pintle_tx *tx, const struct pintle_query *query)
{
	struct world *world = self;
	const struct pintle_value *cols = query->params;
	size_t len = strlen(world->rows);

	(void)tx;
	if (strstr(query->sql, "FROM disabled_gateways")) {
		world->n_off_read++;
		list_off(world, query);
		return world->off_status;
	}
	assert_non_null(strstr(query->sql, "INTO message_logs"));
	assert_int_equal(query->n_params, 10);
	(void)snprintf(world->rows + len, sizeof(world->rows) - len, "%s %s %s %s=%s id=%s %d;",
		       cols[0].ptr, cols[1].ptr, cols[3].ptr, cols[5].ptr, cols[6].ptr,
		       cols[7].ptr ? cols[7].ptr : "", (int)cols[8].num);
	return PINTLE_OK;
}

static struct record *record_of(struct world *world, const char *key)
{
	struct record *free_one = NULL;

	for (size_t i = 0; i < sizeof(world->records) / sizeof(world->records[0]); i++) {
		if (strcmp(world->records[i].key, key) == 0)
			return &world->records[i];
		if (!*world->records[i].key && !free_one)
			free_one = &world->records[i];
	}
	assert_non_null(free_one);
	return free_one;
}

/* As much of a store as one thread at a time needs. */
static struct pintle_kv_answer answer_for(struct world *world,
					  const struct pintle_kv_request *request)
{
	struct pintle_kv_answer answer = { .size = sizeof(answer), .status = PINTLE_OK };
	char key[sizeof(world->records[0].key)];
	struct record *record;
	bool is_there;

	(void)snprintf(key, sizeof(key), "%.*s", (int)request->key_len, (const char *)request->key);
	if (strncmp(key, "fs:", 3) == 0)
		(void)snprintf(world->state, sizeof(world->state), "%s=%.*s", key,
			       (int)request->value_len, (const char *)request->value);
	if (strncmp(key, "l:", 2) == 0 && request->op == PINTLE_KV_DELETE)
		world->may_resend = true;
	if (strncmp(key, "l:", 2) == 0 && request->op == PINTLE_KV_INCR)
		world->n_given_back++;
	if (strncmp(key, "m:b:", 4) != 0 && strncmp(key, "m:t:", 4) != 0 &&
	    strncmp(key, "m:f:", 4) != 0)
		return answer;
	record = record_of(world, key);
	is_there = *record->key != '\0';
	answer.value = is_there ? record->value : NULL;
	answer.value_len = strlen(record->value);
	if (request->op == PINTLE_KV_ADD && is_there)
		answer.status = PINTLE_CONFLICT;
	else if (request->op != PINTLE_KV_ADD && request->op != PINTLE_KV_SET && !is_there)
		answer.status = PINTLE_NOT_FOUND;
	else if (request->op == PINTLE_KV_TAKE || request->op == PINTLE_KV_DELETE)
		*record->key = '\0';
	else if (request->op != PINTLE_KV_GET) {
		(void)snprintf(record->key, sizeof(record->key), "%s", key);
		(void)snprintf(record->value, sizeof(record->value), "%.*s",
			       (int)request->value_len, (const char *)request->value);
	}
	return answer;
}

static void serve_kv(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		     void *ctx)
{
	struct world *world = self;
	struct pintle_kv_answer answer;

	(void)pthread_mutex_lock(&world->lock);
	answer = answer_for(world, request);
	done(ctx, &answer);
	(void)pthread_mutex_unlock(&world->lock);
}

static const struct pintle_db db_ops = { .size = sizeof(db_ops), .query = note_row };
static const struct pintle_kv kv_ops = { .size = sizeof(kv_ops),
					 .flags = PINTLE_KV_INLINE,
					 .submit = serve_kv };

/* ---- The world ---- */

static void add_sender(struct world *world, size_t i)
{
	struct pintle_inst *sender = &world->senders[i];

	(void)snprintf(sender->name, sizeof(sender->name), "gate%zu", i);
	sender->board_index = board_instance(world->board, sender->name);
	sender->plugin = &world->plugin;
	sender->settings.timeout_ms = LONG_MS;
	sender->self = &world->scripts[i];
	sender->host = &world->host;
	sender->class = pool_class_new(world->host.pool, sender->name, 1, 4);
	world->group.senders[i] = sender;
	world->group.weights[i] = 1;
}

static int set_up(void **state)
{
	static const char *const secrets[] = { "a:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
					       NULL };
	struct world *world = calloc(1, sizeof(*world));
	struct err err;

	world->board = board_new();
	clock_set_shift(&world->board->shift_ms);
	world->host.board = world->board;
	world->host.self = &world->board->workers[0];
	world->host.pool = pool_new();
	world->host.db = (struct db){ .ops = &db_ops, .self = world };
	world->host.kv = (struct kv){ .ops = &kv_ops, .self = world };
	world->host.seal = seal_new(secrets, NULL, &err);
	assert_non_null(world->host.seal);
	world->settings.storage.timeout_ms = LONG_MS;
	world->settings.pool.call_timeout_ms = LONG_MS;
	world->settings.limits.flow_ttl_ms = LONG_MS;
	world->host.background = pool_class_new(world->host.pool, "background", 1, 16);
	world->host.delivery = pool_class_new(world->host.pool, "delivery", 1, 1);
	world->host.instances = (struct instances){ .items = world->senders, .n_items = N_SENDERS };
	(void)pthread_mutex_init(&world->lock, NULL);
	world->host.settings = &world->settings;
	world->host.limits = (struct limits){ .kv = &world->host.kv,
					      .seal = world->host.seal,
					      .settings = &world->settings.limits };
	world->plugin.sender = (struct pintle_sender){ .size = sizeof(world->plugin.sender),
						       .channel = "sms",
						       .send = send_as_told };
	world->group_settings =
		(struct group_settings){ .name = "sms", .purpose = GROUP_ANY_PURPOSE };
	world->group = (struct group){ .settings = &world->group_settings, .n_senders = N_SENDERS };
	for (size_t i = 0; i < N_SENDERS; i++)
		add_sender(world, i);
	world->host.groups = &world->group;
	world->host.n_groups = 1;
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	pool_free(world->host.pool);
	seal_free(world->host.seal);
	free(world);
	return 0;
}

static struct message *new_message(void)
{
	const char *const vars[] = { "code", "123456", NULL };
	const struct pintle_message text = { .size = sizeof(text),
					     .purpose = PINTLE_LOGIN,
					     .to = "+8613800138000",
					     .template_name = "login",
					     .vars = vars,
					     .text = "hello",
					     .lang = "en" };
	struct message *message = message_copy("sms", &text);

	(void)snprintf(message->flow_id, sizeof(message->flow_id), "flow1");
	return message;
}

static void deliver_all(struct world *world)
{
	assert_true(pool_drain(world->host.pool, clock_mono_ms() + LONG_MS));
}

static bool is_ok(struct world *world, const char *group)
{
	return message_group_ok(&world->host, group, "+8613800138000", PINTLE_LOGIN);
}

/* To somebody who had none before, unless told otherwise. */
static void send_one(struct world *world)
{
	if (!world->is_again)
		for (size_t i = 0; i < sizeof(world->records) / sizeof(world->records[0]); i++)
			if (strncmp(world->records[i].key, "m:t:", 4) == 0)
				*world->records[i].key = '\0';
	assert_true(message_queue(&world->host, new_message()));
	deliver_all(world);
}

static void take_out(struct world *world, size_t i)
{
	world->scripts[i].status = PINTLE_UNAVAILABLE;
	for (int n = 0; n < GATEWAY_FAILURES; n++)
		send_one(world);
	world->scripts[i].n_sent = 0;
}

static void let_time_pass(struct world *world, int64_t ms)
{
	atomic_fetch_add(&world->board->shift_ms, ms);
}

static uint64_t counted(const struct world *world, enum metric_counter counter)
{
	return world->host.self->counters[counter];
}

/* A job that stands where it is put until the gate is opened. */
struct gate {
	struct job job; /* first: what the pool runs */
	_Atomic bool is_open;
};

static void stand(struct job *job)
{
	struct gate *gate = (struct gate *)job;
	int64_t until_ms = clock_mono_ms() + LONG_MS;

	while (!atomic_load(&gate->is_open) && clock_mono_ms() < until_ms)
		nap();
}

static void put(struct world *world, struct gate *gate, struct pool_class *class)
{
	gate->job.run = stand;
	assert_true(pool_submit(world->host.pool, class, &gate->job));
}

static void wait_for_sent(struct world *world, size_t sender, int n_sent)
{
	int64_t until_ms = clock_mono_ms() + LONG_MS / 2;

	while (world->scripts[sender].n_sent < n_sent && clock_mono_ms() < until_ms)
		nap();
	assert_int_equal(world->scripts[sender].n_sent, n_sent);
}

/* ---- Stories ---- */

static const struct row {
	int32_t status[N_SENDERS];
	const char *rows;
	bool is_lost;
} table[] = {
	{ { PINTLE_OK }, "sms 138****8000 86 gate0=accepted id=up-1 1;", false },
	{ { PINTLE_UNAVAILABLE, PINTLE_OK },
	  "sms 138****8000 86 gate0=failed id= 0;sms 138****8000 86 gate1=accepted id=up-1 1;",
	  false },
	{ { PINTLE_BUSY, PINTLE_INTERNAL, PINTLE_OK },
	  "sms 138****8000 86 gate0=failed id= 0;sms 138****8000 86 gate1=failed id= 0;"
	  "sms 138****8000 86 gate2=accepted id=up-1 1;",
	  false },
	{ { PINTLE_TIMEOUT, PINTLE_OK }, "sms 138****8000 86 gate0=unclear id= 1;", false },
	{ { PINTLE_INVALID, PINTLE_OK }, "sms 138****8000 86 gate0=refused id= 0;", true },
	{ { PINTLE_LIMITED, PINTLE_OK }, "sms 138****8000 86 gate0=limited id= 0;", true },
	{ { PINTLE_UNAVAILABLE, PINTLE_UNAVAILABLE, PINTLE_UNAVAILABLE },
	  "sms 138****8000 86 gate0=failed id= 0;sms 138****8000 86 gate1=failed id= 0;"
	  "sms 138****8000 86 gate2=failed id= 0;",
	  true },
};

static void each_answer_of_a_sender(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world *world;

		assert_int_equal(set_up((void **)&world), 0);
		for (size_t s = 0; s < N_SENDERS; s++)
			world->scripts[s].status = table[i].status[s];
		assert_true(message_queue(&world->host, new_message()));
		deliver_all(world);
		if (strcmp(world->rows, table[i].rows) != 0)
			fail_msg("row %zu: '%s'", i, world->rows);
		if (strcmp(world->state, table[i].is_lost ? "fs:flow1=failed" : "") != 0)
			fail_msg("row %zu: flow '%s'", i, world->state);
		if (world->may_resend != table[i].is_lost)
			fail_msg("row %zu: may resend: %d", i, world->may_resend);
		if (counted(world, METRIC_MESSAGES_FAILED) != table[i].is_lost ||
		    counted(world, METRIC_MESSAGES_OK) == table[i].is_lost)
			fail_msg("row %zu: counters", i);
		(void)tear_down((void **)&world);
	}
	(void)state;
}

static void the_sender_gets_a_copy(void **state)
{
	struct world *world = *state;

	assert_true(message_queue(&world->host, new_message()));
	deliver_all(world);
	assert_string_equal(world->scripts[0].seen, "+8613800138000 hello code=123456");
	assert_string_equal(world->scripts[1].seen, "");
}

/* Listeners are anybody's code, and some hang. */
static void background_work_that_hangs_holds_up_no_message(void **state)
{
	struct world *world = *state;
	struct gate gate = { 0 };

	put(world, &gate, world->host.background);
	assert_true(message_queue(&world->host, new_message()));
	wait_for_sent(world, 0, 1);
	atomic_store(&gate.is_open, true);
	deliver_all(world);
}

/* It would be given less time than it needs, and its breaker the blame. */
static void no_sender_is_given_the_last_moment(void **state)
{
	struct world *world = *state;

	world->settings.pool.call_timeout_ms = 500;
	world->scripts[0].status = PINTLE_UNAVAILABLE;
	world->scripts[0].leave_ms = 50;
	assert_true(message_queue(&world->host, new_message()));
	deliver_all(world);
	assert_int_equal(world->scripts[1].n_sent, 0);
	assert_string_equal(world->state, "fs:flow1=failed");
}

static void a_quarantined_sender_is_passed_over(void **state)
{
	struct world *world = *state;

	atomic_store(&world->board->instances[world->senders[0].board_index].is_quarantined, 1);
	assert_true(is_ok(world, "sms"));
	assert_true(message_queue(&world->host, new_message()));
	deliver_all(world);
	assert_string_equal(world->rows, "sms 138****8000 86 gate1=accepted id=up-1 1;");
}

static void a_group_without_senders_is_not_ok(void **state)
{
	struct world *world = *state;

	assert_true(group_exists(&world->host, "sms"));
	assert_false(group_exists(&world->host, "mail"));
	assert_false(is_ok(world, "mail"));
	for (size_t i = 0; i < N_SENDERS; i++)
		atomic_store(&world->board->instances[world->senders[i].board_index].is_quarantined,
			     1);
	assert_true(group_exists(&world->host, "sms"));
	assert_false(is_ok(world, "sms"));
	assert_true(message_queue(&world->host, new_message()));
	deliver_all(world);
	assert_string_equal(world->state, "fs:flow1=failed");
}

static void a_sender_that_is_switched_off_is_passed_over(void **state)
{
	struct world *world = *state;

	(void)snprintf(world->off, sizeof(world->off), "gate0");
	send_one(world);
	assert_string_equal(world->rows, "sms 138****8000 86 gate1=accepted id=up-1 1;");
	assert_true(is_ok(world, "sms"));
}

/* Else each message would wait for a store that hangs. */
static void switches_that_cannot_be_read_are_left_alone_for_a_while(void **state)
{
	struct world *world = *state;

	world->off_status = PINTLE_TIMEOUT;
	gateway_read_switches(&world->host, LONG_MS);
	gateway_read_switches(&world->host, LONG_MS);
	assert_int_equal(world->n_off_read, 1);
	gateway_read_switches(&world->host, 0);
	assert_int_equal(world->n_off_read, 2);
}

/* ---- What is never delivered ---- */

/* A begin that has sent one message. */
static struct pintle_call *begin_of(struct world *world, struct request *request)
{
	struct pintle_call *call =
		call_new(&world->host, request, &world->senders[0], "begin", PINTLE_LOGIN);
	struct message *message = new_message();

	*message->flow_id = '\0';
	(void)snprintf(message->network, sizeof(message->network), "192.0.2.0/24");
	message_list_add(&call->sent, message);
	(void)snprintf(call->flow.id, sizeof(call->flow.id), "flow1");
	return call;
}

#define N_MISSING 3 /* counters of a code: its numbers, network and country */

static void expect_given_back(const struct world *world)
{
	assert_true(world->may_resend);
	assert_int_equal(world->n_given_back, N_MISSING);
	assert_string_equal(world->state, "fs:flow1=failed");
}

static void what_is_dropped_is_given_back(void **state)
{
	struct world *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);

	op_drop_messages(call);
	expect_given_back(world);
	call_free(call);
	deliver_all(world);
	assert_int_equal(world->n_given_back, N_MISSING);
}

/* Of unbind or describe, which look after none. */
static void what_a_call_ends_with_is_given_back(void **state)
{
	struct world *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };

	call_free(begin_of(world, &request));
	deliver_all(world);
	assert_true(world->may_resend);
	assert_int_equal(world->n_given_back, N_MISSING);
	assert_int_equal(world->scripts[0].n_sent, 0);
}

static int32_t promise_to_answer(void *self, struct pintle_call *call)
{
	(void)self;
	(void)call;
	return PINTLE_PENDING;
}

static void not_reached(struct pintle_call *call, int32_t status)
{
	fail_msg("%s ended in %d", call->op, status);
}

static void what_an_abandoned_op_has_sent_is_given_back_once(void **state)
{
	struct world *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);

	call_run(call, promise_to_answer, not_reached);
	assert_true(call_abandon(&request));
	deliver_all(world);
	assert_true(world->may_resend);
	assert_int_equal(world->n_given_back, N_MISSING);
	call_free(call);
	call_done(call, PINTLE_OK);
	deliver_all(world);
	assert_int_equal(world->n_given_back, N_MISSING);
	assert_int_equal(world->scripts[0].n_sent, 0);
	limbo_free_all();
}

static void what_finds_no_place_is_given_back(void **state)
{
	struct world *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);
	struct gate gates[2] = { 0 };

	put(world, &gates[0], world->host.delivery);
	put(world, &gates[1], world->host.delivery);
	assert_int_equal(op_queue_messages(call), PINTLE_BUSY);
	expect_given_back(world);
	atomic_store(&gates[0].is_open, true);
	atomic_store(&gates[1].is_open, true);
	deliver_all(world);
	call_free(call);
}

/* What is waited for between two codes is none of its business. */
static void a_notice_that_is_dropped_is_given_back(void **state)
{
	struct world *world = *state;
	struct message *message = new_message();

	*message->flow_id = '\0';
	message->text.flags = PINTLE_MESSAGE_NOTICE;
	message_lost(&world->host, message);
	assert_false(world->may_resend);
	assert_int_equal(world->n_given_back, 2); /* of the hour and of the day */
}

/* The twin of both. */
static void what_is_delivered_stays_counted(void **state)
{
	struct world *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);

	assert_int_equal(op_queue_messages(call), PINTLE_OK);
	op_drop_messages(call);
	deliver_all(world);
	assert_int_equal(world->scripts[0].n_sent, 1);
	assert_false(world->may_resend);
	assert_int_equal(world->n_given_back, 0);
	call_free(call);
}

/* ---- The breaker ---- */

static void five_failures_take_a_sender_out(void **state)
{
	struct world *world = *state;
	struct arena arena = { 0 };
	struct gateway_health health;

	world->scripts[0].status = PINTLE_UNAVAILABLE;
	for (int i = 0; i < GATEWAY_FAILURES; i++)
		send_one(world);
	assert_int_equal(world->scripts[0].n_sent, GATEWAY_FAILURES);
	send_one(world);
	send_one(world);
	assert_int_equal(world->scripts[0].n_sent, GATEWAY_FAILURES);
	assert_int_equal(world->scripts[1].n_sent, GATEWAY_FAILURES + 2);
	assert_int_equal(gateway_health(&world->host, &arena, &world->senders[0], &health),
			 PINTLE_OK);
	assert_true(health.opened_ms != 0 && !gateway_is_due(&health));
	arena_fini(&arena);
}

static void a_success_between_starts_the_count_anew(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 4 * GATEWAY_FAILURES; i++) {
		world->scripts[0].status =
			i % GATEWAY_FAILURES == 3 ? PINTLE_OK : PINTLE_UNAVAILABLE;
		send_one(world);
	}
	assert_int_equal(world->scripts[0].n_sent, 4 * GATEWAY_FAILURES);
}

/* Nothing else is left: the least bad is tried, the nearest to its probe first. */
static void with_all_out_one_is_tried_and_heals(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < N_SENDERS; i++)
		world->scripts[i].status = PINTLE_UNAVAILABLE;
	for (int i = 0; i < GATEWAY_FAILURES; i++)
		send_one(world);
	assert_true(is_ok(world, "sms"));
	world->scripts[2].status = PINTLE_OK;
	*world->state = '\0';
	send_one(world);
	assert_string_equal(world->state, "");
	assert_int_equal(world->scripts[2].n_sent, GATEWAY_FAILURES + 1);
	world->scripts[0].n_sent = 0;
	send_one(world);
	assert_int_equal(world->scripts[0].n_sent, 0);
}

static void a_message_is_the_probe(void **state)
{
	struct world *world = *state;

	take_out(world, 0);
	let_time_pass(world, GATEWAY_RETRY_MS);
	send_one(world); /* the probe, and it fails: the wait is twice as long */
	assert_int_equal(world->scripts[0].n_sent, 1);
	let_time_pass(world, GATEWAY_RETRY_MS + 1000);
	send_one(world);
	assert_int_equal(world->scripts[0].n_sent, 1);
	let_time_pass(world, GATEWAY_RETRY_MS);
	world->scripts[0].status = PINTLE_OK;
	send_one(world);
	send_one(world);
	assert_int_equal(world->scripts[0].n_sent, 3);
}

static int32_t probe_as_told(void *self, struct pintle_call *call)
{
	struct script *script = self;

	(void)call;
	script->n_probes++;
	return script->status;
}

static void a_probe_of_its_own_spares_the_message(void **state)
{
	struct world *world = *state;

	world->plugin.sender.probe = probe_as_told;
	take_out(world, 0);
	let_time_pass(world, GATEWAY_RETRY_MS);
	world->scripts[0].status = PINTLE_OK;
	send_one(world);
	assert_int_equal(world->scripts[0].n_probes, 1);
	assert_int_equal(world->scripts[0].n_sent, 0);
	send_one(world);
	assert_int_equal(world->scripts[0].n_probes, 1);
	assert_int_equal(world->scripts[0].n_sent, 1);
}

static void wait_for_waiting(struct world *world, const struct pool_class *class)
{
	int64_t until_ms = clock_mono_ms() + LONG_MS / 2;
	struct pool_load load = { 0 };

	while (load.n_waiting == 0 && clock_mono_ms() < until_ms) {
		nap();
		pool_class_load(world->host.pool, class, &load);
	}
	assert_int_equal(load.n_waiting, 1);
}

/* A message in the queue of the first sender, behind something that stands there. */
static void queue_behind(struct world *world, struct gate *gate)
{
	put(world, gate, world->senders[0].class);
	assert_true(message_queue(&world->host, new_message()));
	wait_for_waiting(world, world->senders[0].class);
}

static void let_go(struct world *world, struct gate *gate)
{
	atomic_store(&gate->is_open, true);
	deliver_all(world);
}

static void what_waits_for_a_sender_leaves_it_when_it_goes_out(void **state)
{
	struct world *world = *state;
	struct arena arena = { 0 };
	struct gate gate = { 0 };

	queue_behind(world, &gate);
	for (int i = 0; i < GATEWAY_FAILURES; i++)
		gateway_note_failure(&world->host, &arena, &world->senders[0], false);
	let_go(world, &gate);
	assert_string_equal(world->rows, "sms 138****8000 86 gate1=accepted id=up-1 1;");
	arena_fini(&arena);
}

static void what_waits_for_a_sender_that_is_well_is_sent_by_it(void **state)
{
	struct world *world = *state;
	struct gate gate = { 0 };

	queue_behind(world, &gate);
	let_go(world, &gate);
	assert_string_equal(world->rows, "sms 138****8000 86 gate0=accepted id=up-1 1;");
}

static void what_waits_for_the_last_sender_stays_with_it(void **state)
{
	struct world *world = *state;
	struct arena arena = { 0 };
	struct gate gate = { 0 };

	world->group.n_senders = 1;
	queue_behind(world, &gate);
	for (int i = 0; i < GATEWAY_FAILURES; i++)
		gateway_note_failure(&world->host, &arena, &world->senders[0], false);
	let_go(world, &gate);
	assert_string_equal(world->rows, "sms 138****8000 86 gate0=accepted id=up-1 1;");
	arena_fini(&arena);
}

/* ---- The same person again ---- */

static void the_next_message_takes_another_sender(void **state)
{
	struct world *world = *state;

	world->scripts[0].status = PINTLE_TIMEOUT;
	world->is_again = true;
	send_one(world);
	send_one(world);
	assert_string_equal(world->rows, "sms 138****8000 86 gate0=unclear id= 1;"
					 "sms 138****8000 86 gate1=accepted id=up-1 1;");
}

static bool has_target(const struct world *world)
{
	for (size_t i = 0; i < sizeof(world->records) / sizeof(world->records[0]); i++)
		if (strncmp(world->records[i].key, "m:t:", 4) == 0)
			return true;
	return false;
}

static uint64_t n_entered(const struct world *world, const char *gateway)
{
	for (size_t i = 0; i < BOARD_MESSAGES; i++) {
		const struct board_message *message = &world->board->messages[i];

		if (atomic_load(&message->is_named) && strcmp(message->gateway, gateway) == 0)
			return message->by_fate[FATE_ENTERED];
	}
	return 0;
}

/* Both are of one flow: what the second finds there is the first, not a code that was entered. */
static void a_second_message_of_a_flow_is_no_entry(void **state)
{
	struct world *world = *state;

	world->is_again = true;
	send_one(world);
	send_one(world);
	assert_true(has_target(world));
	assert_int_equal(n_entered(world, "gate0") + n_entered(world, "gate1"), 0);
}

static void a_code_may_be_entered_before_its_message_is_through(void **state)
{
	struct world *world = *state;
	struct record *record = record_of(world, "m:f:flow1");

	(void)snprintf(record->key, sizeof(record->key), "m:f:flow1");
	(void)snprintf(record->value, sizeof(record->value), "{\"entered\":1}");
	send_one(world);
	assert_false(has_target(world));
	assert_int_equal(n_entered(world, "gate0"), 1);
}

/* ---- Senders that answer later ---- */

static const struct pintle_message *lent;
static struct pintle_call *promised;

static int32_t promise(void *self, struct pintle_call *call, const struct pintle_message *message)
{
	(void)self;
	lent = message;
	promised = call;
	return PINTLE_PENDING;
}

/* What freed memory holds is overwritten by the next messages. */
static void what_a_late_sender_was_lent_outlives_the_message(void **state)
{
	struct world *world = *state;

	world->plugin.sender.send = promise;
	world->senders[0].settings.timeout_ms = 50;
	assert_true(message_queue(&world->host, new_message()));
	deliver_all(world);
	world->plugin.sender.send = send_as_told;
	for (int i = 0; i < 4; i++)
		send_one(world);
	assert_string_equal(lent->to, "+8613800138000");
	assert_string_equal(lent->text, "hello");
	assert_string_equal(lent->vars[1], "123456");
	assert_int_equal(lent->size, sizeof(*lent));
	assert_int_equal(atomic_load(&world->host.n_abandoned), 1);
	call_done(promised, PINTLE_OK);
	call_done(promised, PINTLE_OK);
	assert_int_equal(atomic_load(&world->host.n_abandoned), 0);
	limbo_free_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_of_a_sender),
		cmocka_unit_test_setup_teardown(the_sender_gets_a_copy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(background_work_that_hangs_holds_up_no_message,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_sender_is_given_the_last_moment, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_quarantined_sender_is_passed_over, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_group_without_senders_is_not_ok, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_sender_that_is_switched_off_is_passed_over,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			switches_that_cannot_be_read_are_left_alone_for_a_while, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_dropped_is_given_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_finds_no_place_is_given_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_a_call_ends_with_is_given_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_an_abandoned_op_has_sent_is_given_back_once,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_notice_that_is_dropped_is_given_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_delivered_stays_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(five_failures_take_a_sender_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_success_between_starts_the_count_anew, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(with_all_out_one_is_tried_and_heals, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_message_is_the_probe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_probe_of_its_own_spares_the_message, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_waits_for_a_sender_leaves_it_when_it_goes_out,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_waits_for_a_sender_that_is_well_is_sent_by_it,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_waits_for_the_last_sender_stays_with_it,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_next_message_takes_another_sender, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_second_message_of_a_flow_is_no_entry, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_code_may_be_entered_before_its_message_is_through,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_late_sender_was_lent_outlives_the_message,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
