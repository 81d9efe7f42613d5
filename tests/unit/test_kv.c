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
#define N_THREADS 4
#define N_OPS 200

/* A driver that is not inline: the memory one, on the loop, that can keep its answers back. */
struct held {
	struct held *next;
	pintle_kv_done *done;
	void *ctx;
};

struct slow {
	struct kv_memory *memory;
	struct loop *loop;
	bool is_holding;
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
	if (!slow->is_holding) {
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
	((struct slow *)arg)->is_holding = true;
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
	slow->is_holding = false;
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
		assert_int_equal(pthread_create(&threads[i], NULL, count_up, &fixture->kv), 0);
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
		cmocka_unit_test_setup_teardown(threads_share_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
