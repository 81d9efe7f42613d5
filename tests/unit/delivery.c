/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery.h"

#include "clock.h"
#include "gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- Fakes ---- */

void delivery_nap(void)
{
	const struct timespec a_moment = { .tv_nsec = 1000000 };

	(void)nanosleep(&a_moment, NULL);
}

int32_t delivery_send_as_told(void *self, struct pintle_call *call,
			      const struct pintle_message *message)
{
	struct script *script = self;

	script->n_sent++;
	while (script->leave_ms != 0 && clock_mono_ms() < call->deadline_ms - script->leave_ms)
		delivery_nap();
	(void)snprintf(script->seen, sizeof(script->seen), "%s %s %s=%s", message->to,
		       message->text, message->vars[0], message->vars[1]);
	if (script->status == PINTLE_OK)
		(void)json_object_set_new(call->outcome.data, "upstream_id", json_string("up-1"));
	return script->status;
}

static void list_off(const struct delivery *world, const struct pintle_query *query)
{
	struct pintle_value name = { .type = PINTLE_V_TEXT, .ptr = world->off };

	if (*world->off)
		(void)query->row(query->ctx, &name, 1);
}

static int32_t note_row(void *self, struct pintle_tx *tx, const struct pintle_query *query)
{
	struct delivery *world = self;
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

struct record *delivery_record(struct delivery *world, const char *key)
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
static struct pintle_kv_answer answer_for(struct delivery *world,
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
	record = delivery_record(world, key);
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
	struct delivery *world = self;
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

static void add_sender(struct delivery *world, size_t i)
{
	struct pintle_inst *sender = &world->senders[i];

	(void)snprintf(sender->name, sizeof(sender->name), "gate%zu", i);
	sender->board_index = board_instance(world->board, sender->name);
	sender->plugin = &world->plugin;
	sender->settings.timeout_ms = DELIVERY_LONG_MS;
	sender->self = &world->scripts[i];
	sender->host = &world->host;
	sender->class = pool_class_new(world->host.pool, sender->name, 1, 4);
	world->group.senders[i] = sender;
	world->group.weights[i] = 1;
}

int delivery_setup(void **state)
{
	static const char *const secrets[] = { "a:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
					       NULL };
	struct delivery *world = calloc(1, sizeof(*world));
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
	world->settings.storage.timeout_ms = DELIVERY_LONG_MS;
	world->settings.pool.call_timeout_ms = DELIVERY_LONG_MS;
	world->settings.limits.flow_ttl_ms = DELIVERY_LONG_MS;
	world->host.background = pool_class_new(world->host.pool, "background", 1, 16);
	world->host.delivery = pool_class_new(world->host.pool, "delivery", 1, 1);
	world->host.instances =
		(struct instances){ .items = world->senders, .n_items = DELIVERY_SENDERS };
	(void)pthread_mutex_init(&world->lock, NULL);
	world->host.settings = &world->settings;
	world->host.limits = (struct limits){ .kv = &world->host.kv,
					      .seal = world->host.seal,
					      .settings = &world->settings.limits };
	world->plugin.sender = (struct pintle_sender){ .size = sizeof(world->plugin.sender),
						       .channel = "sms",
						       .send = delivery_send_as_told };
	world->group_settings =
		(struct group_settings){ .name = "sms", .purpose = GROUP_ANY_PURPOSE };
	world->group =
		(struct group){ .settings = &world->group_settings, .n_senders = DELIVERY_SENDERS };
	for (size_t i = 0; i < DELIVERY_SENDERS; i++)
		add_sender(world, i);
	world->host.groups = &world->group;
	world->host.n_groups = 1;
	*state = world;
	return 0;
}

int delivery_teardown(void **state)
{
	struct delivery *world = *state;

	pool_free(world->host.pool);
	seal_free(world->host.seal);
	free(world);
	return 0;
}

struct message *delivery_message(void)
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

void delivery_drain(struct delivery *world)
{
	assert_true(pool_drain(world->host.pool, clock_mono_ms() + DELIVERY_LONG_MS));
}

bool delivery_is_ok(struct delivery *world, const char *group)
{
	return message_group_ok(&world->host, group, "+8613800138000", PINTLE_LOGIN);
}

void delivery_send(struct delivery *world)
{
	if (!world->is_again)
		for (size_t i = 0; i < sizeof(world->records) / sizeof(world->records[0]); i++)
			if (strncmp(world->records[i].key, "m:t:", 4) == 0)
				*world->records[i].key = '\0';
	assert_true(message_queue(&world->host, delivery_message()));
	delivery_drain(world);
}

void delivery_take_out(struct delivery *world, size_t i)
{
	world->scripts[i].status = PINTLE_UNAVAILABLE;
	for (int n = 0; n < GATEWAY_FAILURES; n++)
		delivery_send(world);
	world->scripts[i].n_sent = 0;
}

void delivery_let_pass(struct delivery *world, int64_t ms)
{
	atomic_fetch_add(&world->board->shift_ms, ms);
}

uint64_t delivery_counted(const struct delivery *world, enum metric_counter counter)
{
	return world->host.self->counters[counter];
}

static void stand(struct job *job)
{
	struct gate *gate = (struct gate *)job;
	int64_t until_ms = clock_mono_ms() + DELIVERY_LONG_MS;

	while (!atomic_load(&gate->is_open) && clock_mono_ms() < until_ms)
		delivery_nap();
}

void delivery_put(struct delivery *world, struct gate *gate, struct pool_class *class)
{
	gate->job.run = stand;
	assert_true(pool_submit(world->host.pool, class, &gate->job));
}

void delivery_wait_for_sent(struct delivery *world, size_t sender, int n_sent)
{
	int64_t until_ms = clock_mono_ms() + DELIVERY_LONG_MS / 2;

	while (world->scripts[sender].n_sent < n_sent && clock_mono_ms() < until_ms)
		delivery_nap();
	assert_int_equal(world->scripts[sender].n_sent, n_sent);
}
