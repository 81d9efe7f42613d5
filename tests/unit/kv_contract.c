/* SPDX-License-Identifier: Apache-2.0 */
#include "kv_contract.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MINUTE_MS 60000
#define PATIENCE_MS 20000
#define TURN_MS 20
#define N_AT_ONCE 300

static int64_t mono_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void keep(void *ctx, const struct pintle_kv_answer *answer)
{
	struct kv_test_answer *out = ctx;
	size_t len =
		answer->value_len < sizeof(out->value) ? answer->value_len : sizeof(out->value) - 1;

	out->n_done++;
	out->status = answer->status;
	out->number = answer->number;
	out->ttl_ms = answer->ttl_ms;
	out->value_len = answer->value_len;
	if (answer->value)
		memcpy(out->value, answer->value, len);
}

void kv_test_ask(const struct kv_under_test *kv, const struct pintle_kv_request *request,
		 struct kv_test_answer *out)
{
	*out = (struct kv_test_answer){ .status = -1 };
	kv->ops->submit(kv->self, request, keep, out);
	if (kv->ops->flags & PINTLE_KV_INLINE)
		assert_int_equal(out->n_done, 1);
}

void kv_test_await(const struct kv_under_test *kv, const struct kv_test_answer *out)
{
	int64_t until_ms = mono_ms() + PATIENCE_MS;

	while (out->n_done == 0 && mono_ms() < until_ms)
		kv->turn(kv->ctx, TURN_MS);
	assert_int_equal(out->n_done, 1);
}

struct kv_test_answer kv_test_run(const struct kv_under_test *kv,
				  const struct pintle_kv_request *request)
{
	struct kv_test_answer out;

	kv_test_ask(kv, request, &out);
	kv_test_await(kv, &out);
	return out;
}

struct kv_test_answer kv_test_op(const struct kv_under_test *kv, int32_t op, const char *key,
				 const char *value, const char *expect, int64_t ttl_ms)
{
	const struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = op,
		.key = key,
		.key_len = strlen(key),
		.value = value,
		.value_len = value ? strlen(value) : 0,
		.expect = expect,
		.expect_len = expect ? strlen(expect) : 0,
		.ttl_ms = ttl_ms,
	};

	return kv_test_run(kv, &request);
}

struct kv_test_answer kv_test_incr(const struct kv_under_test *kv, const char *key, int64_t delta)
{
	const struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = PINTLE_KV_INCR,
		.key = key,
		.key_len = strlen(key),
		.ttl_ms = MINUTE_MS,
		.delta = delta,
	};

	return kv_test_run(kv, &request);
}

struct kv_test_answer kv_test_limit(const struct kv_under_test *kv,
				    const struct pintle_kv_limit *limits, size_t n_limits)
{
	const struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = PINTLE_KV_LIMIT,
		.limits = limits,
		.n_limits = n_limits,
	};

	return kv_test_run(kv, &request);
}

static void expect_op(const struct kv_under_test *kv, int32_t op, const char *key,
		      const char *value, const char *expect, int32_t status, const char *found)
{
	struct kv_test_answer out = kv_test_op(kv, op, key, value, expect, MINUTE_MS);

	if (out.status != status)
		fail_msg("op %d on %s: status %d, not %d", op, key, out.status, status);
	assert_string_equal(out.value, found);
}

static void op_table_with(const struct kv_under_test *kv, int64_t ttl_ms)
{
	static const struct {
		int32_t op;
		const char *value, *expect;
		int32_t status;
		const char *found;
	} steps[] = {
		{ PINTLE_KV_GET, NULL, NULL, PINTLE_NOT_FOUND, "" },
		{ PINTLE_KV_TAKE, NULL, NULL, PINTLE_NOT_FOUND, "" },
		{ PINTLE_KV_DELETE, NULL, NULL, PINTLE_NOT_FOUND, "" },
		{ PINTLE_KV_SWAP, "b", "a", PINTLE_NOT_FOUND, "" },
		{ PINTLE_KV_ADD, "a", NULL, PINTLE_OK, "" },
		{ PINTLE_KV_GET, NULL, NULL, PINTLE_OK, "a" },
		{ PINTLE_KV_ADD, "b", NULL, PINTLE_CONFLICT, "a" },
		{ PINTLE_KV_SWAP, "c", "b", PINTLE_CONFLICT, "a" },
		{ PINTLE_KV_SWAP, "c", "aa", PINTLE_CONFLICT, "a" },
		{ PINTLE_KV_SWAP, "c", "a", PINTLE_OK, "" },
		{ PINTLE_KV_GET, NULL, NULL, PINTLE_OK, "c" },
		{ PINTLE_KV_SET, "d", NULL, PINTLE_OK, "" },
		{ PINTLE_KV_DELETE, NULL, "c", PINTLE_CONFLICT, "d" },
		{ PINTLE_KV_DELETE, NULL, "d", PINTLE_OK, "" },
		{ PINTLE_KV_GET, NULL, NULL, PINTLE_NOT_FOUND, "" },
		{ PINTLE_KV_SET, "e", NULL, PINTLE_OK, "" },
		{ PINTLE_KV_TAKE, NULL, NULL, PINTLE_OK, "e" },
		{ PINTLE_KV_TAKE, NULL, NULL, PINTLE_NOT_FOUND, "" },
		{ PINTLE_KV_SET, "f", NULL, PINTLE_OK, "" },
		{ PINTLE_KV_DELETE, NULL, NULL, PINTLE_OK, "" },
		{ PINTLE_KV_ADD, "", NULL, PINTLE_OK, "" },
		{ PINTLE_KV_SWAP, "g", "", PINTLE_OK, "" },
		{ PINTLE_KV_TAKE, NULL, NULL, PINTLE_OK, "g" },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		bool is_reading = steps[i].op == PINTLE_KV_GET || steps[i].op == PINTLE_KV_TAKE;
		struct kv_test_answer out =
			kv_test_op(kv, steps[i].op, "t:one", steps[i].value, steps[i].expect,
				   is_reading ? ttl_ms : MINUTE_MS);

		if (out.status != steps[i].status || strcmp(out.value, steps[i].found) != 0)
			fail_msg("step %zu: status %d, not %d; value \"%s\", not \"%s\"", i,
				 out.status, steps[i].status, out.value, steps[i].found);
	}
}

/* With the remaining life and without. */
static void op_table(void **state)
{
	op_table_with(*state, 0);
	op_table_with(*state, PINTLE_KV_NO_LIFE);
}

static void ask_all(const struct kv_under_test *kv, struct kv_test_answer answers[N_AT_ONCE],
		    bool is_set)
{
	char key[16];

	for (int i = 0; i < N_AT_ONCE; i++) {
		struct pintle_kv_request request = {
			.size = sizeof(request),
			.op = i % 3 == 0 ? PINTLE_KV_TAKE : PINTLE_KV_GET,
			.ttl_ms = i % 2 == 0 ? PINTLE_KV_NO_LIFE : 0,
			.key = key,
			.key_len = (size_t)snprintf(key, sizeof(key), "m:%d", i),
		};

		if (is_set) {
			request.op = PINTLE_KV_SET;
			request.value = key;
			request.value_len = request.key_len;
			request.ttl_ms = MINUTE_MS;
		}
		kv_test_ask(kv, &request, &answers[i]);
	}
	for (int i = 0; i < N_AT_ONCE; i++) {
		kv_test_await(kv, &answers[i]);
		assert_int_equal(answers[i].status, PINTLE_OK);
	}
}

/* Answers find their own askers, whatever is under way beside them. */
static void many_at_once(void **state)
{
	static struct kv_test_answer answers[N_AT_ONCE]; /* if the test fails they may come late */
	char key[16];

	ask_all(*state, answers, true);
	ask_all(*state, answers, false);
	for (int i = 0; i < N_AT_ONCE; i++) {
		(void)snprintf(key, sizeof(key), "m:%d", i);
		assert_string_equal(answers[i].value, key);
	}
}

/* False where nobody can move the clock: what follows in the test cannot be seen. */
static bool pass_time(const struct kv_under_test *kv, int64_t ms)
{
	if (kv->move_clock)
		kv->move_clock(ms);
	return kv->move_clock != NULL;
}

static void expired_does_not_exist(void **state)
{
	const struct kv_under_test *kv = *state;
	struct kv_test_answer out;

	expect_op(kv, PINTLE_KV_SET, "x:get", "v", NULL, PINTLE_OK, "");
	expect_op(kv, PINTLE_KV_SET, "x:take", "v", NULL, PINTLE_OK, "");
	expect_op(kv, PINTLE_KV_SET, "x:add", "v", NULL, PINTLE_OK, "");
	expect_op(kv, PINTLE_KV_SET, "x:swap", "v", NULL, PINTLE_OK, "");
	expect_op(kv, PINTLE_KV_SET, "x:delete", "v", NULL, PINTLE_OK, "");
	assert_int_equal(kv_test_incr(kv, "x:count", 5).number, 5);
	if (!pass_time(kv, MINUTE_MS / 2))
		return;
	assert_int_equal(
		kv_test_op(kv, PINTLE_KV_GET, "x:get", NULL, NULL, PINTLE_KV_NO_LIFE).status,
		PINTLE_OK);
	out = kv_test_op(kv, PINTLE_KV_GET, "x:get", NULL, NULL, 0);
	assert_int_equal(out.status, PINTLE_OK);
	assert_true(out.ttl_ms > 0 && out.ttl_ms <= MINUTE_MS / 2);
	if (!pass_time(kv, MINUTE_MS / 2))
		return;
	expect_op(kv, PINTLE_KV_GET, "x:get", NULL, NULL, PINTLE_NOT_FOUND, "");
	expect_op(kv, PINTLE_KV_TAKE, "x:take", NULL, NULL, PINTLE_NOT_FOUND, "");
	expect_op(kv, PINTLE_KV_ADD, "x:add", "new", NULL, PINTLE_OK, "");
	expect_op(kv, PINTLE_KV_GET, "x:add", NULL, NULL, PINTLE_OK, "new");
	expect_op(kv, PINTLE_KV_SWAP, "x:swap", "new", "v", PINTLE_NOT_FOUND, "");
	expect_op(kv, PINTLE_KV_DELETE, "x:delete", NULL, NULL, PINTLE_NOT_FOUND, "");
	assert_int_equal(kv_test_incr(kv, "x:count", 5).number, 5);
}

static void swap_keeps_or_renews_the_expiry(void **state)
{
	const struct kv_under_test *kv = *state;

	expect_op(kv, PINTLE_KV_SET, "w:keep", "a", NULL, PINTLE_OK, "");
	expect_op(kv, PINTLE_KV_SET, "w:renew", "a", NULL, PINTLE_OK, "");
	if (!pass_time(kv, MINUTE_MS / 2))
		return;
	assert_int_equal(kv_test_op(kv, PINTLE_KV_SWAP, "w:keep", "b", "a", 0).status, PINTLE_OK);
	expect_op(kv, PINTLE_KV_SWAP, "w:renew", "b", "a", PINTLE_OK, "");
	if (!pass_time(kv, MINUTE_MS / 2))
		return;
	expect_op(kv, PINTLE_KV_GET, "w:keep", NULL, NULL, PINTLE_NOT_FOUND, "");
	expect_op(kv, PINTLE_KV_GET, "w:renew", NULL, NULL, PINTLE_OK, "b");
}

static void counts(void **state)
{
	const struct kv_under_test *kv = *state;

	assert_int_equal(kv_test_incr(kv, "n:a", 1).number, 1);
	assert_int_equal(kv_test_incr(kv, "n:a", 41).number, 42);
	assert_int_equal(kv_test_incr(kv, "n:a", -50).number, -8);
	expect_op(kv, PINTLE_KV_GET, "n:a", NULL, NULL, PINTLE_OK, "-8");
	if (!pass_time(kv, MINUTE_MS - 1000)) /* its expiry is that of its making */
		return;
	assert_true(kv_test_incr(kv, "n:a", 1).ttl_ms <= 1000);
	expect_op(kv, PINTLE_KV_SET, "n:text", "soup", NULL, PINTLE_OK, "");
	assert_int_equal(kv_test_incr(kv, "n:text", 1).status, PINTLE_INTERNAL);
	assert_int_equal(kv_test_incr(kv, "n:big", INT64_MAX).status, PINTLE_OK);
	assert_int_equal(kv_test_incr(kv, "n:big", 1).status, PINTLE_INTERNAL);
	expect_op(kv, PINTLE_KV_GET, "n:big", NULL, NULL, PINTLE_OK, "9223372036854775807");
}

static struct kv_test_answer take_down(const struct kv_under_test *kv, const char *key, int64_t n)
{
	const struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = PINTLE_KV_INCR,
		.flags = PINTLE_KV_FLOOR,
		.key = key,
		.key_len = strlen(key),
		.ttl_ms = MINUTE_MS,
		.delta = -n,
	};

	return kv_test_run(kv, &request);
}

static void a_floor_holds(void **state)
{
	const struct kv_under_test *kv = *state;
	struct kv_test_answer out = take_down(kv, "f:a", 5);

	assert_int_equal(out.status, PINTLE_OK);
	assert_int_equal(out.number, 0);
	expect_op(kv, PINTLE_KV_GET, "f:a", NULL, NULL, PINTLE_NOT_FOUND, "");
	assert_int_equal(take_down(kv, "f:a", -3).number, 3); /* upwards it is no different */
	assert_int_equal(take_down(kv, "f:a", 2).number, 1);
	assert_int_equal(take_down(kv, "f:a", 5).number, 0);
	expect_op(kv, PINTLE_KV_GET, "f:a", NULL, NULL, PINTLE_OK, "0");
	assert_int_equal(take_down(kv, "f:a", 1).number, 0);
	assert_int_equal(kv_test_incr(kv, "f:a", 7).number, 7);
	assert_int_equal(take_down(kv, "f:a", 7).number, 0);
	assert_int_equal(kv_test_incr(kv, "f:low", -8).number, -8);
	assert_int_equal(take_down(kv, "f:low", 1).number, -8);
	expect_op(kv, PINTLE_KV_SET, "f:text", "soup", NULL, PINTLE_OK, "");
	assert_int_equal(take_down(kv, "f:text", 1).status, PINTLE_INTERNAL);
}

static void limits_count_all_or_none(void **state)
{
	const struct kv_under_test *kv = *state;
	struct pintle_kv_limit limits[] = {
		{ "l:wide", 6, 10, 2 * MINUTE_MS, 1, 0, 0 },
		{ "l:slim", 6, 3, MINUTE_MS, 1, 0, 0 },
	};
	struct kv_test_answer out;

	for (int i = 1; i <= 3; i++) {
		out = kv_test_limit(kv, limits, 2);
		assert_int_equal(out.status, PINTLE_OK);
		assert_int_equal(out.number, 3 - i);
	}
	out = kv_test_limit(kv, limits, 2);
	assert_int_equal(out.status, PINTLE_LIMITED);
	assert_int_equal(out.number, 1);
	assert_true(out.ttl_ms > 0 && out.ttl_ms <= MINUTE_MS);
	expect_op(kv, PINTLE_KV_GET, "l:wide", NULL, NULL, PINTLE_OK, "3");

	limits[0].cost = limits[1].cost = 0; /* only looks */
	out = kv_test_limit(kv, limits, 2);
	assert_int_equal(out.status, PINTLE_OK);
	assert_int_equal(out.number, 0);
	limits[0].cost = 8; /* the first is exhausted too, and named */
	out = kv_test_limit(kv, limits, 2);
	assert_int_equal(out.status, PINTLE_LIMITED);
	assert_int_equal(out.number, 0);

	expect_op(kv, PINTLE_KV_DELETE, "l:slim", NULL, NULL, PINTLE_OK, "");
	limits[0].cost = limits[1].cost = 1;
	assert_int_equal(kv_test_limit(kv, limits, 2).status, PINTLE_OK);
	if (!pass_time(kv, MINUTE_MS)) /* the window of the slim one ends */
		return;
	assert_int_equal(kv_test_limit(kv, limits, 2).number, 2);
	expect_op(kv, PINTLE_KV_GET, "l:wide", NULL, NULL, PINTLE_OK, "5");
}

/* Two equal counters, both counted again a second before their first window ends. */
static void a_sliding_counter_lives_on_from_its_last_count(void **state)
{
	const struct kv_under_test *kv = *state;
	struct pintle_kv_limit slides = { "s:1", 3, 2, MINUTE_MS, 1, PINTLE_KV_SLIDES, 0 };
	struct pintle_kv_limit fixed = { "s:2", 3, 2, MINUTE_MS, 1, 0, 0 };
	struct kv_test_answer out;

	assert_int_equal(kv_test_limit(kv, &slides, 1).status, PINTLE_OK);
	assert_int_equal(kv_test_limit(kv, &fixed, 1).status, PINTLE_OK);
	if (!pass_time(kv, MINUTE_MS - 1000))
		return;
	assert_int_equal(kv_test_limit(kv, &slides, 1).status, PINTLE_OK);
	assert_int_equal(kv_test_limit(kv, &fixed, 1).status, PINTLE_OK);
	if (!pass_time(kv, 1000))
		return;
	assert_int_equal(kv_test_limit(kv, &slides, 1).status, PINTLE_LIMITED);
	assert_int_equal(kv_test_limit(kv, &fixed, 1).number, 1);
	if (!pass_time(kv, MINUTE_MS - 2000))
		return;
	out = kv_test_limit(kv, &slides, 1); /* what was refused has renewed nothing */
	assert_int_equal(out.status, PINTLE_LIMITED);
	assert_true(out.ttl_ms >= 1 && out.ttl_ms <= 1000);
	if (!pass_time(kv, 1000))
		return;
	assert_int_equal(kv_test_limit(kv, &slides, 1).number, 1);
	slides.window_ms = 0;
	assert_int_equal(kv_test_limit(kv, &slides, 1).status, PINTLE_INTERNAL);
}

static void sizes(void **state)
{
	const struct kv_under_test *kv = *state;
	static char value[PINTLE_KV_VALUE_MAX + 1], key[PINTLE_KV_KEY_MAX + 1];
	static const struct {
		size_t key_len, value_len;
		int32_t status;
	} cases[] = {
		{ 1, 0, PINTLE_OK },
		{ PINTLE_KV_KEY_MAX, PINTLE_KV_VALUE_MAX, PINTLE_OK },
		{ PINTLE_KV_KEY_MAX, 4000, PINTLE_OK },
		{ 0, 1, PINTLE_INTERNAL },
		{ PINTLE_KV_KEY_MAX + 1, 1, PINTLE_INTERNAL },
		{ 1, PINTLE_KV_VALUE_MAX + 1, PINTLE_INTERNAL },
	};

	memset(key, 'k', sizeof(key));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pintle_kv_request request = {
			.size = sizeof(request),
			.op = PINTLE_KV_SET,
			.key = key,
			.key_len = cases[i].key_len,
			.value = value,
			.value_len = cases[i].value_len,
			.ttl_ms = MINUTE_MS,
		};
		struct kv_test_answer out = kv_test_run(kv, &request);

		if (out.status != cases[i].status)
			fail_msg("case %zu: %d", i, out.status);
		request.op = PINTLE_KV_TAKE;
		request.value_len = 0;
		if (out.status == PINTLE_OK)
			assert_int_equal(kv_test_run(kv, &request).value_len, cases[i].value_len);
	}
	assert_int_equal(kv_test_op(kv, PINTLE_KV_SET, "t:ttl", "v", NULL, 0).status,
			 PINTLE_INTERNAL);
}

struct heard {
	int n_messages;
	char last[64];
};

static void hear(void *ctx, const void *value, size_t value_len)
{
	struct heard *heard = ctx;

	if (!value)
		return; /* the subscription is new */
	heard->n_messages++;
	(void)snprintf(heard->last, sizeof(heard->last), "%.*s", (int)value_len,
		       (const char *)value);
}

static void publish(const struct kv_under_test *kv, const char *channel, const char *text)
{
	expect_op(kv, PINTLE_KV_PUBLISH, channel, text, NULL, PINTLE_OK, "");
}

/* Messages stay in order, and subscriptions too: when the last one of either has come, all have. */
static void publish_until_heard(const struct kv_under_test *kv, const char *channel,
				const char *text, const struct heard *heard)
{
	int64_t until_ms = mono_ms() + PATIENCE_MS;

	while (strcmp(heard->last, text) != 0 && mono_ms() < until_ms) {
		publish(kv, channel, text);
		kv->turn(kv->ctx, TURN_MS);
	}
	assert_string_equal(heard->last, text);
}

static void publishes_to_the_channel(void **state)
{
	const struct kv_under_test *kv = *state;
	static struct heard first, second, other, fence; /* subscriptions outlive the test */

	assert_int_equal(kv->ops->subscribe(kv->self, "news", hear, &first), PINTLE_OK);
	assert_int_equal(kv->ops->subscribe(kv->self, "news", hear, &second), PINTLE_OK);
	assert_int_equal(kv->ops->subscribe(kv->self, "newsroom", hear, &other), PINTLE_OK);
	assert_int_equal(kv->ops->subscribe(kv->self, "fence", hear, &fence), PINTLE_OK);
	publish_until_heard(kv, "fence", "before", &fence);
	publish(kv, "news", "hello");
	publish_until_heard(kv, "fence", "after", &fence);
	assert_int_equal(first.n_messages, 1);
	assert_int_equal(second.n_messages, 1);
	assert_string_equal(first.last, "hello");
	assert_string_equal(second.last, "hello");
	assert_int_equal(other.n_messages, 0);
}

static void epoch_stays(void **state)
{
	const struct kv_under_test *kv = *state;
	char first[64], second[64];

	assert_int_equal(kv->ops->epoch(kv->self, first, sizeof(first)), PINTLE_OK);
	assert_int_equal(kv->ops->epoch(kv->self, second, sizeof(second)), PINTLE_OK);
	assert_string_equal(first, second);
	assert_true(first[0] != '\0');
}

int kv_contract_run(const struct kv_under_test *kv)
{
	void *state = (void *)(uintptr_t)kv;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(op_table, state),
		cmocka_unit_test_prestate(many_at_once, state),
		cmocka_unit_test_prestate(expired_does_not_exist, state),
		cmocka_unit_test_prestate(swap_keeps_or_renews_the_expiry, state),
		cmocka_unit_test_prestate(counts, state),
		cmocka_unit_test_prestate(a_floor_holds, state),
		cmocka_unit_test_prestate(limits_count_all_or_none, state),
		cmocka_unit_test_prestate(a_sliding_counter_lives_on_from_its_last_count, state),
		cmocka_unit_test_prestate(sizes, state),
		cmocka_unit_test_prestate(publishes_to_the_channel, state),
		cmocka_unit_test_prestate(epoch_stays, state),
	};

	return cmocka_run_group_tests_name("kv contract", tests, NULL, NULL);
}
