/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery with three senders that answer as told, over a real pool and stores that only take notes. */
#include "call.h"
#include "clock.h"
#include "host.h"
#include "message.h"
#include "metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_SENDERS 3
#define NOTES_MAX 512
#define LONG_MS 10000 /* never waited for */

/* What a sender is told to answer, and what it was given. */
struct script {
	int32_t status;
	char seen[128];
};

struct world {
	struct host host;
	struct settings settings;
	struct board *board;
	struct pintle_inst senders[N_SENDERS];
	struct script scripts[N_SENDERS];
	struct pintle_inst *order[N_SENDERS];
	struct group group;
	struct plugin plugin;
	char rows[NOTES_MAX];  /* gateway=result of each row of message_logs */
	char state[NOTES_MAX]; /* what was noted of the flow */
	bool may_resend;       /* the target's wait was lifted */
};

/* ---- Fakes ---- */

static int32_t send_as_told(void *self, struct pintle_call *call,
			    const struct pintle_message *message)
{
	struct script *script = self;

	(void)snprintf(script->seen, sizeof(script->seen), "%s %s %s=%s", message->to,
		       message->text, message->vars[0], message->vars[1]);
	if (script->status == PINTLE_OK)
		(void)json_object_set_new(call->outcome.data, "upstream_id", json_string("up-1"));
	return script->status;
}

static int32_t note_row(void *self, struct pintle_tx *tx, const struct pintle_query *query)
{
	struct world *world = self;
	const struct pintle_value *cols = query->params;
	size_t len = strlen(world->rows);

	(void)tx;
	assert_non_null(strstr(query->sql, "INTO message_logs"));
	assert_int_equal(query->n_params, 8);
	(void)snprintf(world->rows + len, sizeof(world->rows) - len, "%s %s %s=%s id=%s;",
		       cols[0].ptr, cols[1].ptr, cols[4].ptr, cols[5].ptr,
		       cols[6].ptr ? cols[6].ptr : "");
	return PINTLE_OK;
}

static void note_state(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		       void *ctx)
{
	struct pintle_kv_answer answer = { .size = sizeof(answer), .status = PINTLE_OK };
	struct world *world = self;

	if (request->op == PINTLE_KV_DELETE)
		world->may_resend = true;
	else
		(void)snprintf(world->state, sizeof(world->state), "%.*s=%.*s",
			       (int)request->key_len, (const char *)request->key,
			       (int)request->value_len, (const char *)request->value);
	done(ctx, &answer);
}

static const struct pintle_db db_ops = { .size = sizeof(db_ops), .query = note_row };
static const struct pintle_kv kv_ops = { .size = sizeof(kv_ops),
					 .flags = PINTLE_KV_INLINE,
					 .submit = note_state };

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
	world->order[i] = sender;
}

static int set_up(void **state)
{
	static const char *const secrets[] = { "a:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
					       NULL };
	struct world *world = calloc(1, sizeof(*world));
	struct err err;

	world->board = board_new();
	world->host.board = world->board;
	world->host.self = &world->board->workers[0];
	world->host.pool = pool_new();
	world->host.db = (struct db){ .ops = &db_ops, .self = world };
	world->host.kv = (struct kv){ .ops = &kv_ops, .self = world };
	world->host.seal = seal_new(secrets, NULL, &err);
	assert_non_null(world->host.seal);
	world->settings.storage.timeout_ms = LONG_MS;
	world->host.settings = &world->settings;
	world->host.limits = (struct limits){ .kv = &world->host.kv, .seal = world->host.seal };
	world->plugin.sender = (struct pintle_sender){ .size = sizeof(world->plugin.sender),
						       .channel = "sms",
						       .send = send_as_told };
	for (size_t i = 0; i < N_SENDERS; i++)
		add_sender(world, i);
	world->group = (struct group){ .name = "sms", .senders = world->order, .n_senders = 3 };
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

static uint64_t counted(const struct world *world, enum metric_counter counter)
{
	return world->host.self->counters[counter];
}

/* ---- Stories ---- */

static const struct row {
	int32_t status[N_SENDERS];
	const char *rows;
	bool is_lost;
} table[] = {
	{ { PINTLE_OK }, "sms 138****8000 gate0=accepted id=up-1;", false },
	{ { PINTLE_UNAVAILABLE, PINTLE_OK },
	  "sms 138****8000 gate0=failed id=;sms 138****8000 gate1=accepted id=up-1;",
	  false },
	{ { PINTLE_BUSY, PINTLE_INTERNAL, PINTLE_OK },
	  "sms 138****8000 gate0=failed id=;sms 138****8000 gate1=failed id=;"
	  "sms 138****8000 gate2=accepted id=up-1;",
	  false },
	{ { PINTLE_TIMEOUT, PINTLE_OK }, "sms 138****8000 gate0=unclear id=;", false },
	{ { PINTLE_INVALID, PINTLE_OK }, "sms 138****8000 gate0=refused id=;", true },
	{ { PINTLE_LIMITED, PINTLE_OK }, "sms 138****8000 gate0=limited id=;", true },
	{ { PINTLE_UNAVAILABLE, PINTLE_UNAVAILABLE, PINTLE_UNAVAILABLE },
	  "sms 138****8000 gate0=failed id=;sms 138****8000 gate1=failed id=;"
	  "sms 138****8000 gate2=failed id=;",
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

static void a_quarantined_sender_is_passed_over(void **state)
{
	struct world *world = *state;

	atomic_store(&world->board->instances[world->senders[0].board_index].is_quarantined, 1);
	assert_true(message_group_ok(&world->host, "sms"));
	assert_true(message_queue(&world->host, new_message()));
	deliver_all(world);
	assert_string_equal(world->rows, "sms 138****8000 gate1=accepted id=up-1;");
}

static void a_group_without_senders_is_not_ok(void **state)
{
	struct world *world = *state;

	assert_true(message_group_exists(&world->host, "sms"));
	assert_false(message_group_exists(&world->host, "mail"));
	assert_false(message_group_ok(&world->host, "mail"));
	for (size_t i = 0; i < N_SENDERS; i++)
		atomic_store(&world->board->instances[world->senders[i].board_index].is_quarantined,
			     1);
	assert_true(message_group_exists(&world->host, "sms"));
	assert_false(message_group_ok(&world->host, "sms"));
	assert_false(message_queue(&world->host, new_message()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_of_a_sender),
		cmocka_unit_test_setup_teardown(the_sender_gets_a_copy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_quarantined_sender_is_passed_over, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_group_without_senders_is_not_ok, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
