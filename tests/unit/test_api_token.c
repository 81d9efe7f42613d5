/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PHONE "+8613800138000"
#define FIRST SESSION_FIRST_GENERATION

/* ---- Refresh and logout ---- */

static void a_spent_refresh_token_ends_the_session(void **state)
{
	struct asking *api = *state;
	struct session session = asking_sign_in(api, PHONE);
	const char *first = asking_refresh_token(api, &session, FIRST);
	const struct answer *answer = asking_refresh(api, first);
	char *second;

	assert_int_equal(answer->status, 200);
	second = arena_strdup(&api->people->arena, asking_text(answer->data, "refresh_token"));
	assert_string_not_equal(second, first);
	people_wait(ASKING_GRACE_MS + 1);
	asking_refused(asking_refresh(api, first), 401, "invalid_token");
	asking_refused(asking_refresh(api, second), 401, "invalid_token");
	assert_int_equal(people_number(api->people, "SELECT COUNT(*) FROM auth_logs"
						    " WHERE action = 'token.reuse'"),
			 1);
}

static void refresh_wants_a_token_of_ours(void **state)
{
	struct asking *api = *state;
	struct session session = asking_sign_in(api, PHONE);
	const char *good = asking_refresh_token(api, &session, FIRST);
	char *forged = arena_strdup(&api->people->arena, good);
	size_t last = strlen(forged) - 2;

	forged[last] = forged[last] == 'A' ? 'B' : 'A';
	asking_refused(asking_refresh(api, forged), 401, "invalid_token");
	asking_refused(asking_refresh(api, ""), 401, "invalid_token");
	asking_refused(asking(api, api_refresh, NULL), 422, "field_invalid");
	asking_refused(asking(api, api_refresh, json_pack("{s:i}", "refresh_token", 1)), 422,
		       "field_invalid");
	assert_int_equal(json_array_size(api->request.answer.fields), 1);
	assert_int_equal(asking_refresh(api, good)->status, 200);
}

static void a_store_that_is_down_is_no_refusal(void **state)
{
	struct asking *api = *state;
	struct session session = asking_sign_in(api, PHONE);

	api->people->is_kv_down = true;
	asking_refused(asking_as(api, &session, api_logout, NULL), 503, "store_unavailable");
	api->people->is_kv_down = false;
	assert_int_equal(asking_as(api, &session, api_logout, NULL)->status, 200);
}

static void logout_ends_this_session_or_all(void **state)
{
	struct asking *api = *state;
	struct session one = asking_sign_in(api, PHONE);
	struct session two = people_open(api->people, one.subject_id, "web");
	static const char active[] = "SELECT COUNT(*) FROM user_sessions WHERE status = 'active'";

	asking_refused(asking_as(api, &one, api_logout, json_pack("{s:s}", "all", "yes")), 422,
		       "field_invalid");
	assert_int_equal(people_number(api->people, active), 2);
	assert_int_equal(asking_as(api, &one, api_logout, NULL)->status, 200);
	assert_int_equal(people_number(api->people, active), 1);
	(void)people_open(api->people, one.subject_id, "app");
	assert_int_equal(asking_as(api, &two, api_logout, json_pack("{s:b}", "all", 1))->status,
			 200);
	assert_int_equal(people_number(api->people, active), 0);
}

/* ---- Introspection and revocation ---- */

static void introspection_knows_both_kinds_of_token(void **state)
{
	struct asking *api = *state;
	struct session session = asking_sign_in(api, PHONE);
	const char *access = asking_access_token(api, &session);
	const char *first = asking_refresh_token(api, &session, FIRST);

	assert_true(asking_is_active(api, access));
	assert_string_equal(asking_text(api->request.answer.raw, "sub"), session.uuid);
	assert_true(asking_is_active(api, first));
	assert_false(asking_is_active(api, "nonsense"));
	assert_int_equal(json_object_size(api->request.answer.raw), 1);
	assert_int_equal(asking_refresh(api, first)->status, 200);
	assert_false(asking_is_active(api, first));
	assert_true(asking_is_active(api, asking_refresh_token(api, &session, FIRST + 1)));
	assert_true(asking_is_active(api, access));
}

static void only_a_known_client_may_ask(void **state)
{
	static const char *const strangers[] = {
		NULL,
		"",
		"Basic",
		"Basic ",
		WRONG_CLIENT,
		"Basic c3Zj",
		"Bearer c3ZjOnJpZ2h0",
		"Basic c3ZjOnJpZ2h0!",
	};

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		const struct answer *answer;

		asking_teardown(state);
		asking_setup(state);
		answer = asking_service(*state, strangers[i], api_introspect, "x");
		if (answer->status != 401 ||
		    strcmp(asking_text(answer->raw, "error"), "invalid_client") != 0 ||
		    !strstr(answer->headers, "WWW-Authenticate: Basic"))
			fail_msg("case %zu: %d", i, answer->status);
	}
	assert_int_equal(asking_service(*state, RIGHT_CLIENT, api_introspect, "x")->status, 200);
}

static void guessing_a_client_is_limited_and_asking_is_not(void **state)
{
	struct asking *api = *state;

	for (int i = 0; i < 2; i++)
		assert_int_equal(asking_service(api, WRONG_CLIENT, api_introspect, "x")->status,
				 401);
	assert_int_equal(asking_service(api, WRONG_CLIENT, api_introspect, "x")->status, 429);
	for (int i = 0; i < 5; i++)
		assert_int_equal(asking_service(api, RIGHT_CLIENT, api_introspect, "x")->status,
				 200);
}

static void revocation_ends_the_session_of_either_token(void **state)
{
	struct asking *api = *state;

	for (int i = 0; i < 2; i++) {
		struct session session = asking_sign_in(api, i ? "+8613900139000" : PHONE);
		const char *access = asking_access_token(api, &session);
		const char *token = i ? asking_refresh_token(api, &session, FIRST) : access;
		const struct answer *answer;

		assert_true(asking_is_active(api, access));
		answer = asking_service(api, RIGHT_CLIENT, api_revoke, token);
		if (answer->status != 200 || !answer->is_empty || asking_is_active(api, access))
			fail_msg("case %d", i);
	}
}

static void revocation_tells_nothing_of_unknown_tokens(void **state)
{
	struct asking *api = *state;
	struct session session = asking_sign_in(api, PHONE);

	assert_int_equal(asking_service(api, RIGHT_CLIENT, api_revoke, "nonsense")->status, 200);
	assert_int_equal(asking_service(api, RIGHT_CLIENT, api_revoke, NULL)->status, 400);
	assert_int_equal(asking_service(api, WRONG_CLIENT, api_revoke, "x")->status, 401);
	api->people->is_kv_down = true;
	assert_int_equal(
		asking_service(api, RIGHT_CLIENT, api_revoke, asking_access_token(api, &session))
			->status,
		503);
}

static void metadata_points_at_the_keys(void **state)
{
	struct asking *api = *state;
	const struct answer *answer = asking(api, api_metadata, NULL);

	assert_string_equal(asking_text(answer->raw, "issuer"), "https://id.example");
	assert_string_equal(asking_text(answer->raw, "jwks_uri"),
			    "https://id.example/.well-known/jwks.json");
	answer = asking(api, api_jwks, NULL);
	assert_int_equal(json_array_size(json_object_get(answer->raw, "keys")), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, asking_setup, asking_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_spent_refresh_token_ends_the_session),
		TEST(refresh_wants_a_token_of_ours),
		TEST(a_store_that_is_down_is_no_refusal),
		TEST(logout_ends_this_session_or_all),
		TEST(introspection_knows_both_kinds_of_token),
		TEST(only_a_known_client_may_ask),
		TEST(guessing_a_client_is_limited_and_asking_is_not),
		TEST(revocation_ends_the_session_of_either_token),
		TEST(revocation_tells_nothing_of_unknown_tokens),
		TEST(metadata_points_at_the_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
