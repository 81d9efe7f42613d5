/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <pintle/status.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct session sample(void)
{
	return (struct session){
		.id = "abcdefghijklmnopqrstuv",
		.status = SESSION_ACTIVE,
		.realm = "user",
		.subject_id = INT64_C(9007199254740991),
		.uuid = "0b3c1a52-6f0e-4a0f-9d3c-1c2d3e4f5a6b",
		.user_type = "farmer",
		.name = "王小明",
		.platform = "web",
		.roles = "ops,auditor",
		.permissions = "user:view,user:update",
		.permission_epoch = 3,
		.created_ms = 1000,
		.expires_ms = 2000,
		.absolute_ms = 3000,
		.last_active_ms = 1500,
	};
}

static void fill(char *text, size_t size)
{
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
}

static void a_record_comes_back_as_it_was(void **state)
{
	struct session before = sample(), after;
	char record[SESSION_RECORD_MAX], again[SESSION_RECORD_MAX];
	size_t len = session_encode(&before, record);

	(void)state;
	assert_true(session_decode(&after, record, len));
	assert_memory_equal(&after, &before, sizeof(before));
	assert_int_equal(session_encode(&after, again), len);
	assert_memory_equal(again, record, len);
}

static void the_fullest_session_fits(void **state)
{
	struct session before, after;
	char record[SESSION_RECORD_MAX];

	(void)state;
	memset(&before, 0, sizeof(before));
	before.status = SESSION_REVOKED;
	before.subject_id = INT64_MIN;
	before.expires_ms = INT64_MAX;
	fill(before.id, sizeof(before.id));
	fill(before.realm, sizeof(before.realm));
	fill(before.uuid, sizeof(before.uuid));
	fill(before.user_type, sizeof(before.user_type));
	fill(before.name, sizeof(before.name));
	fill(before.platform, sizeof(before.platform));
	fill(before.roles, sizeof(before.roles));
	fill(before.permissions, sizeof(before.permissions));
	assert_true(session_decode(&after, record, session_encode(&before, record)));
	assert_memory_equal(&after, &before, sizeof(before));
}

static void what_is_cut_or_longer_is_refused(void **state)
{
	struct session session = sample();
	char record[SESSION_RECORD_MAX + 1];
	size_t len = session_encode(&session, record);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		if (session_decode(&session, record, i))
			fail_msg("%zu bytes of %zu were taken for a record", i, len);
	}
	record[len] = '\0';
	assert_false(session_decode(&session, record, len + 1));
	assert_true(session_decode(&session, record, len));
}

static void what_is_unknown_is_refused(void **state)
{
	static const struct {
		size_t at;
		char byte;
		const char *what;
	} changes[] = {
		{ 0, 0, "version 0" },         { 0, 2, "version 2" },
		{ 1, 3, "status 3" },          { 1, (char)0xFF, "status 255" },
		{ 50, 64, "an id of 64" },     { 50, (char)0xFF, "an id of 255" },
		{ 51, 1, "an id beyond 256" }, { 52, '\0', "a NUL in the id" },
		{ 50, 21, "an id of 21" },     { 74, 16, "a realm of 16" },
	};

	(void)state;
	for (size_t i = 0; i < N(changes); i++) {
		struct session session = sample();
		char record[SESSION_RECORD_MAX];
		size_t len = session_encode(&session, record);

		assert_int_equal(record[50], 22);
		assert_int_equal(record[74], 4);
		record[changes[i].at] = changes[i].byte;
		if (session_decode(&session, record, len))
			fail_msg("%zu: %s was taken", i, changes[i].what);
	}
}

static void a_session_ends_by_status_and_by_time(void **state)
{
	static const struct {
		int32_t status;
		int64_t expires_ms, absolute_ms, now_ms;
		int32_t answer;
	} cases[] = {
		{ SESSION_ACTIVE, 2000, 3000, 1999, PINTLE_OK },
		{ SESSION_ACTIVE, 2000, 3000, 2000, PINTLE_DENIED },
		{ SESSION_ACTIVE, 4000, 3000, 2999, PINTLE_OK },
		{ SESSION_ACTIVE, 4000, 3000, 3000, PINTLE_DENIED },
		{ SESSION_EXPIRED, 2000, 3000, 1000, PINTLE_DENIED },
		{ SESSION_REVOKED, 2000, 3000, 1000, PINTLE_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct session session = sample();

		session.status = cases[i].status;
		session.expires_ms = cases[i].expires_ms;
		session.absolute_ms = cases[i].absolute_ms;
		if (session_check(&session, cases[i].now_ms) != cases[i].answer)
			fail_msg("%zu: the answer is not %d", i, cases[i].answer);
	}
}

static void permissions_are_whole_words(void **state)
{
	static const struct {
		const char *permissions, *asked;
		bool is_held;
	} cases[] = {
		{ "user:view,user:update", "user:view", true },
		{ "user:view,user:update", "user:update", true },
		{ "user:view", "user:view", true },
		{ "user:view,user:update", "user:vie", false },
		{ "user:view,user:update", "view", false },
		{ "user:view,user:update", "user:view,user:update", false },
		{ "user:view,,x", "", false },
		{ "", "", false },
		{ "", "user:view", false },
		{ "user:viewer", "user:view", false },
		{ "user:view", "USER:VIEW", false },
		{ ",x", "x", true },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct session session = sample();

		strcpy(session.permissions, cases[i].permissions);
		if (session_has_permission(&session, cases[i].asked) != cases[i].is_held)
			fail_msg("%zu: '%s' in '%s'", i, cases[i].asked, cases[i].permissions);
	}
}

static void a_key_names_its_session(void **state)
{
	char key[SESSION_ID_MAX + 2], id[SESSION_ID_MAX];

	(void)state;
	session_key("abc", key);
	assert_string_equal(key, "s:abc");
	fill(id, sizeof(id));
	session_key(id, key);
	assert_int_equal(strlen(key), 2 + SESSION_ID_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_was),
		cmocka_unit_test(the_fullest_session_fits),
		cmocka_unit_test(what_is_cut_or_longer_is_refused),
		cmocka_unit_test(what_is_unknown_is_refused),
		cmocka_unit_test(a_session_ends_by_status_and_by_time),
		cmocka_unit_test(permissions_are_whole_words),
		cmocka_unit_test(a_key_names_its_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
