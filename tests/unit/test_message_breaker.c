/* SPDX-License-Identifier: Apache-2.0 */
/* Senders that fail go out of rotation, and come back. */
#include "clock.h"
#include "delivery.h"
#include "gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void five_failures_take_a_sender_out(void **state)
{
	struct delivery *world = *state;
	struct arena arena = { 0 };
	struct gateway_health health;

	world->scripts[0].status = PINTLE_UNAVAILABLE;
	for (int i = 0; i < GATEWAY_FAILURES; i++)
		delivery_send(world);
	assert_int_equal(world->scripts[0].n_sent, GATEWAY_FAILURES);
	delivery_send(world);
	delivery_send(world);
	assert_int_equal(world->scripts[0].n_sent, GATEWAY_FAILURES);
	assert_int_equal(world->scripts[1].n_sent, GATEWAY_FAILURES + 2);
	assert_int_equal(gateway_health(&world->host, &arena, &world->senders[0], &health),
			 PINTLE_OK);
	assert_true(health.opened_ms != 0 && !gateway_is_due(&health));
	arena_fini(&arena);
}

static void a_success_between_starts_the_count_anew(void **state)
{
	struct delivery *world = *state;

	for (int i = 0; i < 4 * GATEWAY_FAILURES; i++) {
		world->scripts[0].status =
			i % GATEWAY_FAILURES == 3 ? PINTLE_OK : PINTLE_UNAVAILABLE;
		delivery_send(world);
	}
	assert_int_equal(world->scripts[0].n_sent, 4 * GATEWAY_FAILURES);
}

/* Nothing else is left: the least bad is tried, the nearest to its probe first. */
static void with_all_out_one_is_tried_and_heals(void **state)
{
	struct delivery *world = *state;

	for (size_t i = 0; i < DELIVERY_SENDERS; i++)
		world->scripts[i].status = PINTLE_UNAVAILABLE;
	for (int i = 0; i < GATEWAY_FAILURES; i++)
		delivery_send(world);
	assert_true(delivery_is_ok(world, "sms"));
	world->scripts[2].status = PINTLE_OK;
	*world->state = '\0';
	delivery_send(world);
	assert_string_equal(world->state, "");
	assert_int_equal(world->scripts[2].n_sent, GATEWAY_FAILURES + 1);
	world->scripts[0].n_sent = 0;
	delivery_send(world);
	assert_int_equal(world->scripts[0].n_sent, 0);
}

static void a_message_is_the_probe(void **state)
{
	struct delivery *world = *state;

	delivery_take_out(world, 0);
	delivery_let_pass(world, GATEWAY_RETRY_MS);
	delivery_send(world); /* the probe, and it fails: the wait is twice as long */
	assert_int_equal(world->scripts[0].n_sent, 1);
	delivery_let_pass(world, GATEWAY_RETRY_MS + 1000);
	delivery_send(world);
	assert_int_equal(world->scripts[0].n_sent, 1);
	delivery_let_pass(world, GATEWAY_RETRY_MS);
	world->scripts[0].status = PINTLE_OK;
	delivery_send(world);
	delivery_send(world);
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
	struct delivery *world = *state;

	world->plugin.sender.probe = probe_as_told;
	delivery_take_out(world, 0);
	delivery_let_pass(world, GATEWAY_RETRY_MS);
	world->scripts[0].status = PINTLE_OK;
	delivery_send(world);
	assert_int_equal(world->scripts[0].n_probes, 1);
	assert_int_equal(world->scripts[0].n_sent, 0);
	delivery_send(world);
	assert_int_equal(world->scripts[0].n_probes, 1);
	assert_int_equal(world->scripts[0].n_sent, 1);
}

static void wait_for_waiting(struct delivery *world, const struct pool_class *class)
{
	int64_t until_ms = clock_mono_ms() + DELIVERY_LONG_MS / 2;
	struct pool_load load = { 0 };

	while (load.n_waiting == 0 && clock_mono_ms() < until_ms) {
		delivery_nap();
		pool_class_load(world->host.pool, class, &load);
	}
	assert_int_equal(load.n_waiting, 1);
}

/* A message in the queue of the first sender, behind something that stands there. */
static void queue_behind(struct delivery *world, struct gate *gate)
{
	delivery_put(world, gate, world->senders[0].class);
	assert_true(message_queue(&world->host, delivery_message()));
	wait_for_waiting(world, world->senders[0].class);
}

static void let_go(struct delivery *world, struct gate *gate)
{
	atomic_store(&gate->is_open, true);
	delivery_drain(world);
}

static void what_waits_for_a_sender_leaves_it_when_it_goes_out(void **state)
{
	struct delivery *world = *state;
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
	struct delivery *world = *state;
	struct gate gate = { 0 };

	queue_behind(world, &gate);
	let_go(world, &gate);
	assert_string_equal(world->rows, "sms 138****8000 86 gate0=accepted id=up-1 1;");
}

static void what_waits_for_the_last_sender_stays_with_it(void **state)
{
	struct delivery *world = *state;
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

#define STORY(test) cmocka_unit_test_setup_teardown(test, delivery_setup, delivery_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(five_failures_take_a_sender_out),
		STORY(a_success_between_starts_the_count_anew),
		STORY(with_all_out_one_is_tried_and_heals),
		STORY(a_message_is_the_probe),
		STORY(a_probe_of_its_own_spares_the_message),
		STORY(what_waits_for_a_sender_leaves_it_when_it_goes_out),
		STORY(what_waits_for_a_sender_that_is_well_is_sent_by_it),
		STORY(what_waits_for_the_last_sender_stays_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
