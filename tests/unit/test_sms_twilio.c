/* SPDX-License-Identifier: Apache-2.0 */
#include "../../plugins/sms_twilio/sign.h"
#include "sms_gateway.h"

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

static const struct pintle_message message = { .size = sizeof(message),
					       .purpose = PINTLE_LOGIN,
					       .to = "+12025550123",
					       .template_name = "login",
					       .text = "您的 code: 123456&Body=x+y",
					       .lang = "zh" };

static const struct sms_gateway gateway = {
	.plugin = "sms_twilio", .message = &message, .noted = "upstream_id=SM1;", .secret = SECRET
};

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
		assert_int_equal(sms_gateway_send(&gateway, options, &call), PINTLE_OK);
		assert_string_equal(call.request, expected);
		fake_call_fini(&call);
	}
}

static void each_answer_has_its_status(void **state)
{
	static const struct sms_answer rows[] = {
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
	sms_gateway_judges(&gateway, options, rows, N(rows));
}

static void each_bad_section_is_refused(void **state)
{
	static const struct sms_section rows[] = {
		{ { "account_sid", "AC1", "secret", SECRET, "from", "x", NULL }, true, NULL },
		{ { "account_sid", "AC1", "secret", SECRET, NULL }, true, "from" },
		{ { "account_sid", "AC1", "from", "x", NULL }, true, "secret" },
		{ { "account_sid", "AC/../1", "secret", SECRET, "from", "x", NULL },
		  true,
		  "account_sid" },
		{ { "account_sid", "AC1", "secret", SECRET, "from", "x", "key_sid", "a:b", NULL },
		  true,
		  "key_sid" },
		{ { "account_sid", "AC1", "secret", SECRET, "from", "x", "endpoint",
		    "http://sms.example.com", NULL },
		  true,
		  "https" },
		{ { "account_sid", "AC1", "secret", SECRET, "from", "x", "endpoint",
		    "https://sms.example.com/x", NULL },
		  true,
		  "path" },
	};

	(void)state;
	sms_gateway_opens(&gateway, rows, N(rows));
}

/* The vectors of the service's documents. */
static void a_report_is_signed(void **state)
{
	static const struct {
		const char *caller, *signature;
	} rows[] = {
		{ "%2B14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8=" },
		{ "%2B12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char body[256], signature[SIGN_LEN];
		struct sign_form form;

		(void)snprintf(body, sizeof(body),
			       "To=%%2B18005551212&From=%s&Digits=1234&CallSid=CA1234567890ABCDE&"
			       "Caller=%s",
			       rows[i].caller, rows[i].caller);
		assert_int_equal(sign_form_parse(&form, body, strlen(body)), PINTLE_OK);
		assert_true(sign_report("12345", "https://mycompany.com/myapp.php?foo=1&bar=2",
					&form, signature));
		assert_string_equal(signature, rows[i].signature);
		sign_form_free(&form);
	}
}

static void what_is_no_form_is_refused(void **state)
{
	static const char *const rows[] = { "a", "a=1&b", "a=%", "a=%4", "a=%zz", "a=%00", "%0=1" };
	struct sign_form form;

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		if (sign_form_parse(&form, rows[i], strlen(rows[i])) != PINTLE_INVALID)
			fail_msg("row %zu was taken", i);
		sign_form_free(&form);
	}
	assert_int_equal(sign_form_parse(&form, "b=%E4%B8%ad+x&a=", 16), PINTLE_OK);
	assert_string_equal(sign_form_get(&form, "b"), "中 x");
	assert_string_equal(sign_form_get(&form, "a"), "");
	assert_null(sign_form_get(&form, "c"));
	sign_form_free(&form);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_a_form),
		cmocka_unit_test(each_answer_has_its_status),
		cmocka_unit_test(each_bad_section_is_refused),
		cmocka_unit_test(a_report_is_signed),
		cmocka_unit_test(what_is_no_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
