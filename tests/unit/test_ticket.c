/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket.h"

#include "clock.h"
#include "probed_store.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TTL_MS 300000

static struct probed_store world;
static struct flows flows;
static struct flow flow;

static int begin(void **state)
{
	(void)state;
	probed_store_open(&world);
	flows = (struct flows){ &world.kv, world.seal };
	flow = (struct flow){ .instance = "main", .expires_ms = clock_now_ms() + TTL_MS };
	assert_true(rng_id(flow.id));
	assert_int_equal(flow_store(&flows, &world.arena, &flow, FOREVER), PINTLE_OK);
	return 0;
}

static int end(void **state)
{
	(void)state;
	probed_store_close(&world);
	return 0;
}

static struct ticket new_ticket(bool is_once)
{
	struct ticket ticket;

	assert_true(ticket_make(is_once, &ticket));
	assert_int_equal(ticket_store(&flows, &world.arena, &ticket, &flow, FOREVER), PINTLE_OK);
	kv_probe_reset(&world.probe);
	return ticket;
}

static int32_t open_in(const char *instance, const char *text)
{
	struct flow found = { 0 };
	int32_t status = ticket_open(&flows, &world.arena, instance, text, FOREVER, &found);

	if (status == PINTLE_OK)
		assert_string_equal(found.id, flow.id);
	flow_fini(&found);
	return status;
}

static int32_t open_flow(const char *text)
{
	return open_in("main", text);
}

static void it_leads_to_its_flow(void **state)
{
	struct ticket ticket = new_ticket(false);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(open_flow(ticket.text), PINTLE_OK);
}

static void one_for_once_is_taken_by_the_first(void **state)
{
	struct ticket ticket = new_ticket(true);

	(void)state;
	assert_int_equal(open_flow(ticket.text), PINTLE_OK);
	assert_int_equal(world.probe.ops[0], PINTLE_KV_TAKE);
	assert_int_equal(open_flow(ticket.text), PINTLE_NOT_FOUND);
}

static void nobody_makes_one_for_once_one_for_always(void **state)
{
	struct ticket ticket = new_ticket(true);
	char letter = ticket.text[0];

	(void)state;
	ticket.text[0] = new_ticket(false).text[0];
	assert_int_not_equal(ticket.text[0], letter);
	assert_int_equal(open_flow(ticket.text), PINTLE_NOT_FOUND);
	ticket.text[0] = letter;
	assert_int_equal(open_flow(ticket.text), PINTLE_OK);
}

/* Nor does the attempt take it away. */
static void it_is_none_in_another_instance(void **state)
{
	struct ticket ticket = new_ticket(true);

	(void)state;
	assert_int_equal(open_in("other", ticket.text), PINTLE_NOT_FOUND);
	assert_int_equal(open_in("", ticket.text), PINTLE_NOT_FOUND);
	assert_int_equal(open_flow(ticket.text), PINTLE_OK);
}

static void strange_ones_never_reach_the_store(void **state)
{
	struct ticket ticket = new_ticket(false);
	const char *const bad[] = { "",
				    "m",
				    flow.id,
				    ticket.text + 1,
				    arena_printf(&world.arena, "%sx", ticket.text),
				    arena_printf(&world.arena, "%s\n", ticket.text),
				    arena_printf(&world.arena, "%.22s", ticket.text),
				    arena_printf(&world.arena, "%.22s-", ticket.text),
				    arena_printf(&world.arena, "x%s", ticket.text + 1),
				    arena_printf(&world.arena, "%.21s\xc3\xa9", ticket.text) };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (open_flow(bad[i]) != PINTLE_NOT_FOUND || world.probe.n_ops != 0)
			fail_msg("%zu: %s", i, bad[i]);
}

static void it_is_letters_and_digits_and_no_two_are_alike(void **state)
{
	struct ticket a, b;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(ticket_make(i % 2, &a));
		assert_true(ticket_make(i % 2, &b));
		assert_int_equal(strlen(a.text), TICKET_LEN);
		assert_int_equal(strspn(a.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						"abcdefghijklmnopqrstuvwxyz0123456789"),
				 TICKET_LEN);
		assert_string_not_equal(a.text, b.text);
	}
}

static void it_ends_with_its_flow(void **state)
{
	struct ticket consumed = new_ticket(false);

	(void)state;
	world.shift_ms = TTL_MS - 1000;
	assert_int_equal(open_flow(consumed.text), PINTLE_OK);
	assert_int_equal(flow_consume(&flows, &world.arena, &flow, FOREVER), PINTLE_OK);
	assert_int_equal(open_flow(consumed.text), PINTLE_NOT_FOUND);
	world.shift_ms = TTL_MS + 1000;
	assert_int_equal(open_flow(consumed.text), PINTLE_NOT_FOUND);
	assert_int_equal(ticket_store(&flows, &world.arena, &consumed, &flow, FOREVER),
			 PINTLE_EXPIRED);
}

static void a_store_that_is_down_is_a_fault(void **state)
{
	struct ticket ticket = new_ticket(true);

	(void)state;
	for (int fail_at = 0; fail_at < 2; fail_at++) {
		kv_probe_reset(&world.probe);
		world.probe.fail_at = fail_at;
		assert_int_equal(open_flow(ticket.text), PINTLE_UNAVAILABLE);
	}
	world.probe.fail_at = 0;
	assert_int_equal(ticket_store(&flows, &world.arena, &ticket, &flow, FOREVER),
			 PINTLE_UNAVAILABLE);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(it_leads_to_its_flow),
		STORY(one_for_once_is_taken_by_the_first),
		STORY(nobody_makes_one_for_once_one_for_always),
		STORY(it_is_none_in_another_instance),
		STORY(strange_ones_never_reach_the_store),
		STORY(it_is_letters_and_digits_and_no_two_are_alike),
		STORY(it_ends_with_its_flow),
		STORY(a_store_that_is_down_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
