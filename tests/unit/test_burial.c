/* SPDX-License-Identifier: Apache-2.0 */
#include "burial.h"

#include "clock.h"
#include "people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)

static _Atomic bool must_stop;

static int32_t run(struct people *people, struct burial *burial)
{
	return burial_run(burial, &people->db, &people->kv, &people->settings, &must_stop);
}

static struct session open_one(struct people *people, int i, const char *platform)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "+861380013%04d", i);
	return people_open(people, people_add(people, "phone", number), platform);
}

/* What every request looks at: OK, DENIED, or NOT_FOUND when neither store has it. */
static int32_t check(struct people *people, const char *id)
{
	struct tx tx = people_tx(people);
	struct session session;
	int32_t status = session_load(&people->kv, &tx, &people->arena, id, &session);

	return status == PINTLE_OK ? session_check(&session, clock_now_ms()) : status;
}

/* As when the worker died between the two stores. */
static void revoke_in_sql_only(struct people *people, const char *id)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
		       "UPDATE user_sessions SET status = 'revoked', updated_at = %lld"
		       " WHERE session_id = '%s'",
		       (long long)clock_now_ms(), id);
	people_exec(people, sql);
}

static void what_the_store_refused_is_buried_later(void **state)
{
	struct people *people = *state;
	struct session gone = open_one(people, 1, "web"), live = open_one(people, 2, "web");
	struct tx tx = people_tx(people);
	struct burial burial = { 0 };

	people->is_kv_down = true;
	assert_int_equal(session_revoke(&people->kv, &tx, &people->settings, gone.id, "logout"),
			 PINTLE_UNAVAILABLE);
	assert_int_equal(run(people, &burial), PINTLE_UNAVAILABLE);
	people->is_kv_down = false;
	assert_int_equal(check(people, gone.id), PINTLE_OK);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(check(people, gone.id), PINTLE_DENIED);
	assert_int_equal(check(people, live.id), PINTLE_OK);
}

struct outage {
	struct people *people;
	int n_ops_left;
};

static void end_after_some(void *arg, const struct pintle_kv_request *request)
{
	struct outage *outage = arg;

	(void)request;
	outage->people->is_kv_down = outage->n_ops_left-- > 0;
}

/* Of those that are looked at together. */
static void one_that_cannot_be_looked_at_keeps_no_other(void **state)
{
	struct people *people = *state;
	struct session first = open_one(people, 1, "web"), second = open_one(people, 2, "web");
	struct outage outage = { people, 1 };
	struct burial burial = { 0 };

	revoke_in_sql_only(people, first.id);
	revoke_in_sql_only(people, second.id);
	people->hook_arg = &outage;
	people->hook = end_after_some;
	assert_int_equal(run(people, &burial), PINTLE_UNAVAILABLE);
	people->hook = NULL;
	assert_int_equal(check(people, first.id), PINTLE_OK);
	assert_int_equal(check(people, second.id), PINTLE_DENIED);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(check(people, first.id), PINTLE_DENIED);
}

static void an_emptied_store_gets_the_tombstones_again(void **state)
{
	struct people *people = *state;
	struct session gone = open_one(people, 1, "web");
	struct pintle_kv_request request;
	struct burial burial = { 0 };
	char key[SESSION_ID_MAX + 2];

	revoke_in_sql_only(people, gone.id);
	session_key(gone.id, key);
	request = kv_delete(key);
	assert_int_equal(kv_do(&people->kv, &request, clock_mono_ms() + 1000, NULL, NULL),
			 PINTLE_OK);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	people_exec(people, "DELETE FROM user_sessions");
	assert_int_equal(check(people, gone.id), PINTLE_DENIED);
}

struct counted {
	int n_gets, n_sets;
};

static void count(void *arg, const struct pintle_kv_request *request)
{
	struct counted *counted = arg;

	counted->n_gets += request->op == PINTLE_KV_GET;
	counted->n_sets += request->op == PINTLE_KV_SET;
}

/* Rows of one moment, so that a page ends in the middle of it. */
static void add_revoked(const struct people *people, int64_t n, int64_t at_ms)
{
	long long end_ms = at_ms + DAY_MS;
	char sql[1024];

	(void)snprintf(sql, sizeof(sql),
		       "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		       " WHERE i < %lld) INSERT INTO user_sessions (realm, subject_id, session_id,"
		       " subject_uuid, subject_type, subject_name, roles, permissions,"
		       " permission_epoch, platform, generation, rotated_at, token_expires_at,"
		       " refresh_expires_at, absolute_expires_at, status, last_active_at,"
		       " created_at, updated_at) SELECT 'user', 1, 's' || i, 'u', 't', 'n', '', '',"
		       " 0, 'web', 0, 0, 0, %lld, %lld, 'revoked', 0, 0, %lld FROM n",
		       (long long)n, end_ms, end_ms, (long long)at_ms);
	people_exec(people, sql);
}

static void what_is_buried_is_left_alone(void **state)
{
	struct people *people = *state;
	struct counted counted = { 0 };
	struct burial burial = { 0 };

	add_revoked(people, 450, clock_now_ms());
	people->hook = count;
	people->hook_arg = &counted;
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(counted.n_sets, 450);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(counted.n_sets, 450);
	assert_int_equal(counted.n_gets, 900);
}

static void only_the_last_day_is_asked_for(void **state)
{
	struct people *people = *state;
	struct counted counted = { 0 };
	struct burial burial = { 0 };

	add_revoked(people, 10, clock_now_ms());
	people->hook = count;
	people->hook_arg = &counted;
	people_wait(DAY_MS - 60000);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(counted.n_gets, 10);
	people_exec(people,
		    "UPDATE user_sessions SET absolute_expires_at = refresh_expires_at * 2");
	people_wait(120000);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(counted.n_gets, 10);
}

static void a_run_has_an_end_and_the_next_goes_on(void **state)
{
	struct people *people = *state;
	struct counted counted = { 0 };
	struct burial burial = { 0 };

	add_revoked(people, 20100, clock_now_ms());
	people->hook = count;
	people->hook_arg = &counted;
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(counted.n_sets, 20000);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(counted.n_sets, 20100);
	assert_int_equal(counted.n_gets, 20100);
	assert_int_equal(burial.end_ms, 0);
}

static void a_stop_ends_it(void **state)
{
	struct people *people = *state;
	struct session gone = open_one(people, 1, "web");
	struct burial burial = { 0 };

	revoke_in_sql_only(people, gone.id);
	atomic_store(&must_stop, true);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	atomic_store(&must_stop, false);
	assert_int_equal(check(people, gone.id), PINTLE_OK);
	assert_int_equal(run(people, &burial), PINTLE_OK);
	assert_int_equal(check(people, gone.id), PINTLE_DENIED);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, people_setup, people_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_the_store_refused_is_buried_later),
		STORY(one_that_cannot_be_looked_at_keeps_no_other),
		STORY(an_emptied_store_gets_the_tombstones_again),
		STORY(what_is_buried_is_left_alone),
		STORY(only_the_last_day_is_asked_for),
		STORY(a_run_has_an_end_and_the_next_goes_on),
		STORY(a_stop_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
