/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs stand at a gate until the test opens it, so that every count is exact and nothing sleeps. */
#include "clock.h"
#include "pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N_JOBS 64
#define SOON_MS 20000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int n_allowed; /* how many may pass the gate */
static int n_decided, n_started, n_ended;
static char order[N_JOBS + 1];

struct step {
	struct job job; /* first */
	char name;
	struct pool *pool;
	struct pool_class *next; /* to switch to, or NULL */
	enum pool_verdict verdict;
	int n_runs;
};

static void reset(void)
{
	n_allowed = n_decided = n_started = n_ended = 0;
	memset(order, 0, sizeof(order));
}

static void pass_gate(struct step *step)
{
	(void)pthread_mutex_lock(&lock);
	order[n_started++] = step->name;
	(void)pthread_cond_broadcast(&changed);
	while (n_allowed == 0)
		(void)pthread_cond_wait(&changed, &lock);
	n_allowed--;
	(void)pthread_mutex_unlock(&lock);
}

static void note(int *count)
{
	(void)pthread_mutex_lock(&lock);
	++*count;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

static void run_step(struct job *job)
{
	struct step *step = (struct step *)job;

	step->n_runs++;
	if (step->next) {
		enum pool_verdict verdict = pool_switch(step->pool, step->next, job);

		note(&n_decided);
		if (verdict == POOL_QUEUED)
			return;
		step->verdict = verdict;
	}
	pass_gate(step);
	note(&n_ended);
}

static void open_gate(int n)
{
	(void)pthread_mutex_lock(&lock);
	n_allowed += n;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

static void wait_for(const int *count, int n)
{
	(void)pthread_mutex_lock(&lock);
	while (*count < n)
		(void)pthread_cond_wait(&changed, &lock);
	(void)pthread_mutex_unlock(&lock);
}

static void submit(struct pool *pool, struct pool_class *class, struct step *step, char name)
{
	*step = (struct step){ .job = { .run = run_step }, .name = name, .pool = pool };
	assert_true(pool_submit(pool, class, &step->job));
}

static void check_load(struct pool *pool, struct pool_class *class, size_t running, size_t waiting)
{
	struct pool_load load;

	pool_class_load(pool, class, &load);
	assert_int_equal(load.n_running, running);
	assert_int_equal(load.n_waiting, waiting);
}

static void finish(struct pool *pool)
{
	assert_true(pool_drain(pool, clock_mono_ms() + SOON_MS));
	pool_free(pool);
}

static void cap_holds_and_full_queue_refuses(void **state)
{
	struct pool *pool = pool_new();
	struct pool_class *class = pool_class_new(pool, "a", 2, 3);
	struct step steps[6];

	(void)state;
	reset();
	for (int i = 0; i < 5; i++)
		submit(pool, class, &steps[i], (char)('0' + i));
	steps[5] = (struct step){ .job = { .run = run_step }, .name = '5', .pool = pool };
	assert_false(pool_submit(pool, class, &steps[5].job));
	wait_for(&n_started, 2);
	check_load(pool, class, 2, 3);
	assert_false(pool_submit(pool, class, &steps[5].job));
	open_gate(1);
	wait_for(&n_started, 3);
	assert_true(pool_submit(pool, class, &steps[5].job)); /* there is room again */
	open_gate(5);
	wait_for(&n_ended, 6);
	finish(pool);
}

static void stuck_class_takes_nothing_from_another(void **state)
{
	struct pool *pool = pool_new();
	struct pool_class *stuck = pool_class_new(pool, "stuck", 3, 20);
	struct pool_class *well = pool_class_new(pool, "well", 1, 20);
	struct step bad[20], good[5];
	struct pool_load load;

	(void)state;
	reset();
	for (int i = 0; i < 20; i++)
		submit(pool, stuck, &bad[i], 's');
	wait_for(&n_started, 3);
	for (int i = 0; i < 5; i++)
		submit(pool, well, &good[i], 'w');
	wait_for(&n_started, 4);
	assert_string_equal(order, "sssw");
	check_load(pool, stuck, 3, 17);
	check_load(pool, well, 1, 4);
	pool_total_load(pool, &load);
	assert_int_equal(load.n_running, 4);
	assert_int_equal(load.n_waiting, 21);
	assert_int_equal(load.n_cap, 4);
	open_gate(25);
	wait_for(&n_ended, 25);
	finish(pool);
}

static void order_within_a_class_is_kept(void **state)
{
	struct pool *pool = pool_new();
	struct pool_class *class = pool_class_new(pool, "a", 1, 10);
	struct step steps[6];

	(void)state;
	reset();
	for (int i = 0; i < 6; i++)
		submit(pool, class, &steps[i], (char)('a' + i));
	open_gate(6);
	wait_for(&n_ended, 6);
	assert_string_equal(order, "abcdef");
	finish(pool);
}

struct switch_case {
	const char *name;
	size_t cap, queue;
	int n_before; /* jobs in the class switched to */
	enum pool_verdict want;
	int want_runs;
};

static const struct switch_case switch_cases[] = {
	{ "room", 1, 1, 0, POOL_GO, 1 },
	{ "room beside one", 2, 0, 1, POOL_GO, 1 },
	{ "queued behind one", 1, 1, 1, POOL_GO, 2 }, /* GO when run again */
	{ "queue full", 1, 0, 1, POOL_FULL, 1 },
	{ "queue full behind two", 1, 1, 2, POOL_FULL, 1 },
};

static void switch_follows_the_caps(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(switch_cases) / sizeof(switch_cases[0]); i++) {
		const struct switch_case *c = &switch_cases[i];
		struct pool *pool = pool_new();
		struct pool_class *from = pool_class_new(pool, "from", 1, 4);
		struct pool_class *to = pool_class_new(pool, "to", c->cap, c->queue);
		struct step before[2], step, after;

		reset();
		for (int b = 0; b < c->n_before; b++)
			submit(pool, to, &before[b], 'b');
		if (c->n_before > 0)
			wait_for(&n_started, 1);
		step = (struct step){ .job = { .run = run_step }, .pool = pool, .next = to };
		step.name = 's';
		assert_true(pool_submit(pool, from, &step.job));
		submit(pool, from, &after, 'a');
		wait_for(&n_decided, 1);
		open_gate(c->n_before + 2);
		wait_for(&n_ended, c->n_before + 2);
		assert_true(pool_drain(pool, clock_mono_ms() + SOON_MS));
		if (step.verdict != c->want || step.n_runs != c->want_runs)
			fail_msg("case %zu, %s: verdict %d after %d runs", i, c->name,
				 (int)step.verdict, step.n_runs);
		check_load(pool, from, 0, 0);
		check_load(pool, to, 0, 0);
		pool_free(pool);
	}
}

static void switch_gives_the_old_place_back(void **state)
{
	struct pool *pool = pool_new();
	struct pool_class *from = pool_class_new(pool, "from", 1, 4);
	struct pool_class *to = pool_class_new(pool, "to", 1, 4);
	struct step blocker, first, second, third;

	(void)state;
	reset();
	submit(pool, to, &blocker, 'b');
	wait_for(&n_started, 1);
	first = (struct step){ .job = { .run = run_step }, .name = 'f', .pool = pool, .next = to };
	assert_true(pool_submit(pool, from, &first.job)); /* waits in to */
	submit(pool, from, &second, 's');                 /* needs the place first left */
	wait_for(&n_started, 2);
	assert_string_equal(order, "bs");
	check_load(pool, from, 1, 0);
	check_load(pool, to, 1, 1);
	open_gate(2);
	wait_for(&n_started, 3);
	submit(pool, from, &third, 't');
	open_gate(2);
	wait_for(&n_ended, 4);
	assert_true(pool_drain(pool, clock_mono_ms() + SOON_MS));
	assert_int_equal(first.n_runs, 2);
	check_load(pool, from, 0, 0);
	check_load(pool, to, 0, 0);
	pool_free(pool);
}

static void switch_to_the_same_class_goes_on(void **state)
{
	struct pool *pool = pool_new();
	struct pool_class *class = pool_class_new(pool, "a", 1, 0);
	struct step step = { .job = { .run = run_step }, .name = 's', .pool = pool, .next = class };

	(void)state;
	reset();
	step.verdict = POOL_FULL;
	assert_true(pool_submit(pool, class, &step.job));
	open_gate(1);
	wait_for(&n_ended, 1);
	assert_int_equal(step.verdict, POOL_GO);
	finish(pool);
}

static void drain_gives_up_at_its_deadline(void **state)
{
	struct pool *pool = pool_new();
	struct pool_class *class = pool_class_new(pool, "a", 1, 1);
	struct step step;

	(void)state;
	reset();
	assert_true(pool_drain(pool, 0)); /* nothing to wait for */
	submit(pool, class, &step, 's');
	assert_false(pool_drain(pool, 0));
	assert_false(pool_drain(pool, clock_mono_ms() + 1));
	open_gate(1);
	finish(pool);
}

static void free_accepts_null_and_unused(void **state)
{
	struct pool *pool = pool_new();

	(void)state;
	(void)pool_class_new(pool, "a", 5, 5);
	pool_free(pool);
	pool_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cap_holds_and_full_queue_refuses),
		cmocka_unit_test(stuck_class_takes_nothing_from_another),
		cmocka_unit_test(order_within_a_class_is_kept),
		cmocka_unit_test(switch_follows_the_caps),
		cmocka_unit_test(switch_gives_the_old_place_back),
		cmocka_unit_test(switch_to_the_same_class_goes_on),
		cmocka_unit_test(drain_gives_up_at_its_deadline),
		cmocka_unit_test(free_accepts_null_and_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
