/* SPDX-License-Identifier: Apache-2.0 */
#include "sms_gateway.h"

#include "../../plugins/sms_aliyun/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define SECRET "very-secret-1"
#define RIGHT "access_key_id", "id", "access_key_secret", SECRET, "sign_name", "x"

/* ---- Signatures: the vendor's published examples, and derived ones, which a reference implementation
 * made that reproduces the published ---- */

static void parameters_are_sorted_and_encoded(void **state)
{
	struct sign_param params[] = { { "b", "a+b/c=&" }, { "a", "a b*~-_." }, { "B", "默认" } };
	char *query = sign_query(params, N(params));

	(void)state;
	assert_string_equal(query, "B=%E9%BB%98%E8%AE%A4&a=a%20b%2A~-_.&b=a%2Bb%2Fc%3D%26");
	free(query);
}

static void rpc_signs_as_published(void **state)
{
	struct sign_param ecs[] = {
		{ "AccessKeyId", "testid" },
		{ "Action", "DescribeRegions" },
		{ "Format", "XML" },
		{ "SignatureMethod", "HMAC-SHA1" },
		{ "SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf" },
		{ "SignatureVersion", "1.0" },
		{ "Timestamp", "2016-02-23T12:46:24Z" },
		{ "Version", "2014-05-26" },
	};
	struct sign_param sms[] = {
		{ "Version", "2017-05-25" },
		{ "Timestamp", "2017-07-12T02:42:19Z" },
		{ "TemplateParam", "{\"customer\":\"test\"}" },
		{ "TemplateCode", "SMS_71390007" },
		{ "SignatureVersion", "1.0" },
		{ "SignatureNonce", "45e25e9b-0a6f-4070-8c85-2956eda1b466" },
		{ "SignatureMethod", "HMAC-SHA1" },
		{ "SignName", "阿里云短信测试专用" },
		{ "RegionId", "cn-hangzhou" },
		{ "PhoneNumbers", "15300000001" },
		{ "OutId", "123" },
		{ "Format", "XML" },
		{ "Action", "SendSms" },
		{ "AccessKeyId", "testId" },
	};
	char *query = sign_query(ecs, N(ecs)), out[SIGN_RPC_LEN];

	(void)state;
	assert_true(sign_rpc("testsecret", "GET", query, out));
	assert_string_equal(out, "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
	assert_true(sign_rpc("testsecret", "POST", query, out)); /* derived */
	assert_string_equal(out, "MxbnVAM4w6sft9xjVpe/GCKueuk=");
	free(query);

	query = sign_query(sms, N(sms));
	assert_true(sign_rpc("testSecret", "GET", query, out));
	assert_string_equal(out, "zJDF+Lrzhj/ThnlvIToysFRq6t4=");
	free(query);
}

static void acs3_signs_as_published(void **state)
{
	struct sign_acs3 request = {
		.method = "POST",
		.host = "ecs.cn-shanghai.aliyuncs.com",
		.action = "RunInstances",
		.version = "2014-05-26",
		.date = "2023-10-26T10:22:32Z",
		.nonce = "3156853299f313e23d1673dc12e1703d",
		.query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"
			 "&RegionId=cn-shanghai",
	};
	char out[SIGN_AUTHORIZATION_LEN];

	(void)state;
	assert_true(sign_acs3("YourAccessKeyId", "YourAccessKeySecret", &request, out));
	assert_string_equal(
		out,
		"ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
		"x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature="
		"06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");

	/* derived */
	request.host = "dysmsapi.aliyuncs.com";
	request.action = "SendSms";
	request.version = "2017-05-25";
	request.query = "PhoneNumbers=13800138000"
			"&SignName=%E9%98%BF%E9%87%8C%E4%BA%91%E7%9F%AD%E4%BF%A1%E6%B5%8B%E8%AF%95"
			"&TemplateCode=SMS_154950909&TemplateParam=%7B%22code%22%3A%221234%22%7D";
	assert_true(sign_acs3("YourAccessKeyId", "YourAccessKeySecret", &request, out));
	assert_string_equal(strstr(out, "Signature="),
			    "Signature="
			    "b29bbe61c749e4d3100fcd00ae2f5e8d6f829dfec6885252e2e89e49d2737011");
}

/* ---- The plugin ---- */

static const struct sms_gateway gateway = { .plugin = "sms_aliyun",
					    .message = &sms_gateway_message,
					    .noted = "upstream_id=b^0;",
					    .secret = SECRET };

static void each_answer_has_its_status(void **state)
{
	static const struct sms_answer rows[] = {
		{ PINTLE_OK, 200, "{\"Code\":\"OK\",\"BizId\":\"b^0\"}", PINTLE_OK },
		{ PINTLE_OK, 200, "{\"Code\":\"isv.MOBILE_NUMBER_ILLEGAL\"}", PINTLE_DENIED },
		{ PINTLE_OK, 200, "{\"Code\":\"isv.BUSINESS_LIMIT_CONTROL\"}", PINTLE_LIMITED },
		{ PINTLE_OK, 200, "{\"Code\":\"isv.DAY_LIMIT_CONTROL\"}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, "{\"Code\":\"isv.AMOUNT_NOT_ENOUGH\"}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, "{\"Code\":\"isp.SYSTEM_ERROR\"}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, "{\"Code\":\"isv.NEW_ONE\"}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 200, "{\"Code\":\"ok\"}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 400, "{\"Code\":\"SignatureDoesNotMatch\"}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 404, "{\"Code\":\"InvalidAccessKeyId.NotFound\"}",
		  PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 400, "{\"Code\":\"Throttling.User\"}", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 400, "{\"Code\":\"SignatureNonceUsed\"}", PINTLE_TIMEOUT },
		{ PINTLE_OK, 500, "{\"Code\":\"OK\",\"BizId\":\"b^0\"}", PINTLE_TIMEOUT },
		{ PINTLE_OK, 200, "{\"Code\":1}", PINTLE_TIMEOUT },
		{ PINTLE_OK, 200, "not json", PINTLE_TIMEOUT },
		{ PINTLE_OK, 503, "not json", PINTLE_UNAVAILABLE },
		{ PINTLE_OK, 504, "", PINTLE_TIMEOUT },
		{ PINTLE_UNAVAILABLE, 0, "", PINTLE_UNAVAILABLE },
		{ PINTLE_TIMEOUT, 0, "", PINTLE_TIMEOUT },
	};
	const char *const options[] = {
		"access_key_id", "id", "access_key_secret", SECRET, "sign_name", "签名", NULL
	};

	(void)state;
	sms_gateway_judges(&gateway, options, rows, N(rows));
}

static void the_template_is_found_by_name_then_purpose(void **state)
{
	static const struct {
		const char *template_id, *templates, *code;
	} rows[] = {
		{ "", "bind: SMS_B, link: SMS_L", "TemplateCode=SMS_L&" },
		{ "", "login: SMS_1, bind:SMS_B", "TemplateCode=SMS_B&" },
		{ "SMS_X", "login: SMS_1", "TemplateCode=SMS_X&" },
		{ "", "login: SMS_1", "TemplateCode=link&" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *const options[] = { "access_key_id",
						"id",
						"access_key_secret",
						SECRET,
						"sign_name",
						"x",
						"params",
						"code, minutes",
						"template",
						rows[i].template_id,
						"templates",
						rows[i].templates,
						NULL };
		struct pintle_call call = { .http_code = 200, .http_body = "{\"Code\":\"OK\"}" };

		assert_int_equal(sms_gateway_send(&gateway, options, &call), PINTLE_OK);
		if (!strstr(call.request, rows[i].code))
			fail_msg("row %zu: %s", i, call.request);
		assert_non_null(strstr(call.request, "TemplateParam=%7B%22code%22%3A%22123456%22%2C"
						     "%22minutes%22%3A%225%22%7D\n"));
		fake_call_fini(&call);
	}
}

static void each_bad_section_is_refused(void **state)
{
	static const struct sms_section rows[] = {
		{ { "signature", "rpc", RIGHT, NULL }, true, NULL },
		{ { "signature", "md5", RIGHT, NULL }, true, "signature" },
	};
	static const char *const options[] = { RIGHT };

	(void)state;
	sms_gateway_opens(&gateway, rows, N(rows));
	sms_gateway_opens_at(&gateway, options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_sorted_and_encoded),
		cmocka_unit_test(rpc_signs_as_published),
		cmocka_unit_test(acs3_signs_as_published),
		cmocka_unit_test(each_answer_has_its_status),
		cmocka_unit_test(the_template_is_found_by_name_then_purpose),
		cmocka_unit_test(each_bad_section_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
