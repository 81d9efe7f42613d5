/* SPDX-License-Identifier: Apache-2.0 */
#include "sms_gateway.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const vars[] = { "code", "123456", "minutes", "5", NULL };

const struct pintle_message sms_gateway_message = { .size = sizeof(sms_gateway_message),
						    .purpose = PINTLE_BIND,
						    .to = "+8613800138000",
						    .template_name = "link",
						    .vars = vars,
						    .text = "unused",
						    .lang = "zh" };

int32_t sms_gateway_send(const struct sms_gateway *gateway, const char *const *options,
			 struct pintle_call *call)
{
	struct pintle_inst production = { .is_production = true };
	struct fake_plugin plugin;
	int32_t status;

	fake_plugin_init(&plugin, gateway->plugin, &production, options);
	assert_non_null(plugin.self);
	status = plugin.desc->sender->send(plugin.self, call, gateway->message);
	fake_plugin_fini(&plugin);
	return status;
}

static void expect_no_secret(const struct sms_gateway *gateway, const char *text)
{
	if (gateway->secret)
		assert_null(strstr(text, gateway->secret));
}

void sms_gateway_judges(const struct sms_gateway *gateway, const char *const *options,
			const struct sms_answer *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		struct pintle_call call = { .http_status = rows[i].http_status,
					    .http_code = rows[i].code,
					    .http_body = rows[i].body };
		int32_t status = sms_gateway_send(gateway, options, &call);

		if (status != rows[i].status)
			fail_msg("row %zu: status %d", i, status);
		if ((strstr(call.data, gateway->noted) != NULL) != (status == PINTLE_OK))
			fail_msg("row %zu: data '%s'", i, call.data);
		expect_no_secret(gateway, call.request);
		fake_call_fini(&call);
	}
}

void sms_gateway_opens(const struct sms_gateway *gateway, const struct sms_section *rows,
		       size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		struct pintle_inst inst = { .is_production = rows[i].is_production };
		struct fake_plugin plugin;

		fake_plugin_init(&plugin, gateway->plugin, &inst, rows[i].options);
		if ((plugin.self == NULL) != (rows[i].reason != NULL))
			fail_msg("row %zu: opened or refused: '%s'", i, plugin.reason);
		if (rows[i].reason && !strstr(plugin.reason, rows[i].reason))
			fail_msg("row %zu: reason '%s'", i, plugin.reason);
		expect_no_secret(gateway, plugin.reason);
		fake_plugin_fini(&plugin);
	}
}

void sms_gateway_opens_at(const struct sms_gateway *gateway, const char *const options[6])
{
	struct sms_section rows[] = {
		{ { "endpoint", "https://sms.example.com" }, true, NULL },
		{ { "endpoint", "http://127.0.0.1:9" }, true, NULL },
		{ { "endpoint", "http://sms.example.com" }, false, NULL },
		{ { "endpoint", "http://sms.example.com" }, true, "https" },
		{ { "endpoint", "ftp://sms.example.com" }, false, "https" },
		{ { "endpoint", "https://sms.example.com/" }, true, "path" },
		{ { "endpoint", "https://" }, true, "path" },
		{ { "endpoint", "https://a@b" }, true, "path" },
		{ { "templates", "login" }, true, "templates" },
		{ { "templates", "login:" }, true, "templates" },
		{ { "templates", ": SMS_1" }, true, "templates" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		memcpy(rows[i].options + 2, options, 6 * sizeof(options[0]));
	sms_gateway_opens(gateway, rows, sizeof(rows) / sizeof(rows[0]));
}
