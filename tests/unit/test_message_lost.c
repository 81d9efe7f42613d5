/* SPDX-License-Identifier: Apache-2.0 */
/* What is never delivered is given back. */
#include "delivery.h"
#include "limbo.h"
#include "op.h"
#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A begin that has sent one message. */
static struct pintle_call *begin_of(struct delivery *world, struct request *request)
{
	struct pintle_call *call =
		call_new(&world->host, request, &world->senders[0], "begin", PINTLE_LOGIN);
	struct message *message = delivery_message();

	*message->flow_id = '\0';
	(void)snprintf(message->network, sizeof(message->network), "192.0.2.0/24");
	message_list_add(&call->sent, message);
	(void)snprintf(call->flow.id, sizeof(call->flow.id), "flow1");
	return call;
}

#define N_MISSING 3 /* counters of a code: its numbers, network and country */

static void expect_given_back(const struct delivery *world)
{
	assert_true(world->may_resend);
	assert_int_equal(world->n_given_back, N_MISSING);
	assert_string_equal(world->state, "fs:flow1=failed");
}

static void what_is_dropped_is_given_back(void **state)
{
	struct delivery *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);

	op_drop_messages(call);
	call_free(call);
	delivery_drain(world);
	expect_given_back(world);
}

/* Who has asked is answered first: the store may hang. */
static void what_is_dropped_is_given_back_by_another_thread(void **state)
{
	struct delivery *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);
	struct gate gate = { 0 };

	delivery_put(world, &gate, world->host.background);
	op_drop_messages(call);
	call_free(call);
	assert_int_equal(world->n_given_back, 0);
	assert_string_equal(world->state, "");
	atomic_store(&gate.is_open, true);
	delivery_drain(world);
	expect_given_back(world);
}

/* Of unbind or describe, which look after none. */
static void what_a_call_ends_with_is_given_back(void **state)
{
	struct delivery *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };

	call_free(begin_of(world, &request));
	delivery_drain(world);
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
	struct delivery *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);

	call_run(call, promise_to_answer, not_reached);
	assert_true(call_abandon(&request));
	delivery_drain(world);
	assert_true(world->may_resend);
	assert_int_equal(world->n_given_back, N_MISSING);
	call_free(call);
	call_done(call, PINTLE_OK);
	delivery_drain(world);
	assert_int_equal(world->n_given_back, N_MISSING);
	assert_int_equal(world->scripts[0].n_sent, 0);
	limbo_free_all();
}

static void what_finds_no_place_is_given_back(void **state)
{
	struct delivery *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);
	struct gate gates[2] = { 0 };

	delivery_put(world, &gates[0], world->host.delivery);
	delivery_put(world, &gates[1], world->host.delivery);
	assert_int_equal(op_queue_messages(call), PINTLE_BUSY);
	call_free(call);
	atomic_store(&gates[0].is_open, true);
	atomic_store(&gates[1].is_open, true);
	delivery_drain(world);
	expect_given_back(world);
}

/* What is waited for between two codes is none of its business. */
static void a_notice_that_is_dropped_is_given_back(void **state)
{
	struct delivery *world = *state;
	struct message *message = delivery_message();

	*message->flow_id = '\0';
	message->text.flags = PINTLE_MESSAGE_NOTICE;
	message_lose(&world->host, message);
	delivery_drain(world);
	assert_false(world->may_resend);
	assert_int_equal(world->n_given_back, 2); /* of the hour and of the day */
}

/* The twin of both. */
static void what_is_delivered_stays_counted(void **state)
{
	struct delivery *world = *state;
	struct request request = { .deadline_ms = INT64_MAX, .n_holders = 1 };
	struct pintle_call *call = begin_of(world, &request);

	assert_int_equal(op_queue_messages(call), PINTLE_OK);
	op_drop_messages(call);
	delivery_drain(world);
	assert_int_equal(world->scripts[0].n_sent, 1);
	assert_false(world->may_resend);
	assert_int_equal(world->n_given_back, 0);
	call_free(call);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, delivery_setup, delivery_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_dropped_is_given_back),
		STORY(what_is_dropped_is_given_back_by_another_thread),
		STORY(what_finds_no_place_is_given_back),
		STORY(what_a_call_ends_with_is_given_back),
		STORY(what_an_abandoned_op_has_sent_is_given_back_once),
		STORY(a_notice_that_is_dropped_is_given_back),
		STORY(what_is_delivered_stays_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
