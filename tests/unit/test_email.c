/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_call.h"
#include "fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fake_plugin plugin;
static struct pintle_inst inst;

static const char *public_url;

static const char *get_public_url(struct pintle_inst *of)
{
	(void)of;
	return public_url;
}

static int64_t flow_ttl_ms(struct pintle_inst *of)
{
	(void)of;
	return 330000;
}

static int set_up(void **state)
{
	struct pintle_host *table = fake_call_table();

	(void)state;
	table->public_url = get_public_url;
	table->flow_ttl_ms = flow_ttl_ms;
	public_url = NULL;
	plugin = (struct fake_plugin){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (plugin.conf)
		fake_plugin_fini(&plugin);
	return 0;
}

/* options: name, value, …, NULL. */
static void open_plugin(const char *const *options)
{
	fake_plugin_init(&plugin, "email", &inst, options);
	if (!plugin.self)
		fail_msg("%s", plugin.reason);
}

static const char *const none[] = { NULL };

/* What is sent to address for a purpose; call keeps it. */
static void begin(struct pintle_call *call, const char *address, int32_t purpose, const char *lang)
{
	const char *const asked[] = { "email", address, NULL };

	*call = (struct pintle_call){ .fields = asked, .purpose = purpose, .lang = lang };
	assert_int_equal(plugin.desc->provider->begin(plugin.self, call), PINTLE_OK);
	call->fields = NULL;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in '%s'", part, text);
}

static void each_purpose_and_language_has_its_mail(void **state)
{
	static const struct {
		const char *lang, *subject, *actions[5];
	} rows[] = {
		{ "zh", "您的验证码", { "登录", "注册", "绑定邮箱", "重置密码", "更换邮箱" } },
		{ "en",
		  "Your code",
		  { "sign in", "sign up", "add this address", "reset your", "make this" } },
	};

	(void)state;
	open_plugin(none);
	for (int i = 0; i < 2; i++) {
		for (int32_t purpose = 0; purpose < 5; purpose++) {
			struct pintle_call call;

			begin(&call, "bob@example.com", purpose, rows[i].lang);
			assert_string_equal(call.subject_sent, rows[i].subject);
			assert_int_equal(strlen(call.code), 6);
			assert_has(call.sent, call.code);
			assert_has(call.sent, rows[i].actions[purpose]);
			assert_has(call.html, call.code);
			assert_has(call.html, rows[i].actions[purpose]);
			assert_null(strstr(call.html, "{{"));
			fake_call_fini(&call);
		}
	}
}

static void a_text_takes_the_place_of_what_is_built_in(void **state)
{
	static const char *const options[] = {
		"text_en",    "all {{code}}{{code}} {{email}} {{minutes}} min",
		"subject_en", "To {{action}}: {{email}}",
		NULL,
	};
	struct pintle_call call;

	(void)state;
	open_plugin(options);
	begin(&call, "bob@example.com", PINTLE_LOGIN, "en");
	assert_has(call.sent, "mail bob@example.com login all ");
	assert_has(call.sent, " bob@example.com 5 min");
	assert_string_equal(call.subject_sent, "To sign in: bob@example.com");
	assert_has(call.html, "<p>Hello,</p>");
	fake_call_fini(&call);
	begin(&call, "bob@example.com", PINTLE_RESET, "zh");
	assert_string_equal(call.subject_sent, "您的验证码");
	fake_call_fini(&call);
}

/* What stands in an address may not become part of a page. */
static void a_value_is_escaped_in_html_only(void **state)
{
	static const char *const options[] = {
		"text_en",    "{{email}} {{code}}",
		"html_en",    "<p title=\"{{email}}\">{{code}} & more</p>",
		"subject_en", "{{email}}",
		NULL,
	};
	struct pintle_call call;

	(void)state;
	open_plugin(options);
	begin(&call, "o'b&c@example.com", PINTLE_LOGIN, "en");
	assert_has(call.sent, " o'b&c@example.com ");
	assert_has(call.html, "<p title=\"o&#39;b&amp;c@example.com\">");
	assert_has(call.html, " & more</p>");
	assert_string_equal(call.subject_sent, "o'b&c@example.com");
	fake_call_fini(&call);
}

static void each_bad_text_refuses_to_open(void **state)
{
	static const struct {
		const char *name, *text, *reason;
	} rows[] = {
		{ "text_zh", "no code in it", "{{code}} is missing" },
		{ "html_en", "<p></p>", "{{code}} is missing" },
		{ "text_en", "{{code}} {{name}}", "{{name}} is no name" },
		{ "text_en", "{{code}} {{code", "is no name" },
		{ "text_en", "{{code}} {{ code }}", "is no name" },
		{ "subject_en", "two\nlines", "one line" },
		{ "subject_en", "a\tb", "one line" },
		{ "subject_zh", "{{code}} is it", "no place" },
		{ "text_en", "{{code}} {{link}}", "{{link}} needs link = yes" },
		{ "link", "yes", "needs server.public_url" },
		{ "reset_page", "reset", "must be a path or a URL" },
		{ "reset_page", "//evil.example", "must be a path or a URL" },
		{ "reset_page", "javascript:alert(1)", "must be a path or a URL" },
		{ "reset_page", "https://app.example/#new", "no '#'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = { rows[i].name, rows[i].text, NULL };

		fake_plugin_init(&plugin, "email", &inst, options);
		if (plugin.self || !strstr(plugin.reason, rows[i].reason) ||
		    !strstr(plugin.reason, rows[i].name))
			fail_msg("row %zu: %s", i, plugin.reason);
		fake_plugin_fini(&plugin);
	}
	open_plugin(none);
}

static void with_links_each_mail_has_one(void **state)
{
	static const struct {
		const char *text, *reason; /* NULL: it opens */
	} rows[] = {
		{ "{{code}} {{link}} {{minutes}}", NULL },
		{ "{{code}}", "text_en: {{link}} is missing" },
		{ "{{link}}", "text_en: {{code}} is missing" },
	};

	(void)state;
	public_url = "https://auth.example";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = { "link", "yes", "text_en", rows[i].text, NULL };

		fake_plugin_init(&plugin, "email", &inst, options);
		if (rows[i].reason ? !strstr(plugin.reason, rows[i].reason) : !plugin.self)
			fail_msg("row %zu: %s", i, plugin.reason);
		fake_plugin_fini(&plugin);
	}
	open_plugin(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_purpose_and_language_has_its_mail, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_text_takes_the_place_of_what_is_built_in, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_value_is_escaped_in_html_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_bad_text_refuses_to_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(with_links_each_mail_has_one, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
