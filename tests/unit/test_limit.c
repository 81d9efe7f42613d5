/* SPDX-License-Identifier: Apache-2.0 */
#include "limit.h"

#include "probed_store.h"
#include "send_limit.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_MS 60000
#define HOUR_MS 3600000

static const char *const two_countries[] = { "86", "852", NULL };

static const struct limit_settings settings = {
	.flow_ttl_ms = 300000,
	.flow_tries = 5,
	.resend_ms = MINUTE_MS,
	.code_failures = 10,
	.code_window_ms = 900000,
	.secret_failures = 4,
	.secret_window_ms = 900000,
	.secret_failures_total = 6,
	.send_target_hour = 5,
	.send_target_day = 10,
	.send_notice_hour = 5,
	.send_notice_day = 10,
	.send_address_hour = 20,
	.send_address_day = 100,
	.send_prefix_hour = 30,
	.send_prefix_day = 300,
	.send_global_hour = 40,
	.send_global_day = 400,
	.send_device_hour = 4,
	.send_device_day = 8,
	.missing_country = 1000,
	.missing_numbers = 1000,
	.missing_network = 1000,
	.missing_per_entry = 5,
	.missing_window_ms = HOUR_MS,
	.address_per_minute = 6,
	.address_auth_per_minute = 3,
	.countries = two_countries,
};

static struct probed_store world;
static struct limits limits;
static struct limit_settings current;
static struct limit_hit hit;
static struct send_alarm alarm_seen;

static int open_store(void **state)
{
	(void)state;
	current = settings;
	probed_store_open(&world);
	limits = (struct limits){ &world.kv, world.seal, &current };
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	probed_store_close(&world);
	return 0;
}

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(address_parse(&address, slice_of(text)));
	return address;
}

/* ---- The acts, shortened; each begins with a fresh count of ops ---- */

static int32_t ask(const char *from, bool is_auth)
{
	struct address client = address_of(from);

	kv_probe_reset(&world.probe);
	return limit_address(&limits, &world.arena, &client, is_auth, NULL, FOREVER, &hit);
}

static int32_t send_from_device(const char *to, const char *from, const char *device)
{
	struct address client = address_of(from);
	const struct send send = { to, &client, device, SEND_CODE };

	kv_probe_reset(&world.probe);
	alarm_seen = (struct send_alarm){ 0 };
	return send_limit_count(&limits, &world.arena, &send, FOREVER, &hit, &alarm_seen);
}

static int32_t send_to(const char *to, const char *from)
{
	return send_from_device(to, from, NULL);
}

static void forget(const struct limit_target *target, bool is_flow)
{
	struct kv_list list = { .arena = &world.arena };

	limit_put_forget(&limits, &list, target, is_flow);
	assert_int_equal(kv_do_list(&world.kv, &list, FOREVER), PINTLE_OK);
}

static int32_t try_code(const char *flow, const char *subject, int32_t purpose)
{
	const struct limit_target target = { "phone", subject, purpose, "main" };

	kv_probe_reset(&world.probe);
	return limit_code_try(&limits, &world.arena, flow, &target, FOREVER, &hit);
}

static int32_t try_secret(const char *instance, const char *subject)
{
	const struct limit_target target = { "username", subject, PINTLE_LOGIN, instance };

	kv_probe_reset(&world.probe);
	return limit_secret_try(&limits, &world.arena, &target, FOREVER, &hit);
}

static void assert_hit(const char *policy, int64_t quota, int64_t window_ms)
{
	assert_string_equal(hit.policy, policy);
	assert_int_equal(hit.quota, quota);
	assert_int_equal(hit.window_ms, window_ms);
	if (hit.retry_ms < 1 || hit.retry_ms > window_ms)
		fail_msg("%s: retry in %lld of %lld ms", policy, (long long)hit.retry_ms,
			 (long long)window_ms);
}

/* ---- Tests ---- */

static void every_act_is_one_step(void **state)
{
	static const size_t n_limits[] = { 1, 2, 12, 8, 2, 1, 2 };

	(void)state;
	for (int i = 0; i < 7; i++) {
		int32_t status = i == 0   ? ask("192.0.2.1", false)
				 : i == 1 ? ask("192.0.2.1", true)
				 : i == 2 ? send_to("+8613800138000", "192.0.2.1")
				 : i == 3 ? send_to("a@example.com", "192.0.2.1")
				 : i == 4 ? try_code("f", "u", PINTLE_LOGIN)
				 : i == 5 ? try_code("g", "", PINTLE_LOGIN)
					  : try_secret("main", "u");

		if (status != PINTLE_OK || world.probe.n_ops != 1 ||
		    world.probe.ops[0] != PINTLE_KV_LIMIT || world.probe.n_limits[0] != n_limits[i])
			fail_msg("%d: status %d, %d ops, %zu counters", i, status,
				 world.probe.n_ops, world.probe.n_limits[0]);
	}
}

static void without_the_store_all_is_refused(void **state)
{
	struct address client = address_of("192.0.2.1");
	const struct limit_target target = { "phone", "u", PINTLE_LOGIN, "main" };
	const struct send send = { "+861", &client, NULL, SEND_CODE };

	(void)state;
	kv_probe_reset(&world.probe);
	world.probe.fail_at = 0;
	assert_int_equal(limit_address(&limits, &world.arena, &client, true, NULL, FOREVER, &hit),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(send_limit_count(&limits, &world.arena, &send, FOREVER, &hit, &alarm_seen),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(send_limit_count_free(&limits, &world.arena, &send, FOREVER, &hit),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(send_limit_lost(&limits, &world.arena, "+861", "n", FOREVER),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(send_limit_lift(&limits, &world.arena, "country:86", FOREVER),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(limit_code_try(&limits, &world.arena, "f", &target, FOREVER, &hit),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(limit_secret_try(&limits, &world.arena, &target, FOREVER, &hit),
			 PINTLE_UNAVAILABLE);
}

static void an_address_has_so_many_a_minute(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask("2001:db8::1", true), PINTLE_OK);
	assert_int_equal(ask("2001:db8::ffff", true), PINTLE_LIMITED); /* the same /64 */
	assert_hit("address-auth", 3, MINUTE_MS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask("2001:db8::2", false), PINTLE_OK);
	assert_int_equal(ask("2001:db8::2", false), PINTLE_LIMITED);
	assert_hit("address", 6, MINUTE_MS);
	assert_int_equal(ask("2001:db8:0:1::1", true), PINTLE_OK);
	assert_int_equal(ask("192.0.2.1", true), PINTLE_OK);
	world.shift_ms = MINUTE_MS + 1;
	assert_int_equal(ask("2001:db8::1", true), PINTLE_OK);
}

/* A45: 1 a minute, 5 an hour, 10 a day, whoever asks. */
static void a_target_is_not_bombed(void **state)
{
	char from[32];
	int n_sent = 0;

	(void)state;
	current.send_address_hour = current.send_prefix_hour = current.send_global_hour = 100000;
	for (int minute = 0; minute < 1400; minute++) {
		world.shift_ms = minute * (MINUTE_MS + 1000);
		(void)snprintf(from, sizeof(from), "10.0.%d.%d", minute / 250, minute % 250);
		n_sent += send_to("+8613800138000", from) == PINTLE_OK;
		if (minute == 0) {
			assert_int_equal(send_to("+8613800138000", "10.9.9.9"), PINTLE_LIMITED);
			assert_hit("send-resend", 1, MINUTE_MS);
		}
		if (minute == 5) {
			assert_int_equal(n_sent, 5);
			assert_hit("send-target-hour", 5, HOUR_MS);
		}
		arena_fini(&world.arena);
	}
	assert_int_equal(n_sent, 10);
	assert_hit("send-target-day", 10, 24 * (int64_t)HOUR_MS);
	assert_int_equal(send_to("+8613800138001", from), PINTLE_OK);
}

/* A44: neighbouring numbers, from one address, one country, anywhere. */
static void pumping_is_bounded(void **state)
{
	static const struct {
		const char *policy;
		int64_t quota;
		bool one_address, one_country;
	} cases[] = {
		{ "send-address-hour", 20, true, false },
		{ "send-country-hour", 30, false, true },
		{ "send-global-hour", 40, false, false },
	};
	static const char *const countries[] = { "86", "852", "44", "1" };
	char to[32], from[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int n = 0;

		world.shift_ms = (int64_t)(i + 1) * 25 * HOUR_MS;
		do {
			(void)snprintf(to, sizeof(to), "+%s139%08d",
				       cases[i].one_country ? "86" : countries[n % 4], n);
			(void)snprintf(from, sizeof(from), "10.1.%d.1",
				       cases[i].one_address ? 1 : n);
		} while (send_to(to, from) == PINTLE_OK && ++n < 100);
		if (n != cases[i].quota)
			fail_msg("%zu: %d were sent, then %s", i, n, hit.policy);
		assert_hit(cases[i].policy, cases[i].quota, HOUR_MS);
	}
}

static void a_device_causes_so_many(void **state)
{
	char to[32];

	(void)state;
	for (int i = 0; i < 4; i++) {
		(void)snprintf(to, sizeof(to), "+86139%08d", i);
		assert_int_equal(send_from_device(to, "192.0.2.1", "mine"), PINTLE_OK);
	}
	assert_int_equal(send_from_device("+8613800138000", "192.0.2.9", "mine"), PINTLE_LIMITED);
	assert_hit("send-device-hour", 4, HOUR_MS);
	assert_int_equal(send_from_device("+8613800138000", "192.0.2.9", "other"), PINTLE_OK);
	assert_int_equal(send_to("+8613800138001", "192.0.2.9"), PINTLE_OK);
}

/* A spent budget of all or of a country is told once while it lasts; one of a person to nobody. */
static void a_spent_budget_is_told_once(void **state)
{
	char to[32];

	(void)state;
	for (int i = 0; i < 5; i++)
		(void)send_to("+8613800138000", "192.0.2.1");
	assert_string_equal(hit.policy, "send-resend");
	assert_string_equal(alarm_seen.what, "");
	assert_false(alarm_seen.is_first);
	current.send_prefix_hour = 1;
	for (int i = 0; i < 4; i++) {
		(void)snprintf(to, sizeof(to), "+86139%08d", i);
		assert_int_equal(send_to(to, "192.0.2.2"), PINTLE_LIMITED);
		assert_hit("send-country-hour", 1, HOUR_MS);
		assert_string_equal(alarm_seen.what, "country:86");
		assert_false(alarm_seen.is_missing);
		assert_int_equal(alarm_seen.is_first, i == 0);
	}
	world.shift_ms = HOUR_MS + 1;
	assert_int_equal(send_to("+8613900000001", "192.0.2.2"), PINTLE_OK);
	assert_int_equal(send_to("+8613900000002", "192.0.2.2"), PINTLE_LIMITED);
	assert_true(alarm_seen.is_first);
}

/* ---- Codes that nobody enters ---- */

struct scope_case {
	const char *policy, *what;
	bool one_country, one_block, one_network;
};

static const struct scope_case scope_cases[] = {
	{ "send-missing-country", "country:852", true, false, false },
	{ "send-missing-numbers", "numbers:+85250000", true, true, false },
	{ "send-missing-network", "network:10.1.2.0/24", false, false, true },
};
#define N_SCOPE_CASES (sizeof(scope_cases) / sizeof(scope_cases[0]))
#define MISSING 7

static char last_to[32], last_from[32];

/* The n-th message of a case: what it is about stays, all else changes. */
static int32_t send_nth(const struct scope_case *one, int n)
{
	(void)snprintf(last_to, sizeof(last_to), "+%d%d%03d", one->one_country ? 852 : 300 + n,
		       one->one_block ? 50000 : 60000 + n, n);
	(void)snprintf(last_from, sizeof(last_from), one->one_network ? "10.1.2.%d" : "10.%d.2.3",
		       n + 1);
	return send_to(last_to, last_from);
}

static void enter_last(void)
{
	struct kv_list list = { .arena = &world.arena };
	struct address client = address_of(last_from);
	char network[ADDRESS_NETWORK_MAX];

	address_network(&client, network);
	send_limit_entered(&limits, &list, last_to, network);
	assert_int_equal(kv_do_list(&world.kv, &list, FOREVER), PINTLE_OK);
}

static void set_missing(int64_t max)
{
	current.missing_country = current.missing_numbers = current.missing_network = max;
	current.send_prefix_hour = current.send_global_hour = current.send_address_hour = 100000;
	current.send_prefix_day = current.send_global_day = current.send_address_day = 100000;
}

static void codes_nobody_enters_hold_what_is_alike(void **state)
{
	(void)state;
	set_missing(MISSING);
	for (size_t i = 0; i < N_SCOPE_CASES; i++) {
		const struct scope_case *one = &scope_cases[i];

		world.shift_ms = (int64_t)i * (HOUR_MS + 1);
		for (int n = 0; n < MISSING + 3; n++) {
			int32_t expected = n < MISSING ? PINTLE_OK : PINTLE_LIMITED;

			if (send_nth(one, n) != expected)
				fail_msg("%s: message %d", one->policy, n);
			if (expected == PINTLE_OK)
				continue;
			/* A block is held before its country is. */
			assert_hit(one->policy, MISSING, HOUR_MS);
			assert_string_equal(alarm_seen.what, one->what);
			assert_true(alarm_seen.is_missing);
			assert_int_equal(alarm_seen.is_first, n == MISSING);
		}
		assert_int_equal(send_to("+4915112345678", "192.0.2.1"), PINTLE_OK);
	}
}

/* The twin: where one in five is entered nothing is held, however many are sent. */
static void where_codes_are_entered_nothing_is_held(void **state)
{
	(void)state;
	set_missing(MISSING);
	for (size_t i = 0; i < N_SCOPE_CASES; i++) {
		const struct scope_case *one = &scope_cases[i];

		world.shift_ms = (int64_t)i * (HOUR_MS + 1);
		for (int n = 0; n < 200; n++) {
			if (send_nth(one, n % 250) != PINTLE_OK)
				fail_msg("%s: message %d: %s", one->policy, n, hit.policy);
			if (n % 5 == 4)
				enter_last();
			arena_fini(&world.arena);
		}
	}
}

static void an_entered_code_ends_a_hold(void **state)
{
	(void)state;
	set_missing(MISSING);
	for (int n = 0; n <= MISSING; n++)
		(void)send_nth(&scope_cases[0], n);
	assert_hit("send-missing-country", MISSING, HOUR_MS);
	enter_last();
	for (int n = 0; n < 5; n++)
		assert_int_equal(send_nth(&scope_cases[0], 20 + n), PINTLE_OK);
	assert_int_equal(send_nth(&scope_cases[0], 30), PINTLE_LIMITED);
}

/* Entries bank nothing that codes nobody enters could be paid with. */
static void entered_codes_are_not_saved_up(void **state)
{
	(void)state;
	set_missing(MISSING);
	for (size_t i = 0; i < N_SCOPE_CASES; i++) {
		const struct scope_case *one = &scope_cases[i];

		world.shift_ms = (int64_t)i * (HOUR_MS + 1);
		for (int n = 0; n < 20; n++) {
			assert_int_equal(send_nth(one, n), PINTLE_OK);
			enter_last();
		}
		for (int n = 0; n < MISSING; n++)
			assert_int_equal(send_nth(one, 100 + n), PINTLE_OK);
		assert_int_equal(send_nth(one, 200), PINTLE_LIMITED);
		assert_hit(one->policy, MISSING, HOUR_MS);
	}
}

/* A message lost in one window takes nothing from the next, and does not begin it. */
static void a_loss_begins_no_window(void **state)
{
	(void)state;
	set_missing(MISSING);
	(void)send_nth(&scope_cases[1], 0);
	world.shift_ms = HOUR_MS + 1;
	assert_int_equal(send_limit_lost(&limits, &world.arena, last_to, "10.0.2.0/24", FOREVER),
			 PINTLE_OK);
	world.shift_ms += HOUR_MS / 2;
	for (int n = 0; n <= MISSING; n++)
		(void)send_nth(&scope_cases[1], 10 + n);
	assert_hit("send-missing-numbers", MISSING, HOUR_MS);
	assert_true(hit.retry_ms > HOUR_MS / 2);
}

static void a_lost_message_is_not_missing(void **state)
{
	(void)state;
	set_missing(MISSING);
	for (int n = 0; n < 3 * MISSING; n++) {
		assert_int_equal(send_nth(&scope_cases[1], n), PINTLE_OK);
		assert_int_equal(send_limit_lost(&limits, &world.arena, "+85250000000",
						 "10.1.2.0/24", FOREVER),
				 PINTLE_OK);
	}
	assert_int_equal(send_to("+85250000999", "10.9.9.9"), PINTLE_OK);
	assert_int_equal(send_to("+85250000999", "10.9.9.9"), PINTLE_LIMITED);
	assert_int_equal(
		send_limit_lost(&limits, &world.arena, "+85250000999", "10.9.9.0/24", FOREVER),
		PINTLE_OK);
	assert_int_equal(send_to("+85250000999", "10.9.9.9"), PINTLE_OK); /* at once */
}

/* What asks for nothing back is never missing. */
static void what_is_no_code_is_not_missing(void **state)
{
	struct address client = address_of("10.1.2.3");
	char number[32];

	(void)state;
	set_missing(1);
	for (int n = 0; n < 20; n++) {
		const struct send send = { number, &client, NULL, SEND_OTHER };

		(void)snprintf(number, sizeof(number), "+852500000%02d", n);
		assert_int_equal(
			send_limit_count(&limits, &world.arena, &send, FOREVER, &hit, &alarm_seen),
			PINTLE_OK);
	}
	assert_int_equal(send_to("+85250000099", "10.1.2.3"), PINTLE_OK);
	assert_int_equal(send_to("+85250000098", "10.1.2.3"), PINTLE_LIMITED);
}

/* By who is at 192.0.2.1 with the device d. */
static int32_t tell(const char *to)
{
	struct address client = address_of("192.0.2.1");
	const struct send send = { to, &client, "d", SEND_NOTICE };

	return send_limit_count(&limits, &world.arena, &send, FOREVER, &hit, &alarm_seen);
}

static void spend(const char *to, const char *policy)
{
	int32_t status = PINTLE_OK;

	for (int n = 0; status == PINTLE_OK && n < 1000; n++)
		status = send_from_device(to, "192.0.2.1", "d");
	assert_int_equal(status, PINTLE_LIMITED);
	assert_string_equal(hit.policy, policy);
}

/* A45: nor more of them than that, and codes are none the fewer. */
static void a_notice_has_a_budget_of_its_own(void **state)
{
	const char *to = "a@example.com";

	(void)state;
	current.send_notice_hour = 2;
	current.send_notice_day = 3;
	assert_int_equal(tell("b@example.com"), PINTLE_OK);
	spend(to, "send-resend");
	assert_int_equal(tell(to), PINTLE_OK);
	assert_int_equal(tell(to), PINTLE_OK);
	assert_int_equal(tell(to), PINTLE_LIMITED);
	assert_hit("send-notice-hour", 2, HOUR_MS);
	world.shift_ms = HOUR_MS + 1;
	assert_int_equal(send_from_device(to, "192.0.2.1", "d"), PINTLE_OK);
	assert_int_equal(tell(to), PINTLE_OK);
	assert_int_equal(tell(to), PINTLE_LIMITED);
	assert_hit("send-notice-day", 3, 24 * HOUR_MS);
}

static void nobody_spends_the_notices_of_others(void **state)
{
	(void)state;
	current.send_device_hour = current.send_address_hour = 1;
	spend("a@example.com", "send-resend");
	spend("b@example.com", "send-address-hour");
	assert_int_equal(tell("c@example.com"), PINTLE_OK);
	assert_int_equal(tell("d@example.com"), PINTLE_OK);
}

/* A44: what all messages may cost bounds them too. */
static void a_notice_is_part_of_what_all_may_cost(void **state)
{
	(void)state;
	current.send_prefix_hour = 1;
	assert_int_equal(tell("+8613800138000"), PINTLE_OK);
	assert_int_equal(tell("+8613800138001"), PINTLE_LIMITED);
	assert_hit("send-country-hour", 1, HOUR_MS);
	assert_true(alarm_seen.is_first);
}

/* Who has changes fail, each after its notice, would keep the one that counts from coming. */
static void a_lost_notice_is_not_counted(void **state)
{
	const char *to = "a@example.com";

	(void)state;
	current.send_notice_hour = current.send_notice_day = 1;
	spend(to, "send-resend");
	for (int n = 0; n < 3; n++) {
		assert_int_equal(tell(to), PINTLE_OK);
		assert_int_equal(send_limit_lost_notice(&limits, &world.arena, to, FOREVER),
				 PINTLE_OK);
	}
	spend(to, "send-resend"); /* a code still waits for its turn */
	assert_int_equal(tell(to), PINTLE_OK);
	assert_int_equal(tell(to), PINTLE_LIMITED);
}

static void an_operator_lifts_a_hold(void **state)
{
	static const char *const none[] = { "", ":", "all", "country", "planet:3", "852" };

	(void)state;
	set_missing(MISSING);
	for (int round = 0; round < 3; round++) {
		for (int n = 0; n < MISSING; n++)
			assert_int_equal(send_nth(&scope_cases[0], n + 20 * round), PINTLE_OK);
		assert_int_equal(send_nth(&scope_cases[0], 99), PINTLE_LIMITED);
		assert_true(alarm_seen.is_first);
		assert_int_equal(send_limit_lift(&limits, &world.arena, "country:852", FOREVER),
				 PINTLE_OK);
	}
	assert_int_equal(send_limit_lift(&limits, &world.arena, "country:44", FOREVER),
			 PINTLE_NOT_FOUND);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		if (send_limit_lift(&limits, &world.arena, none[i], FOREVER) != PINTLE_INVALID)
			fail_msg("\"%s\" was taken", none[i]);
	}
}

static void mail_has_no_country_but_a_network(void **state)
{
	char to[32];

	(void)state;
	set_missing(MISSING);
	for (int n = 0; n <= MISSING; n++) {
		(void)snprintf(to, sizeof(to), "user%d@example.com", n);
		assert_int_equal(send_to(to, "2001:db8:7:1::1"),
				 n < MISSING ? PINTLE_OK : PINTLE_LIMITED);
	}
	assert_string_equal(alarm_seen.what, "network:2001:db8:7::/48");
	assert_int_equal(send_to("user@example.com", "2001:db8:8:1::1"), PINTLE_OK);
}

static void a_message_that_goes_nowhere_costs_nothing(void **state)
{
	struct address client = address_of("192.0.2.1");
	const struct send send = { "+8613800138000", &client, NULL, SEND_CODE };

	(void)state;
	current.send_global_hour = current.send_prefix_hour = 1;
	assert_int_equal(send_limit_count_free(&limits, &world.arena, &send, FOREVER, &hit),
			 PINTLE_OK);
	assert_int_equal(send_limit_count_free(&limits, &world.arena, &send, FOREVER, &hit),
			 PINTLE_LIMITED);
	assert_hit("send-resend", 1, MINUTE_MS);
	assert_int_equal(send_to("+8613800138001", "192.0.2.1"), PINTLE_OK);
}

static void a_refused_send_counts_nowhere(void **state)
{
	(void)state;
	current.send_address_hour = 2;
	assert_int_equal(send_to("+8613800138000", "192.0.2.1"), PINTLE_OK);
	for (int i = 0; i < 10; i++)
		assert_int_equal(send_to("+8613800138000", "192.0.2.1"), PINTLE_LIMITED);
	assert_int_equal(send_to("+8613800138001", "192.0.2.1"), PINTLE_OK);
	assert_int_equal(send_to("+8613800138002", "192.0.2.1"), PINTLE_LIMITED);
	assert_hit("send-address-hour", 2, HOUR_MS);
}

/* A01: ten wrong codes in a window, over any number of flows and sends. */
static void new_flows_give_no_new_tries(void **state)
{
	char flow[32];
	int n_evaluated = 0;

	(void)state;
	for (int round = 0; round < 10; round++) {
		(void)snprintf(flow, sizeof(flow), "flow-%d", round);
		for (int i = 0; i < 4; i++)
			n_evaluated += try_code(flow, "u", PINTLE_LOGIN) == PINTLE_OK;
	}
	assert_int_equal(n_evaluated, 10);
	assert_hit("code-failures", 10, 900000);
	assert_int_equal(try_code("other", "v", PINTLE_LOGIN), PINTLE_OK);
	assert_int_equal(try_code("other", "u", PINTLE_RESET), PINTLE_OK);
	world.shift_ms = 900001;
	assert_int_equal(try_code("later", "u", PINTLE_LOGIN), PINTLE_OK);
}

/* Tries at the end of one window and the start of the next must not add up to twice the number. */
static void no_window_holds_more_failures(void **state)
{
	static const int at_s[] = { 0, 890, 899, 900, 901, 1789, 1799, 1801, 2700 };
	static const int n_made[] = { 1, 9, 0, 0, 0, 0, 10, 0, 10 };

	(void)state;
	current.flow_tries = 1000;
	current.secret_failures = 10;
	current.secret_failures_total = 1000;
	for (size_t i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++) {
		int n_codes = 0, n_secrets = 0, n_wanted = i == 0 ? 1 : 20;

		world.shift_ms = at_s[i] * INT64_C(1000);
		for (int n = 0; n < n_wanted; n++) {
			n_codes += try_code("f", "u", PINTLE_LOGIN) == PINTLE_OK;
			n_secrets += try_secret("main", "u") == PINTLE_OK;
		}
		if (n_codes != n_made[i] || n_secrets != n_made[i])
			fail_msg("at %d s: %d codes and %d secrets, not %d", at_s[i], n_codes,
				 n_secrets, n_made[i]);
	}
}

/* Its twin: a budget is whole again when its window ends, however late the last count was. */
static void a_budget_does_not_slide(void **state)
{
	(void)state;
	assert_int_equal(ask("192.0.2.1", true), PINTLE_OK);
	world.shift_ms = MINUTE_MS - 1000;
	assert_int_equal(ask("192.0.2.1", true), PINTLE_OK);
	assert_int_equal(ask("192.0.2.1", true), PINTLE_OK);
	assert_int_equal(ask("192.0.2.1", true), PINTLE_LIMITED);
	world.shift_ms = MINUTE_MS;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask("192.0.2.1", true), PINTLE_OK);
	assert_int_equal(ask("192.0.2.1", true), PINTLE_LIMITED);
}

static void a_flow_has_so_many_tries(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_code("f", "u", PINTLE_LOGIN), PINTLE_OK);
	assert_int_equal(try_code("f", "u", PINTLE_LOGIN), PINTLE_LIMITED);
	assert_hit("flow-tries", 5, 300000);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_code("untargeted", "", PINTLE_LOGIN), PINTLE_OK);
	assert_int_equal(try_code("untargeted", NULL, PINTLE_LOGIN), PINTLE_LIMITED);
}

static void a_success_forgets_its_own_failures_only(void **state)
{
	const struct limit_target target = { "phone", "u", PINTLE_LOGIN, "main" };

	(void)state;
	current.flow_tries = 1000;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(try_code("f", "u", PINTLE_LOGIN), PINTLE_OK);
		assert_int_equal(try_code("g", "u", PINTLE_RESET), PINTLE_OK);
	}
	forget(&target, true);
	assert_int_equal(try_code("f", "u", PINTLE_LOGIN), PINTLE_OK);
	assert_int_equal(try_code("g", "u", PINTLE_RESET), PINTLE_LIMITED);
	forget(&target, true);
	forget(&target, true);
}

static void a_secret_has_a_window_and_a_total(void **state)
{
	const struct limit_target target = { "username", "u", PINTLE_LOGIN, "main" };

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_secret("main", "u"), PINTLE_OK);
	assert_int_equal(try_secret("main", "u"), PINTLE_LIMITED);
	assert_hit("secret-failures", 4, 900000);
	assert_int_equal(try_secret("second", "u"), PINTLE_OK);
	assert_int_equal(try_secret("main", "v"), PINTLE_OK);
	/* A76: other ways in are not touched. */
	assert_int_equal(try_code("f", "u", PINTLE_LOGIN), PINTLE_OK);
	world.shift_ms = 900001;
	assert_int_equal(try_secret("main", "u"), PINTLE_OK);
	assert_int_equal(try_secret("main", "u"), PINTLE_OK);
	assert_int_equal(try_secret("main", "u"), PINTLE_LIMITED);
	assert_string_equal(hit.policy, "secret-failures-total");
	forget(&target, false);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_secret("main", "u"), PINTLE_OK);
	assert_int_equal(try_secret("main", "u"), PINTLE_LIMITED);
	assert_hit("secret-failures", 4, 900000);
}

/* A70: nothing counts as everything. */
static void zero_and_less_mean_never(void **state)
{
	static const int64_t none[] = { 0, -1, INT64_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		current.flow_tries = current.secret_failures = none[i];
		current.send_global_hour = current.address_per_minute = none[i];
		assert_int_equal(ask("192.0.2.1", false), PINTLE_LIMITED);
		assert_int_equal(send_to("a@example.com", "192.0.2.1"), PINTLE_LIMITED);
		assert_int_equal(try_code("f", "u", PINTLE_LOGIN), PINTLE_LIMITED);
		assert_int_equal(try_secret("main", "u"), PINTLE_LIMITED);
	}
}

static void countries_are_a_list_of_the_allowed(void **state)
{
	static const char *const all[] = { "*", NULL };
	static const char *const none[] = { NULL };
	static const struct {
		const char *phone;
		bool ok;
	} cases[] = {
		{ "+8613800138000", true },
		{ "+85291234567", true },
		{ "+85391234567", false },
		{ "+12025550123", false },
		{ "+8", false },
		{ "+", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		current.countries = two_countries;
		if (send_limit_country_ok(&current, cases[i].phone) != cases[i].ok)
			fail_msg("%zu: %s", i, cases[i].phone);
		current.countries = all;
		if (!send_limit_country_ok(&current, cases[i].phone))
			fail_msg("%zu: %s with *", i, cases[i].phone);
		current.countries = none;
		if (send_limit_country_ok(&current, cases[i].phone))
			fail_msg("%zu: %s with none", i, cases[i].phone);
		current.countries = NULL;
		assert_false(send_limit_country_ok(&current, cases[i].phone));
	}
	assert_true(send_limit_country_ok(&current, "bob@example.com"));
	assert_true(send_limit_country_ok(&current, "+1@example.com"));
}

/* What is asked beside has its own answer, and comes second. */
static void a_look_beside_changes_no_count(void **state)
{
	struct address client = address_of("192.0.2.1");
	struct kv_op beside = { .request = kv_get("absent") };

	(void)state;
	for (int i = 0; i < 4; i++) {
		int32_t wanted = i < 3 ? PINTLE_OK : PINTLE_LIMITED;

		kv_probe_reset(&world.probe);
		beside.status = PINTLE_OK;
		assert_int_equal(
			limit_address(&limits, &world.arena, &client, true, &beside, FOREVER, &hit),
			wanted);
		assert_int_equal(world.probe.n_ops, 2);
		assert_int_equal(world.probe.ops[0], PINTLE_KV_LIMIT);
		assert_int_equal(beside.status, PINTLE_NOT_FOUND);
	}
	kv_probe_reset(&world.probe);
	world.probe.fail_at = 1;
	world.shift_ms = 60000;
	assert_int_equal(
		limit_address(&limits, &world.arena, &client, true, &beside, FOREVER, &hit),
		PINTLE_OK);
	assert_int_equal(beside.status, PINTLE_UNAVAILABLE);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(every_act_is_one_step),
		WITH_STORE(without_the_store_all_is_refused),
		WITH_STORE(an_address_has_so_many_a_minute),
		WITH_STORE(a_target_is_not_bombed),
		WITH_STORE(pumping_is_bounded),
		WITH_STORE(a_device_causes_so_many),
		WITH_STORE(a_spent_budget_is_told_once),
		WITH_STORE(codes_nobody_enters_hold_what_is_alike),
		WITH_STORE(where_codes_are_entered_nothing_is_held),
		WITH_STORE(an_entered_code_ends_a_hold),
		WITH_STORE(entered_codes_are_not_saved_up),
		WITH_STORE(a_loss_begins_no_window),
		WITH_STORE(a_lost_message_is_not_missing),
		WITH_STORE(what_is_no_code_is_not_missing),
		WITH_STORE(a_notice_has_a_budget_of_its_own),
		WITH_STORE(nobody_spends_the_notices_of_others),
		WITH_STORE(a_notice_is_part_of_what_all_may_cost),
		WITH_STORE(a_lost_notice_is_not_counted),
		WITH_STORE(an_operator_lifts_a_hold),
		WITH_STORE(mail_has_no_country_but_a_network),
		WITH_STORE(a_message_that_goes_nowhere_costs_nothing),
		WITH_STORE(a_refused_send_counts_nowhere),
		WITH_STORE(new_flows_give_no_new_tries),
		WITH_STORE(no_window_holds_more_failures),
		WITH_STORE(a_budget_does_not_slide),
		WITH_STORE(a_flow_has_so_many_tries),
		WITH_STORE(a_success_forgets_its_own_failures_only),
		WITH_STORE(a_secret_has_a_window_and_a_total),
		WITH_STORE(a_look_beside_changes_no_count),
		WITH_STORE(zero_and_less_mean_never),
		WITH_STORE(countries_are_a_list_of_the_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
