/* SPDX-License-Identifier: Apache-2.0 */
#include "sms_gateway.h"

#include "../../plugins/sms_tencent/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define SECRET "very-secret-1"
#define ASTERISKS "********************************"

#define NUMBER(code)                                                                               \
	"{\"Response\":{\"SendStatusSet\":[{\"SerialNo\":\"5000:1\",\"Code\":\"" code "\"}]}}"
#define ERROR(code) "{\"Response\":{\"Error\":{\"Code\":\"" code "\"},\"RequestId\":\"r\"}}"

/* ---- Signatures: the vendor's published example, and a derived one, which a reference implementation
 * made that reproduces the published ---- */

static void tc3_signs_as_published(void **state)
{
	struct sign_tc3 request = {
		.host = "cvm.tencentcloudapi.com",
		.service = "cvm",
		.action = "DescribeInstances",
		.time_s = 1551113065,
		.body = "{\"Limit\": 1, \"Filters\": [{\"Values\": [\"\\u672a\\u547d\\u540d\"], "
			"\"Name\": \"instance-name\"}]}",
	};
	char out[SIGN_AUTHORIZATION_LEN];

	(void)state;
	assert_true(sign_tc3("id", ASTERISKS, &request, out));
	assert_string_equal(out,
			    "TC3-HMAC-SHA256 Credential=id/2019-02-25/cvm/tc3_request, "
			    "SignedHeaders=content-type;host;x-tc-action, Signature="
			    "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f");

	/* derived */
	request.host = "sms.tencentcloudapi.com";
	request.service = "sms";
	request.action = "SendSms";
	request.body =
		"{\"PhoneNumberSet\":[\"+8613800138000\"],\"SmsSdkAppId\":\"1400006666\","
		"\"SignName\":\"腾讯云\",\"TemplateId\":\"1110\",\"TemplateParamSet\":[\"4370\"]}";
	assert_true(sign_tc3("id", ASTERISKS, &request, out));
	assert_string_equal(strstr(out, "Signature="),
			    "Signature="
			    "e9a89f7006ad0b9817a2dd3ef67d55eaa40c15c1c02be447a55417cded77fd38");
}

/* ---- The plugin ---- */

static const struct sms_gateway gateway = { .plugin = "sms_tencent",
					    .message = &sms_gateway_message,
					    .noted = "upstream_id=5000:1;",
					    .secret = SECRET };

static void each_answer_has_its_status(void **state)
{
	static const struct sms_answer rows[] = {
		{ PINTLE_OK, 200, NUMBER("Ok"), PINTLE_OK },
		{ PINTLE_OK, 200, NUMBER("InvalidParameterValue.IncorrectPhoneNumber"),
		  PINTLE_DENIED },
		{ PINTLE_OK, 200, NUMBER("FailedOperation.PhoneNumberInBlacklist"), PINTLE_DENIED },
		{ PINTLE_OK, 200, NUMBER("LimitExceeded.PhoneNumberThirtySecondLimit"),
		  PINTLE_LIMITED },
		{ PINTLE_OK, 200, NUMBER("LimitExceeded.PhoneNumberDailyLimit"), PINTLE_LIMITED },
		{ PINTLE_OK, 200, NUMBER("LimitExceeded.AppDailyLimit"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, NUMBER("FailedOperation.InsufficientBalanceInSmsPackage"),
		  PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, NUMBER("InternalError.Timeout"), PINTLE_TIMEOUT },
		{ PINTLE_OK, 200, NUMBER("InternalError.OtherError"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, NUMBER("Nobody.KnowsIt"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, NUMBER("OK"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, ERROR("AuthFailure.SignatureFailure"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, ERROR("AuthFailure.SignatureExpire"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, ERROR("RequestLimitExceeded"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, ERROR("MissingParameter"), PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 500, NUMBER("Ok"), PINTLE_TIMEOUT },
		{ PINTLE_OK, 200, "{\"Response\":{\"SendStatusSet\":[]}}", PINTLE_TIMEOUT },
		{ PINTLE_OK, 200, "not json", PINTLE_TIMEOUT },
		{ PINTLE_OK, 503, "not json", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 504, "", PINTLE_TIMEOUT },
		{ PINTLE_UNAVAILABLE, 0, "", PINTLE_UNAVAILABLE },
		{ PINTLE_TIMEOUT, 0, "", PINTLE_TIMEOUT },
	};
	const char *const options[] = { "secret_id",  "id",         "secret_key", SECRET,
					"sdk_app_id", "1400006666", NULL };

	(void)state;
	sms_gateway_judges(&gateway, options, rows, N(rows));
}

static void the_template_is_found_by_name_then_purpose(void **state)
{
	static const struct {
		const char *template_id, *templates, *code;
	} rows[] = {
		{ "", "bind: TB, link: TL", "\"TemplateId\":\"TL\"" },
		{ "", "login: T1, bind:TB", "\"TemplateId\":\"TB\"" },
		{ "TX", "login: T1", "\"TemplateId\":\"TX\"" },
		{ "", "login: T1", "\"TemplateId\":\"link\"" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *const options[] = { "secret_id",  "id",
						"secret_key", SECRET,
						"sdk_app_id", "x",
						"params",     "code, minutes",
						"template",   rows[i].template_id,
						"templates",  rows[i].templates,
						NULL };
		struct pintle_call call = { .http_code = 200, .http_body = NUMBER("Ok") };

		assert_int_equal(sms_gateway_send(&gateway, options, &call), PINTLE_OK);
		if (!strstr(call.request, rows[i].code))
			fail_msg("row %zu: %s", i, call.request);
		assert_non_null(strstr(call.request, "\"TemplateParamSet\":[\"123456\",\"5\"]}"));
		fake_call_fini(&call);
	}
}

static void each_bad_section_is_refused(void **state)
{
	static const char *const options[] = { "secret_id", "id",         "secret_key",
					       SECRET,      "sdk_app_id", "x" };

	(void)state;
	sms_gateway_opens_at(&gateway, options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tc3_signs_as_published),
		cmocka_unit_test(each_answer_has_its_status),
		cmocka_unit_test(the_template_is_found_by_name_then_purpose),
		cmocka_unit_test(each_bad_section_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
