/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define SECRET "open sesame"
#define SERVICE "MG0123456789abcdef0123456789abcdef"
#define TAKEN "{\"sid\":\"SM1\",\"status\":\"queued\",\"error_code\":null}"
#define ERROR(code) "{\"code\":" code ",\"message\":\"no\",\"status\":400}"

static struct pintle_inst production = { .is_production = true };

static int32_t send_with(const char *const *options, struct pintle_call *call)
{
	const struct pintle_message message = { .size = sizeof(message),
						.purpose = PINTLE_LOGIN,
						.to = "+12025550123",
						.template_name = "login",
						.text = "您的 code: 123456&Body=x+y",
						.lang = "zh" };
	struct fake_plugin plugin;
	int32_t status;

	fake_plugin_init(&plugin, "sms_twilio", &production, options);
	assert_non_null(plugin.self);
	status = plugin.desc->sender->send(plugin.self, call, &message);
	fake_plugin_fini(&plugin);
	return status;
}

/* The credentials are the example of RFC 7617. */
static void a_text_is_a_form(void **state)
{
	static const struct {
		const char *from, *sender;
	} rows[] = {
		{ "+15005550006", "From=%2B15005550006" },
		{ "Pintle", "From=Pintle" },
		{ "MG", "From=MG" },
		{ SERVICE, "MessagingServiceSid=" SERVICE },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *const options[] = { "account_sid", "AC1",        "key_sid",
						"Aladdin",     "secret",     SECRET,
						"from",        rows[i].from, NULL };
		struct pintle_call call = { .http_code = 201, .http_body = TAKEN };
		char expected[FAKE_TEXT_MAX];

		(void)snprintf(
			expected, sizeof(expected),
			"POST https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json\n"
			"Content-Type: application/x-www-form-urlencoded\n"
			"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\n\n"
			"To=%%2B12025550123&%s&"
			"Body=%%E6%%82%%A8%%E7%%9A%%84%%20code%%3A%%20123456%%26Body%%3Dx%%2By",
			rows[i].sender);
		assert_int_equal(send_with(options, &call), PINTLE_OK);
		assert_string_equal(call.request, expected);
		fake_call_fini(&call);
	}
}

static void each_answer_has_its_status(void **state)
{
	static const struct {
		int32_t http_status, code;
		const char *body;
		int32_t status;
	} rows[] = {
		{ PINTLE_OK, 201, TAKEN, PINTLE_OK },
		{ PINTLE_OK, 201, "{\"sid\":\"SM1\",\"status\":\"sent\"}", PINTLE_OK },
		{ PINTLE_OK, 201, "{\"sid\":\"SM1\",\"status\":\"failed\"}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 400, ERROR("21211"), PINTLE_DENIED },
		{ PINTLE_OK, 400, ERROR("21610"), PINTLE_DENIED },
		{ PINTLE_OK, 400, ERROR("21614"), PINTLE_DENIED },
		{ PINTLE_OK, 401, ERROR("20003"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 429, ERROR("20429"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 400, ERROR("21408"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 400, ERROR("2121"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 400, "{}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 500, TAKEN, PINTLE_TIMEOUT },
		{ PINTLE_OK, 201, "{\"status\":\"queued\"}", PINTLE_TIMEOUT },
		{ PINTLE_OK, 201, "not json", PINTLE_TIMEOUT },
		{ PINTLE_OK, 503, "not json", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 504, "", PINTLE_TIMEOUT },
		{ PINTLE_UNAVAILABLE, 0, "", PINTLE_UNAVAILABLE },
		{ PINTLE_TIMEOUT, 0, "", PINTLE_TIMEOUT },
	};
	const char *const options[] = { "account_sid", "AC1",          "secret", SECRET,
					"from",        "+15005550006", NULL };

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct pintle_call call = { .http_status = rows[i].http_status,
					    .http_code = rows[i].code,
					    .http_body = rows[i].body };
		int32_t status = send_with(options, &call);

		if (status != rows[i].status)
			fail_msg("row %zu: status %d", i, status);
		if ((strstr(call.data, "upstream_id=SM1;") != NULL) != (status == PINTLE_OK))
			fail_msg("row %zu: data '%s'", i, call.data);
		assert_null(strstr(call.request, SECRET));
		fake_call_fini(&call);
	}
}

static void each_bad_section_is_refused(void **state)
{
	static const struct {
		const char *options[9];
		const char *reason; /* NULL: fine */
	} rows[] = {
		{ { "account_sid", "AC1", "secret", SECRET, "from", "x", NULL }, NULL },
		{ { "account_sid", "AC1", "secret", SECRET, NULL }, "from" },
		{ { "account_sid", "AC1", "from", "x", NULL }, "secret" },
		{ { "account_sid", "AC/../1", "secret", SECRET, "from", "x", NULL },
		  "account_sid" },
		{ { "account_sid", "AC1", "secret", SECRET, "from", "x", "key_sid", "a:b", NULL },
		  "key_sid" },
		{ { "account_sid", "AC1", "secret", SECRET, "from", "x", "endpoint",
		    "http://sms.example.com", NULL },
		  "https" },
		{ { "account_sid", "AC1", "secret", SECRET, "from", "x", "endpoint",
		    "https://sms.example.com/x", NULL },
		  "path" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct fake_plugin plugin;

		fake_plugin_init(&plugin, "sms_twilio", &production, rows[i].options);
		if ((plugin.self == NULL) != (rows[i].reason != NULL))
			fail_msg("row %zu: opened or refused: '%s'", i, plugin.reason);
		if (rows[i].reason && !strstr(plugin.reason, rows[i].reason))
			fail_msg("row %zu: reason '%s'", i, plugin.reason);
		assert_null(strstr(plugin.reason, SECRET));
		fake_plugin_fini(&plugin);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_a_form),
		cmocka_unit_test(each_answer_has_its_status),
		cmocka_unit_test(each_bad_section_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
