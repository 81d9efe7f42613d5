/* SPDX-License-Identifier: Apache-2.0 */
#include "retention.h"

#include "clock.h"
#include "people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)

static _Atomic bool must_stop;

static int setup(void **state)
{
	struct people *people;

	if (people_setup(state) != 0)
		return -1;
	people = *state;
	atomic_store(&must_stop, false);
	people->settings.session.keep_ms = 30 * DAY_MS;
	people->settings.log.keep_logins_ms = 180 * DAY_MS;
	people->settings.log.keep_audit_ms = 730 * DAY_MS;
	people->settings.log.keep_messages_ms = 90 * DAY_MS;
	return 0;
}

static void run(const struct people *people)
{
	assert_int_equal(retention_run(&people->db, &people->settings, &must_stop), PINTLE_OK);
}

static const char *const inserts[] = {
	"INSERT INTO login_logs (result, at) VALUES ('success', ",
	"INSERT INTO auth_logs (actor_kind, action, result, at) VALUES ('user', 'a', 'ok', ",
	("INSERT INTO message_logs (kind, recipient, recipient_blind, result, at)"
	 " VALUES ('code', 'x', 'y', 'ok', "),
};
static const char *const counts[] = {
	"SELECT COUNT(*) FROM login_logs",
	"SELECT COUNT(*) FROM auth_logs",
	"SELECT COUNT(*) FROM message_logs",
};

static void add_row(const struct people *people, int table, int64_t at_ms)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "%s%lld)", inserts[table], (long long)at_ms);
	people_exec(people, sql);
}

static void each_log_has_its_time(void **state)
{
	static const int64_t keep_days[] = { 180, 730, 90 };
	const struct people *people = *state;

	for (int table = 0; table < 3; table++) {
		int64_t keep_ms = keep_days[table] * DAY_MS;

		add_row(people, table, clock_now_ms() - keep_ms - 1000);
		add_row(people, table, clock_now_ms() - keep_ms + DAY_MS);
	}
	run(people);
	for (int table = 0; table < 3; table++)
		assert_int_equal(people_number(people, counts[table]), 1);
	people_wait(90 * DAY_MS);
	run(people);
	assert_int_equal(people_number(people, counts[2]), 0);
	people_wait(640 * DAY_MS);
	run(people);
	for (int table = 0; table < 3; table++)
		assert_int_equal(people_number(people, counts[table]), 0);
}

#define N_WITH(status) "SELECT COUNT(*) FROM user_sessions WHERE status = '" status "'"

static void sessions_end_and_then_go(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "username", "ada");

	(void)people_open(people, id, "web");
	(void)people_open(people, id, "app");
	people_exec(people, "UPDATE user_sessions SET status = 'revoked' WHERE platform = 'app'");
	people_wait(30 * DAY_MS - 60000);
	run(people);
	assert_int_equal(people_number(people, N_WITH("active")), 1);
	people_wait(120000);
	(void)people_open(people, id, "web");
	run(people);
	assert_int_equal(people_number(people, N_WITH("active")), 1);
	assert_int_equal(people_number(people, N_WITH("expired")), 1);
	assert_int_equal(people_number(people, N_WITH("revoked")), 1);
	people_wait(30 * DAY_MS - 120000);
	run(people);
	assert_int_equal(people_number(people, "SELECT COUNT(*) FROM user_sessions"), 3);
	people_wait(120000);
	run(people);
	assert_int_equal(people_number(people, N_WITH("revoked")), 0);
	assert_int_equal(people_number(people, "SELECT COUNT(*) FROM user_sessions"), 1);
}

/* More than a batch, most of them of one moment. */
static void many_rows_go_in_batches(void **state)
{
	const struct people *people = *state;
	int64_t old_ms = clock_now_ms() - 200 * DAY_MS;
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		       "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		       " WHERE i < 1500) INSERT INTO login_logs (result, at)"
		       " SELECT 'success', %lld + (CASE WHEN i < 500 THEN 0 ELSE i END) FROM n",
		       (long long)old_ms);
	people_exec(people, sql);
	add_row(people, 0, clock_now_ms());
	atomic_store(&must_stop, true);
	run(people);
	assert_int_equal(people_number(people, counts[0]), 1501);
	atomic_store(&must_stop, false);
	run(people);
	assert_int_equal(people_number(people, counts[0]), 1);
}

#define WITH_PEOPLE(test) cmocka_unit_test_setup_teardown(test, setup, people_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PEOPLE(each_log_has_its_time),
		WITH_PEOPLE(sessions_end_and_then_go),
		WITH_PEOPLE(many_rows_go_in_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
