/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "kv.h"
#include "kv_memory.h"

#include <pintle/status.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONG_MS 5000
#define TURN_MS 500 /* enough for the loop to come to what was posted */
#define N_THREADS 4
#define N_OPS 200
#define N_LISTED 9

/* A driver that is not inline: the memory one, on the loop, that can keep its answers back. */
struct held {
	struct held *next;
	pintle_kv_done *done;
	void *ctx;
};

struct slow {
	struct kv_memory *memory;
	struct loop *loop;
	int n_free; /* answered before the rest is kept back; below 0: all */
	struct held *held;
	_Atomic int n_submitted;
};

static void slow_submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
			void *ctx)
{
	struct slow *slow = self;
	struct held *held;

	assert_true(loop_is_here(slow->loop));
	slow->n_submitted++;
	if (slow->n_free != 0) {
		slow->n_free -= slow->n_free > 0;
		kv_memory_ops.submit(slow->memory, request, done, ctx);
		return;
	}
	held = calloc(1, sizeof(*held));
	*held = (struct held){ slow->held, done, ctx };
	slow->held = held;
}

static const struct pintle_kv slow_ops = { .size = sizeof(slow_ops), .submit = slow_submit };

static void hold(void *arg)
{
	((struct slow *)arg)->n_free = 0;
}

static void hold_after_two(void *arg)
{
	((struct slow *)arg)->n_free = 2;
}

static void answer_held(void *arg)
{
	const struct pintle_kv_answer answer = { sizeof(answer), PINTLE_OK, "late", 4, 7, 0 };
	struct slow *slow = arg;
	struct held *held;

	while ((held = slow->held)) {
		slow->held = held->next;
		held->done(held->ctx, &answer);
		free(held);
	}
	slow->n_free = -1;
}

static void *run(void *loop)
{
	loop_run(loop);
	return NULL;
}

struct fixture {
	struct slow slow;
	struct kv kv;
	pthread_t thread;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->slow.memory = kv_memory_new(clock_now_ms);
	fixture->slow.loop = loop_new();
	fixture->slow.n_free = -1;
	fixture->kv =
		(struct kv){ .ops = &slow_ops, .self = &fixture->slow, .loop = fixture->slow.loop };
	*state = fixture;
	return pthread_create(&fixture->thread, NULL, run, fixture->slow.loop);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	loop_stop(fixture->slow.loop);
	(void)pthread_join(fixture->thread, NULL);
	loop_free(fixture->slow.loop);
	kv_memory_free(fixture->slow.memory);
	free(fixture);
	return 0;
}

static int32_t run_op(const struct kv *kv, struct pintle_kv_request request, struct arena *arena,
		      struct kv_result *out)
{
	return kv_do(kv, &request, clock_mono_ms() + LONG_MS, arena, out);
}

static void round_trip(const struct kv *kv)
{
	struct arena arena = { 0 };
	struct kv_result out;

	assert_int_equal(run_op(kv, kv_set("a", "value", 5, LONG_MS), &arena, NULL), PINTLE_OK);
	assert_int_equal(run_op(kv, kv_add("a", "other", 5, LONG_MS), &arena, &out),
			 PINTLE_CONFLICT);
	assert_string_equal(out.value, "value");
	assert_int_equal(run_op(kv, kv_get("a"), &arena, &out), PINTLE_OK);
	assert_int_equal(out.value_len, 5);
	assert_string_equal(out.value, "value");
	assert_int_equal(run_op(kv, kv_take("a"), &arena, &out), PINTLE_OK);
	assert_string_equal(out.value, "value");
	assert_int_equal(run_op(kv, kv_delete("a"), &arena, &out), PINTLE_NOT_FOUND);
	assert_null(out.value);
	arena_fini(&arena);
}

static void works_through_the_loop(void **state)
{
	struct fixture *fixture = *state;

	round_trip(&fixture->kv);
	assert_int_equal(fixture->slow.n_submitted, 5);
}

static void works_inline(void **state)
{
	struct fixture *fixture = *state;
	struct kv kv = { .ops = &kv_memory_ops, .self = fixture->slow.memory };

	assert_true(kv_is_inline(&kv));
	assert_false(kv_is_inline(&fixture->kv));
	round_trip(&kv);
	assert_int_equal(fixture->slow.n_submitted, 0);
}

/* The caller has gone when the answer comes: nobody is hurt, and the next op is well. */
static void late_answer_is_safe(void **state)
{
	struct fixture *fixture = *state;
	struct pintle_kv_request get = kv_get("a");
	struct arena arena = { 0 };
	struct kv_result out;

	loop_post(fixture->kv.loop, hold, &fixture->slow);
	assert_int_equal(kv_do(&fixture->kv, &get, clock_mono_ms() + 20, &arena, &out),
			 PINTLE_TIMEOUT);
	assert_null(out.value);
	loop_post(fixture->kv.loop, answer_held, &fixture->slow);
	round_trip(&fixture->kv);
	arena_fini(&arena);
}

/* One op takes its step, however much time the call has left. */
static void a_step_ends_before_the_call(void **state)
{
	struct fixture *fixture = *state;
	struct pintle_kv_request get = kv_get("a");
	int64_t deadline_ms = clock_mono_ms() + 12 * LONG_MS;
	struct arena arena = { 0 };

	fixture->kv.step_ms = 20;
	loop_post(fixture->kv.loop, hold, &fixture->slow);
	assert_int_equal(kv_do(&fixture->kv, &get, deadline_ms, &arena, NULL), PINTLE_TIMEOUT);
	assert_true(clock_mono_ms() < deadline_ms);
	loop_post(fixture->kv.loop, answer_held, &fixture->slow);
	fixture->kv.step_ms = 0;
	round_trip(&fixture->kv);
	arena_fini(&arena);
}

static void past_deadline_is_not_begun(void **state)
{
	struct fixture *fixture = *state;
	struct pintle_kv_request set = kv_set("a", "v", 1, LONG_MS);
	struct arena arena = { 0 };

	assert_int_equal(kv_do(&fixture->kv, &set, clock_mono_ms(), &arena, NULL), PINTLE_TIMEOUT);
	round_trip(&fixture->kv);
	assert_int_equal(fixture->slow.n_submitted, 5);
}

static void fault_is_passed_on(void **state)
{
	struct fixture *fixture = *state;
	struct arena arena = { 0 };

	kv_memory_fail(fixture->slow.memory, PINTLE_UNAVAILABLE);
	assert_int_equal(run_op(&fixture->kv, kv_get("a"), &arena, NULL), PINTLE_UNAVAILABLE);
	kv_memory_fail(fixture->slow.memory, PINTLE_OK);
	assert_int_equal(run_op(&fixture->kv, kv_get("a"), &arena, NULL), PINTLE_NOT_FOUND);
	arena_fini(&arena);
}

/* ---- Several at once ---- */

static struct kv_op op_of(struct pintle_kv_request request)
{
	return (struct kv_op){ .request = request };
}

static int32_t run_all(const struct kv *kv, struct kv_op *ops, size_t n_ops, struct arena *arena)
{
	return kv_do_all(kv, ops, n_ops, clock_mono_ms() + LONG_MS, arena);
}

static void expect_all(const struct kv_op *ops, const struct kv_op *wanted, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		const char *value = ops[i].result.value ? ops[i].result.value : "";
		const char *other = wanted[i].result.value ? wanted[i].result.value : "";

		if (ops[i].status != wanted[i].status || strcmp(value, other) != 0)
			fail_msg("op %zu: status %d, not %d; value \"%s\", not \"%s\"", i,
				 ops[i].status, wanted[i].status, value, other);
	}
}

static void each_has_its_own_answer(const struct kv *kv)
{
	struct kv_op ops[] = {
		op_of(kv_get("a")),
		op_of(kv_set("a", "one", 3, LONG_MS)),
		op_of(kv_add("a", "two", 3, LONG_MS)),
		op_of(kv_take("a")),
		op_of(kv_take("a")),
		op_of(kv_set("b", "three", 5, LONG_MS)),
		op_of(kv_get("b")),
	};
	static const struct kv_op wanted[] = {
		{ .status = PINTLE_NOT_FOUND },
		{ .status = PINTLE_OK },
		{ .status = PINTLE_CONFLICT, .result.value = "one" },
		{ .status = PINTLE_OK, .result.value = "one" },
		{ .status = PINTLE_NOT_FOUND },
		{ .status = PINTLE_OK },
		{ .status = PINTLE_OK, .result.value = "three" },
	};
	struct arena arena = { 0 };

	assert_int_equal(run_all(kv, ops, 7, &arena), PINTLE_OK);
	expect_all(ops, wanted, 7);
	assert_int_equal(ops[6].result.value_len, 5);
	arena_fini(&arena);
}

static void all_are_done_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct kv at_once = { .ops = &kv_memory_ops, .self = fixture->slow.memory };

	each_has_its_own_answer(&fixture->kv);
	assert_int_equal(fixture->slow.n_submitted, 7);
	each_has_its_own_answer(&at_once);
	assert_int_equal(kv_do_all(&fixture->kv, NULL, 0, 0, NULL), PINTLE_OK);
}

/* None waits for the answer to another. */
static void all_are_under_way_together(void **state)
{
	struct fixture *fixture = *state;
	struct kv_op ops[] = { op_of(kv_get("a")), op_of(kv_get("b")), op_of(kv_get("c")) };

	fixture->kv.step_ms = TURN_MS;
	loop_post(fixture->kv.loop, hold, &fixture->slow);
	assert_int_equal(run_all(&fixture->kv, ops, 3, NULL), PINTLE_TIMEOUT);
	assert_int_equal(fixture->slow.n_submitted, 3);
	loop_post(fixture->kv.loop, answer_held, &fixture->slow);
}

static void fails_in_the_middle(const struct kv *kv)
{
	struct kv_op ops[] = {
		op_of(kv_set("a", "one", 3, LONG_MS)),
		op_of(kv_set("b", "no life", 7, 0)),
		op_of(kv_delete("none")),
		op_of(kv_get("a")),
	};
	static const struct kv_op wanted[] = {
		{ .status = PINTLE_OK },
		{ .status = PINTLE_INTERNAL },
		{ .status = PINTLE_NOT_FOUND },
		{ .status = PINTLE_OK, .result.value = "one" },
	};
	struct arena arena = { 0 };

	assert_int_equal(run_all(kv, ops, 4, &arena), PINTLE_INTERNAL);
	expect_all(ops, wanted, 4);
	arena_fini(&arena);
}

static void one_that_fails_stops_no_other(void **state)
{
	struct fixture *fixture = *state;
	struct kv at_once = { .ops = &kv_memory_ops, .self = fixture->slow.memory };

	fails_in_the_middle(&fixture->kv);
	fails_in_the_middle(&at_once);
}

/* What is answered counts, the rest has run out of time, and its answers come to nobody. */
static void some_may_be_answered_in_time(void **state)
{
	struct fixture *fixture = *state;
	struct kv_op ops[] = { op_of(kv_set("a", "one", 3, LONG_MS)), op_of(kv_get("a")),
			       op_of(kv_get("a")), op_of(kv_get("a")) };
	static const struct kv_op wanted[] = { { .status = PINTLE_OK },
					       { .status = PINTLE_OK, .result.value = "one" },
					       { .status = PINTLE_TIMEOUT },
					       { .status = PINTLE_TIMEOUT } };
	struct arena arena = { 0 };

	loop_post(fixture->kv.loop, hold_after_two, &fixture->slow);
	assert_int_equal(kv_do_all(&fixture->kv, ops, 4, clock_mono_ms() + TURN_MS, &arena),
			 PINTLE_TIMEOUT);
	expect_all(ops, wanted, 4);
	loop_post(fixture->kv.loop, answer_held, &fixture->slow);
	round_trip(&fixture->kv);
	arena_fini(&arena);
}

static void past_deadline_none_is_begun(void **state)
{
	struct fixture *fixture = *state;
	struct kv_op ops[] = { op_of(kv_get("a")), op_of(kv_get("b")) };

	assert_int_equal(kv_do_all(&fixture->kv, ops, 2, clock_mono_ms(), NULL), PINTLE_TIMEOUT);
	assert_int_equal(ops[1].status, PINTLE_TIMEOUT);
	assert_int_equal(run_op(&fixture->kv, kv_get("a"), NULL, NULL), PINTLE_NOT_FOUND);
	assert_int_equal(fixture->slow.n_submitted, 1);
}

/* What requests point to may be gone when the list is asked, and a list grows. */
static void a_list_has_copies(void **state)
{
	struct fixture *fixture = *state;
	struct arena arena = { 0 };
	struct kv_list list = { .arena = &arena };
	struct pintle_kv_limit limit = { .key_len = 1, .max = 1, .window_ms = LONG_MS, .cost = 1 };
	struct pintle_kv_request request = { .size = sizeof(request), .op = PINTLE_KV_LIMIT };
	char key[] = "a";

	assert_int_equal(kv_do_list(&fixture->kv, &list, clock_mono_ms() + LONG_MS), PINTLE_OK);
	assert_int_equal(fixture->slow.n_submitted, 0);
	for (; *key < 'a' + N_LISTED; (*key)++) {
		request.limits = &limit;
		request.n_limits = 1;
		limit.key = key;
		kv_list_add(&list, &request);
		limit.key = NULL;
	}
	assert_int_equal(kv_do_list(&fixture->kv, &list, clock_mono_ms() + LONG_MS), PINTLE_OK);
	for (size_t i = 0; i < N_LISTED; i++)
		assert_int_equal(list.ops[i].status, PINTLE_OK);
	assert_int_equal(kv_do_list(&fixture->kv, &list, clock_mono_ms() + LONG_MS), PINTLE_OK);
	for (size_t i = 0; i < N_LISTED; i++)
		assert_int_equal(list.ops[i].status, PINTLE_LIMITED);
	arena_fini(&arena);
}

/* ---- Not waited for ---- */

static void set_by_post(struct kv *kv, const char *text)
{
	char value[16];
	struct pintle_kv_request set;

	(void)strcpy(value, text);
	set = kv_set("posted", value, strlen(value), LONG_MS);
	kv_post(kv, &set);
	memset(value, 0, sizeof(value));
}

static void expect_posted(const struct kv *kv, const char *text)
{
	struct arena arena = { 0 };
	struct kv_result out;

	assert_int_equal(run_op(kv, kv_get("posted"), &arena, &out), PINTLE_OK);
	assert_string_equal(out.value, text);
	arena_fini(&arena);
}

static void posted_is_done(void **state)
{
	struct fixture *fixture = *state;
	struct kv at_once = { .ops = &kv_memory_ops, .self = fixture->slow.memory };

	set_by_post(&fixture->kv, "later");
	expect_posted(&fixture->kv, "later");
	assert_true(kv_is_calm(&fixture->kv));
	set_by_post(&at_once, "now");
	expect_posted(&at_once, "now");
	assert_true(kv_is_calm(&at_once));
}

static void is_not_calm_before_the_answer(void **state)
{
	struct fixture *fixture = *state;

	loop_post(fixture->kv.loop, hold, &fixture->slow);
	set_by_post(&fixture->kv, "held");
	assert_false(kv_is_calm(&fixture->kv));
	loop_post(fixture->kv.loop, answer_held, &fixture->slow);
	round_trip(&fixture->kv);
	assert_true(kv_is_calm(&fixture->kv));
}

/* With what was given up while the loop was busy; that all of it is freed is for the sanitizer to say. */
static void posted_before_the_end_is_done(void **state)
{
	struct kv_memory *memory = kv_memory_new(clock_now_ms);
	struct slow slow = { .memory = memory, .loop = loop_new(), .n_free = -1 };
	struct kv kv = { .ops = &slow_ops, .self = &slow, .loop = slow.loop };
	struct kv at_once = { .ops = &kv_memory_ops, .self = memory };
	struct kv_op ops[] = { op_of(kv_set("a", "late", 4, LONG_MS)), op_of(kv_get("a")) };

	(void)state;
	assert_int_equal(kv_do_all(&kv, ops, 2, clock_mono_ms() + 1, NULL), PINTLE_TIMEOUT);
	set_by_post(&kv, "before");
	loop_stop(slow.loop);
	set_by_post(&kv, "behind");
	loop_run(slow.loop);
	assert_true(kv_is_calm(&kv));
	expect_posted(&at_once, "behind");
	assert_int_equal(run_op(&at_once, kv_get("a"), NULL, NULL), PINTLE_NOT_FOUND);
	loop_free(slow.loop);
	kv_memory_free(memory);
}

/* ---- Many threads ---- */

static void *count_up_in_lists(void *arg)
{
	const struct pintle_kv_limit limit = { "n", 1, 1000000, LONG_MS, 1, 0, 0 };
	struct pintle_kv_request request = {
		.size = sizeof(request), .op = PINTLE_KV_LIMIT, .limits = &limit, .n_limits = 1
	};

	for (int i = 0; i < N_OPS; i += 4) {
		struct kv_op ops[] = { op_of(request), op_of(request), op_of(request),
				       op_of(request) };

		assert_int_equal(run_all(arg, ops, 4, NULL), PINTLE_OK);
		set_by_post(arg, "x");
	}
	return NULL;
}

static void *count_up(void *arg)
{
	const struct pintle_kv_limit limit = { "n", 1, 1000000, LONG_MS, 1, 0, 0 };
	const struct pintle_kv_request request = {
		.size = sizeof(request), .op = PINTLE_KV_LIMIT, .limits = &limit, .n_limits = 1
	};
	struct arena arena = { 0 };

	for (int i = 0; i < N_OPS; i++)
		assert_int_equal(run_op(arg, request, &arena, NULL), PINTLE_OK);
	arena_fini(&arena);
	return NULL;
}

static void threads_share_it(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[N_THREADS];
	struct arena arena = { 0 };
	struct kv_result out;

	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i % 2 ? count_up : count_up_in_lists, &fixture->kv),
				 0);
	for (int i = 0; i < N_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(run_op(&fixture->kv, kv_get("n"), &arena, &out), PINTLE_OK);
	assert_string_equal(out.value, "800");
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(works_through_the_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(works_inline, setup, teardown),
		cmocka_unit_test_setup_teardown(late_answer_is_safe, setup, teardown),
		cmocka_unit_test_setup_teardown(a_step_ends_before_the_call, setup, teardown),
		cmocka_unit_test_setup_teardown(past_deadline_is_not_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(fault_is_passed_on, setup, teardown),
		cmocka_unit_test_setup_teardown(all_are_done_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(all_are_under_way_together, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_fails_stops_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(some_may_be_answered_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(past_deadline_none_is_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(a_list_has_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(posted_is_done, setup, teardown),
		cmocka_unit_test_setup_teardown(is_not_calm_before_the_answer, setup, teardown),
		cmocka_unit_test(posted_before_the_end_is_done),
		cmocka_unit_test_setup_teardown(threads_share_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
