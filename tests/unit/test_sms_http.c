/* SPDX-License-Identifier: Apache-2.0 */
#include "sms_gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define URL "https://sms.example.com/send"

static const char *const vars[] = { "code", "123456", NULL };
static const struct pintle_message message = { .size = sizeof(message),
					       .purpose = PINTLE_BIND,
					       .to = "+8613800138000",
					       .template_name = "bind",
					       .vars = vars,
					       .text = "say \"hi\" \\ \n您好",
					       .lang = "zh" };

static const struct sms_gateway gateway = { .plugin = "sms_http",
					    .message = &message,
					    .noted = "upstream_id=" };

static void the_body_is_the_template_filled(void **state)
{
	const char *const options[] = {
		"url",
		URL,
		"method",
		"PUT",
		"headers",
		"Authorization: Bearer abc, X-B: 2",
		"body",
		"{\"m\":\"{{to}}\",\"p\":{\"c\":\"{{code}}\"},\"t\":\"{{text}}\","
		"\"x\":\"{{template}}/{{lang}}/{{purpose}}\"}",
		NULL
	};
	struct pintle_call call = { .http_code = 200 };

	(void)state;
	assert_int_equal(sms_gateway_send(&gateway, options, &call), PINTLE_OK);
	assert_string_equal(call.request,
			    "PUT " URL "\nContent-Type: application/json\n"
			    "Authorization: Bearer abc\nX-B: 2\n\n"
			    "{\"m\":\"+8613800138000\",\"p\":{\"c\":\"123456\"},"
			    "\"t\":\"say \\\"hi\\\" \\\\ \\u000a您好\",\"x\":\"bind/zh/bind\"}");
	fake_call_fini(&call);
}

static void each_answer_has_its_status(void **state)
{
	static const struct sms_answer rows[] = {
		{ PINTLE_OK, 200, "{\"r\":{\"code\":\"0\"},\"id\":\"m1\"}", PINTLE_OK },
		{ PINTLE_OK, 202, "{\"r\":{\"code\":0},\"id\":17}", PINTLE_OK },
		{ PINTLE_OK, 200, "{\"r\":{\"code\":\"1\"}}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, "{\"r\":[]}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, "not json", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, "", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 302, "", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 400, "", PINTLE_INVALID },
		{ PINTLE_OK, 401, "", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 404, "", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 408, "", PINTLE_TIMEOUT },
		{ PINTLE_OK, 422, "", PINTLE_INVALID },
		{ PINTLE_OK, 429, "", PINTLE_LIMITED },
		{ PINTLE_OK, 500, "", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 504, "", PINTLE_TIMEOUT },
		{ PINTLE_UNAVAILABLE, 0, "", PINTLE_UNAVAILABLE },
		{ PINTLE_TIMEOUT, 0, "", PINTLE_TIMEOUT },
	};
	const char *const options[] = {
		"url", URL, "success_path", "/r/code", "success_value", "0", "id_path", "/id", NULL
	};

	(void)state;
	sms_gateway_judges(&gateway, options, rows, sizeof(rows) / sizeof(rows[0]));
}

/* What a receiver does: the MAC over the time in the header, a dot and the body. */
static void the_signature_verifies(void **state)
{
	const char *const options[] = { "url",         URL,   "sign_secret", "a secret",
					"sign_header", "X-S", NULL };
	struct pintle_call call = { .http_code = 200 };
	char signed_text[FAKE_TEXT_MAX], hex[65] = "", expected[80];
	unsigned char mac[EVP_MAX_MD_SIZE];
	const char *header, *body;
	long long time;

	(void)state;
	assert_int_equal(sms_gateway_send(&gateway, options, &call), PINTLE_OK);
	header = strstr(call.request, "\nX-S: t=");
	body = strstr(call.request, "\n\n") + 2;
	assert_non_null(header);
	time = strtoll(header + strlen("\nX-S: t="), NULL, 10);
	(void)snprintf(signed_text, sizeof(signed_text), "%lld.%s", time, body);
	assert_non_null(HMAC(EVP_sha256(), "a secret", 8, (unsigned char *)signed_text,
			     strlen(signed_text), mac, NULL));
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	(void)snprintf(expected, sizeof(expected), ",v1=%s\n", hex);
	assert_non_null(strstr(header, expected));
	fake_call_fini(&call);
}

static void each_bad_section_is_refused(void **state)
{
	static const struct sms_section rows[] = {
		{ { "url", URL, NULL }, true, NULL },
		{ { "url", "http://127.0.0.1:9/", NULL }, true, NULL },
		{ { "url", "http://[::1]:9/", NULL }, true, NULL },
		{ { "url", "http://localhost/x", NULL }, true, NULL },
		{ { "url", "http://sms.example.com/", NULL }, false, NULL },
		{ { "url", "http://sms.example.com/", NULL }, true, "https" },
		{ { "url", "http://127.0.0.1.example.com/", NULL }, true, "https" },
		{ { "url", "http://localhost@example.com/", NULL }, true, "https" },
		{ { "url", "http://localhost:1@example.com/", NULL }, true, "https" },
		{ { "url", "ftp://example.com/", NULL }, false, "https" },
		{ { NULL }, true, "url" },
		{ { "url", URL, "body", "{\"a\":\"{{nobody}}\"}", NULL }, true, "nobody" },
		{ { "url", URL, "headers", "no colon", NULL }, true, "headers" },
		{ { "url", URL, "success_path", "code", NULL }, true, "success_path" },
		{ { "url", URL, "success_min", "250", "success_max", "201", NULL },
		  true,
		  "success_min" },
	};

	(void)state;
	sms_gateway_opens(&gateway, rows, sizeof(rows) / sizeof(rows[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_body_is_the_template_filled),
		cmocka_unit_test(each_answer_has_its_status),
		cmocka_unit_test(the_signature_verifies),
		cmocka_unit_test(each_bad_section_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
