/* SPDX-License-Identifier: Apache-2.0 */
#include "ticket.h"

#include "clock.h"
#include "kv_memory.h"
#include "kv_probe.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TTL_MS 300000
#define FOREVER INT64_MAX

static const char *const secrets[] = { "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", NULL };

static struct kv_memory *memory;
static struct kv_probe probe;
static struct kv kv;
static struct seal *seal;
static struct flows flows;
static struct arena arena;
static struct flow flow;
static _Atomic int64_t shift_ms;

static int begin(void **state)
{
	struct err err;

	(void)state;
	shift_ms = 0;
	memory = kv_memory_new(clock_now_ms);
	kv_probe_init(&probe, &(struct kv){ .ops = &kv_memory_ops, .self = memory }, &kv);
	seal = seal_new(secrets, NULL, &err);
	flows = (struct flows){ &kv, seal };
	flow = (struct flow){ .instance = "main", .expires_ms = clock_now_ms() + TTL_MS };
	assert_true(rng_id(flow.id));
	assert_int_equal(flow_store(&flows, &arena, &flow, FOREVER), PINTLE_OK);
	return 0;
}

static int end(void **state)
{
	(void)state;
	kv_memory_free(memory);
	seal_free(seal);
	arena_fini(&arena);
	return 0;
}

static struct ticket new_ticket(bool is_once)
{
	struct ticket ticket;

	assert_true(ticket_make(is_once, &ticket));
	assert_int_equal(ticket_store(&flows, &arena, &ticket, &flow, FOREVER), PINTLE_OK);
	kv_probe_reset(&probe);
	return ticket;
}

static int32_t open_in(const char *instance, const char *text)
{
	struct flow found = { 0 };
	int32_t status = ticket_open(&flows, &arena, instance, text, FOREVER, &found);

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
	assert_int_equal(probe.ops[0], PINTLE_KV_TAKE);
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
				    arena_printf(&arena, "%sx", ticket.text),
				    arena_printf(&arena, "%s\n", ticket.text),
				    arena_printf(&arena, "%.22s", ticket.text),
				    arena_printf(&arena, "%.22s-", ticket.text),
				    arena_printf(&arena, "x%s", ticket.text + 1),
				    arena_printf(&arena, "%.21s\xc3\xa9", ticket.text) };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (open_flow(bad[i]) != PINTLE_NOT_FOUND || probe.n_ops != 0)
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
	shift_ms = TTL_MS - 1000;
	assert_int_equal(open_flow(consumed.text), PINTLE_OK);
	assert_int_equal(flow_consume(&flows, &arena, &flow, FOREVER), PINTLE_OK);
	assert_int_equal(open_flow(consumed.text), PINTLE_NOT_FOUND);
	shift_ms = TTL_MS + 1000;
	assert_int_equal(open_flow(consumed.text), PINTLE_NOT_FOUND);
	assert_int_equal(ticket_store(&flows, &arena, &consumed, &flow, FOREVER), PINTLE_EXPIRED);
}

static void a_store_that_is_down_is_a_fault(void **state)
{
	struct ticket ticket = new_ticket(true);

	(void)state;
	for (int fail_at = 0; fail_at < 2; fail_at++) {
		kv_probe_reset(&probe);
		probe.fail_at = fail_at;
		assert_int_equal(open_flow(ticket.text), PINTLE_UNAVAILABLE);
	}
	probe.fail_at = 0;
	assert_int_equal(ticket_store(&flows, &arena, &ticket, &flow, FOREVER), PINTLE_UNAVAILABLE);
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

	clock_set_shift(&shift_ms);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
