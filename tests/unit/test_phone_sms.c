/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PHONE "+8613800138000"

static struct fake_plugin plugin;
static struct pintle_inst inst;

static int set_up(void **state)
{
	(void)state;
	fake_plugin_init(&plugin, "phone_sms", &inst, NULL);
	assert_non_null(plugin.self);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_plugin_fini(&plugin);
	return 0;
}

static int32_t begin(struct pintle_call *call)
{
	return plugin.desc->provider->begin(plugin.self, call);
}

static int32_t verify(struct pintle_call *call)
{
	return plugin.desc->provider->verify(plugin.self, call);
}

static void a_code_goes_out_and_comes_back(void **state)
{
	const char *const asked[] = { "phone", "138 0013 8000", NULL };
	struct pintle_call call = { .fields = asked };
	const char *said[] = { "code", call.code, NULL };

	(void)state;
	assert_int_equal(begin(&call), PINTLE_OK);
	assert_string_equal(call.target, "phone " PHONE);
	assert_int_equal(strspn(call.code, "0123456789"), 6);
	assert_int_equal(strlen(call.code), 6);
	assert_non_null(strstr(call.sent, "sms " PHONE " login Your code is "));
	assert_non_null(strstr(call.sent, call.code));
	fake_call_again(&call, said);
	assert_int_equal(verify(&call), PINTLE_OK);
	assert_string_equal(call.subject, "phone " PHONE);
	fake_call_fini(&call);
}

static void each_wrong_answer_is_denied(void **state)
{
	static const struct row {
		const char *fields[5];
		int32_t status;
	} rows[] = {
		{ { "code", "CODE", NULL }, PINTLE_OK },
		{ { "code", "CODE", "phone", "13800138000", NULL }, PINTLE_OK },
		{ { "code", "CODE", "phone", "13800138001", NULL }, PINTLE_DENIED },
		{ { "code", "CODE", "phone", "nonsense", NULL }, PINTLE_DENIED },
		{ { "code", "12345", NULL }, PINTLE_DENIED },
		{ { "code", "1234567", NULL }, PINTLE_DENIED },
		{ { "code", "", NULL }, PINTLE_DENIED },
		{ { "code", "12345a", NULL }, PINTLE_DENIED },
		{ { "code", "１２３４５６", NULL }, PINTLE_DENIED },
		{ { "phone", "13800138000", NULL }, PINTLE_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const asked[] = { "phone", "13800138000", NULL };
		struct pintle_call call = { .fields = asked };
		struct row row = rows[i];
		int32_t status;

		assert_int_equal(begin(&call), PINTLE_OK);
		if (row.fields[1] && strcmp(row.fields[1], "CODE") == 0)
			row.fields[1] = call.code;
		fake_call_again(&call, row.fields);
		status = verify(&call);
		if (status != row.status || (*call.subject != '\0') != (status == PINTLE_OK))
			fail_msg("row %zu: status %d subject '%s'", i, status, call.subject);
		fake_call_fini(&call);
	}
}

static void another_code_is_denied(void **state)
{
	const char *const asked[] = { "phone", "13800138000", NULL };
	struct pintle_call call = { .fields = asked };
	char other[8];
	const char *said[] = { "code", other, NULL };

	(void)state;
	assert_int_equal(begin(&call), PINTLE_OK);
	memcpy(other, call.code, sizeof(other));
	other[5] = other[5] == '9' ? '0' : (char)(other[5] + 1);
	fake_call_again(&call, said);
	assert_int_equal(verify(&call), PINTLE_DENIED);
	fake_call_fini(&call);
}

static void the_code_itself_is_not_kept(void **state)
{
	const char *const asked[] = { "phone", "13800138000", NULL };
	struct pintle_call call = { .fields = asked };
	char expected[128];

	(void)state;
	assert_int_equal(begin(&call), PINTLE_OK);
	(void)snprintf(expected, sizeof(expected), "phone=%s;code=<code|%s %s>;", PHONE, PHONE,
		       call.code);
	assert_string_equal(call.kept, expected);
	fake_call_fini(&call);
}

static void a_begin_that_is_refused_sends_nothing(void **state)
{
	static const struct {
		const char *fields[3];
		int32_t target_status, status;
		const char *wrong;
	} rows[] = {
		{ { NULL }, PINTLE_OK, PINTLE_INVALID, "phone required" },
		{ { "phone", "12", NULL }, PINTLE_OK, PINTLE_INVALID, "phone format" },
		{ { "phone", "13800138000", NULL }, PINTLE_LIMITED, PINTLE_LIMITED, "" },
		{ { "phone", "13800138000", NULL }, PINTLE_UNAVAILABLE, PINTLE_UNAVAILABLE, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pintle_call call = { .fields = rows[i].fields,
					    .target_status = rows[i].target_status };
		int32_t status = begin(&call);

		if (status != rows[i].status || strcmp(call.wrong, rows[i].wrong) != 0 ||
		    *call.sent)
			fail_msg("row %zu: status %d wrong '%s' sent '%s'", i, status, call.wrong,
				 call.sent);
		fake_call_fini(&call);
	}
}

static void each_purpose_has_its_template(void **state)
{
	static const char *const templates[] = { "login", "register", "bind", "reset", "change" };
	const char *const asked[] = { "phone", "13800138000", NULL };

	(void)state;
	for (int32_t i = 0; i < 5; i++) {
		struct pintle_call call = { .fields = asked, .purpose = i, .lang = "zh" };
		char expected[64];

		(void)snprintf(expected, sizeof(expected), "sms %s %s 您的验证码是 ", PHONE,
			       templates[i]);
		assert_int_equal(begin(&call), PINTLE_OK);
		if (strncmp(call.sent, expected, strlen(expected)) != 0)
			fail_msg("purpose %d: '%s'", i, call.sent);
		fake_call_fini(&call);
	}
}

static void a_text_without_code_refuses_to_open(void **state)
{
	const char *const bad[] = { "text_en", "hello", NULL };
	struct fake_plugin refused;

	(void)state;
	fake_plugin_init(&refused, "phone_sms", &inst, bad);
	assert_null(refused.self);
	assert_non_null(strstr(refused.reason, "{code}"));
	fake_plugin_fini(&refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_goes_out_and_comes_back),
		cmocka_unit_test(each_wrong_answer_is_denied),
		cmocka_unit_test(another_code_is_denied),
		cmocka_unit_test(the_code_itself_is_not_kept),
		cmocka_unit_test(a_begin_that_is_refused_sends_nothing),
		cmocka_unit_test(each_purpose_has_its_template),
		cmocka_unit_test(a_text_without_code_refuses_to_open),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
