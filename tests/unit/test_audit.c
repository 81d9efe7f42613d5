/* SPDX-License-Identifier: Apache-2.0 */
/* The background class of these tests has one place, and a job that stands in it until the test lets it
 * go: so the test decides when waiting rows may be written. */
#include "audit.h"

#include "clock.h"
#include "people.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_WAITING 1024 /* audit.c's */

struct gate {
	struct job job; /* first */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_reached, is_open;
};

struct fixture {
	struct people *people;
	struct pool *pool;
	struct pool_class *background;
	struct gate gate;
	struct audit *audit;
};

static void stand_at_gate(struct job *job)
{
	struct gate *gate = (struct gate *)job;

	(void)pthread_mutex_lock(&gate->lock);
	gate->is_reached = true;
	(void)pthread_cond_broadcast(&gate->changed);
	while (!gate->is_open)
		(void)pthread_cond_wait(&gate->changed, &gate->lock);
	(void)pthread_mutex_unlock(&gate->lock);
}

static void close_gate(struct fixture *f)
{
	struct gate *gate = &f->gate;

	assert_true(pool_submit(f->pool, f->background, &gate->job));
	(void)pthread_mutex_lock(&gate->lock);
	while (!gate->is_reached)
		(void)pthread_cond_wait(&gate->changed, &gate->lock);
	(void)pthread_mutex_unlock(&gate->lock);
}

static void open_gate(struct fixture *f)
{
	(void)pthread_mutex_lock(&f->gate.lock);
	f->gate.is_open = true;
	(void)pthread_cond_broadcast(&f->gate.changed);
	(void)pthread_mutex_unlock(&f->gate.lock);
	assert_true(pool_drain(f->pool, clock_mono_ms() + 20000));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *people;

	if (people_setup(&people) != 0)
		return -1;
	f->people = people;
	f->pool = pool_new();
	f->background = pool_class_new(f->pool, "background", 1, 1);
	f->gate.job.run = stand_at_gate;
	(void)pthread_mutex_init(&f->gate.lock, NULL);
	(void)pthread_cond_init(&f->gate.changed, NULL);
	f->audit = audit_new(&f->people->db, f->pool, f->background);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *people = f->people;

	audit_free(f->audit);
	pool_free(f->pool);
	(void)pthread_cond_destroy(&f->gate.changed);
	(void)pthread_mutex_destroy(&f->gate.lock);
	free(f);
	return people_teardown(&people);
}

static struct login_attempt failure(void)
{
	return (struct login_attempt){
		.provider = "main",
		.identifier = "138****8000",
		.result = "failure",
		.reason = "invalid_credentials",
		.ip = "192.0.2.1",
	};
}

static int64_t n_rows(const struct fixture *f)
{
	return people_number(f->people, "SELECT COUNT(*) FROM login_logs");
}

static void a_row_belongs_to_its_transaction(void **state)
{
	struct fixture *f = *state;
	struct tx tx = people_tx(f->people);
	struct login_attempt attempt = failure();

	attempt.user_id = 7;
	attempt.user_agent = "bad \xff byte";
	assert_int_equal(db_begin(&tx), PINTLE_OK);
	assert_int_equal(audit_login(&tx, &attempt), PINTLE_OK);
	db_rollback(&tx);
	assert_int_equal(n_rows(f), 0);
	assert_int_equal(audit_login(&tx, &attempt), PINTLE_OK);
	assert_int_equal(n_rows(f), 1);
	assert_int_equal(people_number(f->people, "SELECT user_id FROM login_logs"), 7);
	assert_string_equal(people_text(f->people, "SELECT user_agent FROM login_logs"),
			    "bad ? byte");
	assert_null(people_text(f->people, "SELECT session_id FROM login_logs"));
}

static void an_action_is_written_as_told(void **state)
{
	struct fixture *f = *state;
	struct tx tx = people_tx(f->people);
	const struct audit_entry entry = {
		.actor_kind = "staff",
		.actor_id = 3,
		.action = "freeze",
		.target = "user:7",
		.result = "success",
		.details = "{\"why\":\"spam\"}",
	};

	assert_int_equal(audit_write(&tx, &entry), PINTLE_OK);
	assert_int_equal(people_number(f->people, "SELECT actor_id FROM auth_logs"), 3);
	assert_string_equal(people_text(f->people, "SELECT action || ' ' || target FROM auth_logs"),
			    "freeze user:7");
	assert_true(people_number(f->people, "SELECT at FROM auth_logs") > 0);
}

static void what_waits_is_written_by_the_background(void **state)
{
	struct fixture *f = *state;
	struct login_attempt attempt = failure();

	close_gate(f);
	for (int i = 0; i < 10; i++)
		audit_login_later(f->audit, &attempt);
	assert_int_equal(n_rows(f), 0);
	open_gate(f);
	assert_int_equal(n_rows(f), 10);
	/* The job is over; the next row starts another. */
	audit_login_later(f->audit, &attempt);
	assert_true(pool_drain(f->pool, clock_mono_ms() + 20000));
	assert_int_equal(n_rows(f), 11);
	assert_int_equal(audit_n_dropped(f->audit), 0);
	assert_null(people_text(f->people, "SELECT user_id FROM login_logs"));
}

static void too_many_are_dropped_and_counted(void **state)
{
	struct fixture *f = *state;
	struct login_attempt attempt = failure();

	close_gate(f);
	for (int i = 0; i < MAX_WAITING + 5; i++)
		audit_login_later(f->audit, &attempt);
	assert_int_equal(audit_n_dropped(f->audit), 5);
	open_gate(f);
	assert_int_equal(n_rows(f), MAX_WAITING);
}

static void a_full_pool_delays_and_the_end_flushes(void **state)
{
	struct fixture *f = *state;
	struct login_attempt attempt = failure();
	struct job filler = { .run = stand_at_gate };
	struct gate second = { .job = filler, .is_open = true };

	(void)pthread_mutex_init(&second.lock, NULL);
	(void)pthread_cond_init(&second.changed, NULL);
	close_gate(f);
	assert_true(pool_submit(f->pool, f->background, &second.job));
	audit_login_later(f->audit, &attempt);
	open_gate(f);
	assert_int_equal(n_rows(f), 0);
	audit_free(f->audit);
	f->audit = NULL;
	assert_int_equal(n_rows(f), 1);
	(void)pthread_cond_destroy(&second.changed);
	(void)pthread_mutex_destroy(&second.lock);
}

static void a_failed_flush_is_counted(void **state)
{
	struct fixture *f = *state;
	struct login_attempt attempt = failure();

	people_exec(f->people, "ALTER TABLE login_logs RENAME TO elsewhere");
	audit_login_later(f->audit, &attempt);
	assert_true(pool_drain(f->pool, clock_mono_ms() + 20000));
	assert_int_equal(audit_n_dropped(f->audit), 1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_row_belongs_to_its_transaction),
		STORY(an_action_is_written_as_told),
		STORY(what_waits_is_written_by_the_background),
		STORY(too_many_are_dropped_and_counted),
		STORY(a_full_pool_delays_and_the_end_flushes),
		STORY(a_failed_flush_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
