/* SPDX-License-Identifier: Apache-2.0 */
/* Which sender has a message, and what a sender is given. */
#include "delivery.h"
#include "gateway_switch.h"
#include "limbo.h"
#include "metrics_message.h"
#include "services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
	int32_t status[DELIVERY_SENDERS];
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
		struct delivery *world;

		assert_int_equal(delivery_setup((void **)&world), 0);
		for (size_t s = 0; s < DELIVERY_SENDERS; s++)
			world->scripts[s].status = table[i].status[s];
		assert_true(message_queue(&world->host, delivery_message()));
		delivery_drain(world);
		if (strcmp(world->rows, table[i].rows) != 0)
			fail_msg("row %zu: '%s'", i, world->rows);
		if (strcmp(world->state, table[i].is_lost ? "fs:flow1=failed" : "") != 0)
			fail_msg("row %zu: flow '%s'", i, world->state);
		if (world->may_resend != table[i].is_lost)
			fail_msg("row %zu: may resend: %d", i, world->may_resend);
		if (delivery_counted(world, METRIC_MESSAGES_FAILED) != table[i].is_lost ||
		    delivery_counted(world, METRIC_MESSAGES_OK) == table[i].is_lost)
			fail_msg("row %zu: counters", i);
		(void)delivery_teardown((void **)&world);
	}
	(void)state;
}

static void the_sender_gets_a_copy(void **state)
{
	struct delivery *world = *state;

	assert_true(message_queue(&world->host, delivery_message()));
	delivery_drain(world);
	assert_string_equal(world->scripts[0].seen, "+8613800138000 hello code=123456");
	assert_string_equal(world->scripts[1].seen, "");
}

/* Listeners are anybody's code, and some hang. */
static void background_work_that_hangs_holds_up_no_message(void **state)
{
	struct delivery *world = *state;
	struct gate gate = { 0 };

	delivery_put(world, &gate, world->host.background);
	assert_true(message_queue(&world->host, delivery_message()));
	delivery_wait_for_sent(world, 0, 1);
	atomic_store(&gate.is_open, true);
	delivery_drain(world);
}

/* It would be given less time than it needs, and its breaker the blame. */
static void no_sender_is_given_the_last_moment(void **state)
{
	struct delivery *world = *state;

	world->settings.pool.call_timeout_ms = 500;
	world->scripts[0].status = PINTLE_UNAVAILABLE;
	world->scripts[0].leave_ms = 50;
	assert_true(message_queue(&world->host, delivery_message()));
	delivery_drain(world);
	assert_int_equal(world->scripts[1].n_sent, 0);
	assert_string_equal(world->state, "fs:flow1=failed");
}

static void a_quarantined_sender_is_passed_over(void **state)
{
	struct delivery *world = *state;

	atomic_store(&world->board->instances[world->senders[0].board_index].is_quarantined, 1);
	assert_true(delivery_is_ok(world, "sms"));
	assert_true(message_queue(&world->host, delivery_message()));
	delivery_drain(world);
	assert_string_equal(world->rows, "sms 138****8000 86 gate1=accepted id=up-1 1;");
}

static void a_group_without_senders_is_not_ok(void **state)
{
	struct delivery *world = *state;

	assert_true(group_exists(&world->host, "sms"));
	assert_false(group_exists(&world->host, "mail"));
	assert_false(delivery_is_ok(world, "mail"));
	for (size_t i = 0; i < DELIVERY_SENDERS; i++)
		atomic_store(&world->board->instances[world->senders[i].board_index].is_quarantined,
			     1);
	assert_true(group_exists(&world->host, "sms"));
	assert_false(delivery_is_ok(world, "sms"));
	assert_true(message_queue(&world->host, delivery_message()));
	delivery_drain(world);
	assert_string_equal(world->state, "fs:flow1=failed");
}

static void a_sender_that_is_switched_off_is_passed_over(void **state)
{
	struct delivery *world = *state;

	(void)snprintf(world->off, sizeof(world->off), "gate0");
	delivery_send(world);
	assert_string_equal(world->rows, "sms 138****8000 86 gate1=accepted id=up-1 1;");
	assert_true(delivery_is_ok(world, "sms"));
}

/* Else each message would wait for a store that hangs. */
static void switches_that_cannot_be_read_are_left_alone_for_a_while(void **state)
{
	struct delivery *world = *state;

	world->off_status = PINTLE_TIMEOUT;
	gateway_read_switches(&world->host, DELIVERY_LONG_MS);
	gateway_read_switches(&world->host, DELIVERY_LONG_MS);
	assert_int_equal(world->n_off_read, 1);
	gateway_read_switches(&world->host, 0);
	assert_int_equal(world->n_off_read, 2);
}

/* ---- The same person again ---- */

static void the_next_message_takes_another_sender(void **state)
{
	struct delivery *world = *state;

	world->scripts[0].status = PINTLE_TIMEOUT;
	world->is_again = true;
	delivery_send(world);
	delivery_send(world);
	assert_string_equal(world->rows, "sms 138****8000 86 gate0=unclear id= 1;"
					 "sms 138****8000 86 gate1=accepted id=up-1 1;");
}

static bool has_target(const struct delivery *world)
{
	for (size_t i = 0; i < sizeof(world->records) / sizeof(world->records[0]); i++)
		if (strncmp(world->records[i].key, "m:t:", 4) == 0)
			return true;
	return false;
}

static uint64_t n_entered(const struct delivery *world, const char *gateway)
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
	struct delivery *world = *state;

	world->is_again = true;
	delivery_send(world);
	delivery_send(world);
	assert_true(has_target(world));
	assert_int_equal(n_entered(world, "gate0") + n_entered(world, "gate1"), 0);
}

static void a_code_may_be_entered_before_its_message_is_through(void **state)
{
	struct delivery *world = *state;
	struct record *record = delivery_record(world, "m:f:flow1");

	(void)snprintf(record->key, sizeof(record->key), "m:f:flow1");
	(void)snprintf(record->value, sizeof(record->value), "{\"entered\":1}");
	delivery_send(world);
	assert_false(has_target(world));
	assert_int_equal(n_entered(world, "gate0"), 1);
}

/* ---- Senders that do what they may not ---- */

static int32_t proof_status;

static int32_t ask_for_a_proof(void *self, struct pintle_call *call,
			       const struct pintle_message *message)
{
	const char *subject;

	(void)self, (void)message;
	proof_status = services()->prove(call, "phone", &subject);
	return PINTLE_OK;
}

static int32_t not_reached(void *self, struct pintle_call *call)
{
	(void)self;
	fail_msg("%s was run", call->op);
	return PINTLE_INTERNAL;
}

/* There is no request that could have one. */
static void a_sender_gets_no_proof(void **state)
{
	static const char *const namespaces[] = { "phone", NULL };
	struct delivery *world = *state;
	struct plugin *plugin = &world->plugin;

	plugin->provider = (struct pintle_provider){ .size = sizeof(plugin->provider),
						     .namespaces = namespaces,
						     .verify = not_reached };
	plugin->desc.provider = &plugin->provider;
	plugin->sender.send = ask_for_a_proof;
	delivery_send(world);
	assert_int_equal(proof_status, PINTLE_INTERNAL);
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
	struct delivery *world = *state;

	world->plugin.sender.send = promise;
	world->senders[0].settings.timeout_ms = 50;
	assert_true(message_queue(&world->host, delivery_message()));
	delivery_drain(world);
	world->plugin.sender.send = delivery_send_as_told;
	for (int i = 0; i < 4; i++)
		delivery_send(world);
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

#define STORY(test) cmocka_unit_test_setup_teardown(test, delivery_setup, delivery_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_of_a_sender),
		STORY(the_sender_gets_a_copy),
		STORY(background_work_that_hangs_holds_up_no_message),
		STORY(no_sender_is_given_the_last_moment),
		STORY(a_quarantined_sender_is_passed_over),
		STORY(a_group_without_senders_is_not_ok),
		STORY(a_sender_that_is_switched_off_is_passed_over),
		STORY(switches_that_cannot_be_read_are_left_alone_for_a_while),
		STORY(the_next_message_takes_another_sender),
		STORY(a_second_message_of_a_flow_is_no_entry),
		STORY(a_code_may_be_entered_before_its_message_is_through),
		STORY(a_sender_gets_no_proof),
		STORY(what_a_late_sender_was_lent_outlives_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
