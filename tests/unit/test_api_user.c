/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define PHONE "+8613800138000"
#define FIRST SESSION_FIRST_GENERATION

/* ---- The account signed in ---- */

static void a_session_is_ended_by_its_owner_only(void **state)
{
	struct asking *api = *state;
	struct session mine = asking_sign_in(api, PHONE),
		       theirs = asking_sign_in(api, "+8613900139000");
	struct session second = people_open(api->people, mine.subject_id, "app");
	struct request *request = asking_prepare(api, NULL);

	request->params.names[0] = SLICE("sessionId");
	request->params.n_params = 1;
	request->params.values[0] = slice_of(theirs.id);
	request->who = (struct who){ true, mine };
	api_session_delete(request);
	asking_refused(&request->answer, 404, "not_found");
	request->params.values[0] = slice_of(second.id);
	request->answer = (struct answer){ 0 };
	api_session_delete(request);
	assert_int_equal(request->answer.status, 200);
	assert_int_equal(asking_as(api, &mine, api_sessions, NULL)->status, 200);
	assert_int_equal(json_array_size(json_object_get(api->request.answer.data, "sessions")), 1);
}

static void a_profile_is_changed_where_its_owner_may(void **state)
{
	struct asking *api = *state;
	struct session session = asking_sign_in(api, PHONE);
	const struct answer *answer =
		asking_as(api, &session, api_profile_update, json_pack("{s:s}", "nickname", "Li"));

	assert_int_equal(answer->status, 200);
	assert_string_equal(asking_text(answer->data, "nickname"), "Li");
	assert_string_equal(asking_text(answer->data, "phone"), "138****8000");
	asking_refused(
		asking_as(api, &session, api_profile_update, json_pack("{s:i}", "balance", 9)), 422,
		"field_invalid");
	assert_string_equal(asking_text(json_array_get(api->request.answer.fields, 0), "field"),
			    "balance");
}

/* ---- The operator ---- */

static const struct answer *set_status(struct asking *api, const char *who, const char *status)
{
	return asking(api, api_control_user_status,
		      json_pack("{s:s, s:s}", "who", who, "status", status));
}

static void a_frozen_account_is_told_so(void **state)
{
	struct asking *api = *state;
	struct session session = asking_sign_in(api, PHONE);
	const char *access = asking_access_token(api, &session);

	asking_refused(set_status(api, PHONE, "gone"), 422, "field_invalid");
	asking_refused(set_status(api, "+8613700137000", "frozen"), 404, "not_found");
	assert_true(asking_is_active(api, access));
	assert_int_equal(set_status(api, "13800138000", "frozen")->status, 200);
	assert_false(asking_is_active(api, access));
	asking_refused(asking_refresh(api, asking_refresh_token(api, &session, FIRST)), 403,
		       "account_frozen");
	assert_int_equal(set_status(api, session.uuid, "active")->status, 200);
	asking_refused(asking_refresh(api, asking_refresh_token(api, &session, FIRST)), 401,
		       "invalid_token");
}

static const struct answer *create(struct asking *api, const char *one, const char *two)
{
	return asking(api, api_control_user_create,
		      json_pack("{s:[s, s]}", "identifiers", one, two));
}

static void an_account_is_made_whole_or_not_at_all(void **state)
{
	struct asking *api = *state;
	static const char count[] = "SELECT COUNT(*) FROM users";

	asking_refused(create(api, PHONE, "no such thing"), 422, "field_invalid");
	asking_refused(asking(api, api_control_user_create, NULL), 422, "field_invalid");
	asking_refused(asking(api, api_control_user_create, json_pack("{s:[i]}", "identifiers", 1)),
		       422, "field_invalid");
	assert_int_equal(people_number(api->people, count), 0);
	assert_int_equal(create(api, PHONE, "alice")->status, 200);
	asking_refused(create(api, "bob", PHONE), 409, "identity_taken");
	assert_int_equal(people_number(api->people, count), 1);
	assert_int_equal(
		asking(api, api_control_user_show, json_pack("{s:s}", "who", "Alice"))->status,
		200);
	assert_int_equal(asking(api, api_control_user_show, json_pack("{s:s}", "who", "1"))->status,
			 200);
	asking_refused(asking(api, api_control_user_show, json_pack("{s:s}", "who", "bob")), 404,
		       "not_found");
}

static void orders_are_lines_on_the_pipe(void **state)
{
	struct asking *api = *state;
	char line[32] = "";
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	api->host.order_pipe = ends[1];
	asking_refused(asking(api, api_control_order, json_pack("{s:s}", "order", "resume x")), 422,
		       "field_invalid");
	assert_int_equal(
		asking(api, api_control_order, json_pack("{s:s}", "order", "reload"))->status, 200);
	assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
	assert_string_equal(line, "reload\n");
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void write_outbox(const struct asking *api, const char *text)
{
	char path[SCRATCH_MAX + 16];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/outbox.json", api->dir);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void the_outbox_is_read_backwards(void **state)
{
	struct asking *api = *state;
	const struct answer *answer;

	api->people->settings.server.state_dir = api->dir;
	assert_int_equal(json_array_size(asking(api, api_control_outbox, NULL)->data), 0);
	write_outbox(api, "{\"code\":\"1\"}\nnot JSON\n{\"code\":\"2\"}\n");
	answer = asking(api, api_control_outbox, NULL);
	assert_int_equal(answer->status, 200);
	assert_int_equal(json_array_size(answer->data), 2);
	assert_string_equal(asking_text(json_array_get(answer->data, 0), "code"), "2");
	assert_string_equal(asking_text(json_array_get(answer->data, 1), "code"), "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, asking_setup, asking_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_is_ended_by_its_owner_only),
		TEST(a_profile_is_changed_where_its_owner_may),
		TEST(a_frozen_account_is_told_so),
		TEST(an_account_is_made_whole_or_not_at_all),
		TEST(orders_are_lines_on_the_pipe),
		TEST(the_outbox_is_read_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
