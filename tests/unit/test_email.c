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
static char *dir;

static int set_up(void **state)
{
	(void)state;
	dir = fake_dir_new();
	plugin = (struct fake_plugin){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (plugin.conf)
		fake_plugin_fini(&plugin);
	fake_dir_free(dir);
	return 0;
}

static void open_plugin(void)
{
	const char *const options[] = { "templates", dir, NULL };

	fake_plugin_init(&plugin, "email", &inst, options);
	if (!plugin.self)
		fail_msg("%s", plugin.reason);
}

static void write_file(const char *name, const char *text)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

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
	open_plugin(); /* the folder is empty: all of it is built in */
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

static void a_file_takes_the_place_of_what_is_built_in(void **state)
{
	struct pintle_call call;

	(void)state;
	write_file("code.en.txt", "all {{code}}{{code}} {{email}}");
	write_file("reset.en.txt", "reset {{code}}");
	write_file("reset.en.subject", "Reset for {{email}}\r\n");
	open_plugin();
	begin(&call, "bob@example.com", PINTLE_LOGIN, "en");
	assert_has(call.sent, "mail bob@example.com login all ");
	assert_has(call.sent, " bob@example.com");
	assert_string_equal(call.subject_sent, "Your code");
	fake_call_fini(&call);
	begin(&call, "bob@example.com", PINTLE_RESET, "en");
	assert_has(call.sent, "mail bob@example.com reset reset ");
	assert_string_equal(call.subject_sent, "Reset for bob@example.com");
	fake_call_fini(&call);
	begin(&call, "bob@example.com", PINTLE_RESET, "zh");
	assert_string_equal(call.subject_sent, "您的验证码");
	fake_call_fini(&call);
}

/* What stands in an address may not become part of a page. */
static void a_value_is_escaped_in_html_only(void **state)
{
	struct pintle_call call;

	(void)state;
	write_file("code.en.txt", "{{email}} {{code}}");
	write_file("code.en.html", "<p title=\"{{email}}\">{{code}} & more</p>");
	write_file("code.en.subject", "{{email}}");
	open_plugin();
	begin(&call, "o'b&c@example.com", PINTLE_LOGIN, "en");
	assert_has(call.sent, " o'b&c@example.com ");
	assert_has(call.html, "<p title=\"o&#39;b&amp;c@example.com\">");
	assert_has(call.html, " & more</p>");
	assert_string_equal(call.subject_sent, "o'b&c@example.com");
	fake_call_fini(&call);
}

static void each_bad_file_refuses_to_open(void **state)
{
	static const struct {
		const char *name, *text, *reason;
	} rows[] = {
		{ "code.zh.txt", "no code in it", "{{code}} is missing" },
		{ "login.en.html", "<p></p>", "{{code}} is missing" },
		{ "code.en.txt", "{{code}} {{name}}", "{{name}} is no name" },
		{ "code.en.txt", "{{code}} {{code", "is no name" },
		{ "code.en.txt", "{{code}} {{ code }}", "is no name" },
		{ "code.zh.txt", "{{code}} \xC4\xFA\xBA\xC3", "must be UTF-8" },
		{ "code.zh.txt", "", "must be a text" },
		{ "code.en.subject", "two\nlines", "one line" },
		{ "code.en.subject", "a\tb", "one line" },
		{ "change.en.subject", "{{code}} is it", "no place" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = { "templates", dir, NULL };
		char path[512];

		write_file(rows[i].name, rows[i].text);
		fake_plugin_init(&plugin, "email", &inst, options);
		if (plugin.self || !strstr(plugin.reason, rows[i].reason) ||
		    !strstr(plugin.reason, rows[i].name))
			fail_msg("row %zu: %s", i, plugin.reason);
		fake_plugin_fini(&plugin);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, rows[i].name);
		assert_int_equal(remove(path), 0);
	}
	open_plugin();
}

static void a_file_that_is_too_long_refuses_to_open(void **state)
{
	const char *const options[] = { "templates", dir, NULL };
	char *text = calloc(1, 65538);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 65537);
	memcpy(text, "{{code}}", 8);
	write_file("code.en.txt", text);
	fake_plugin_init(&plugin, "email", &inst, options);
	assert_null(plugin.self);
	fake_plugin_fini(&plugin);
	text[65536] = '\0';
	write_file("code.en.txt", text);
	free(text);
	open_plugin();
}

static void a_folder_that_is_not_there_refuses_to_open(void **state)
{
	const char *const options[] = { "templates", "/nonexistent/mails", NULL };

	(void)state;
	fake_plugin_init(&plugin, "email", &inst, options);
	assert_null(plugin.self);
	assert_has(plugin.reason, "/nonexistent/mails");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_purpose_and_language_has_its_mail, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_file_takes_the_place_of_what_is_built_in, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_value_is_escaped_in_html_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_bad_file_refuses_to_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_too_long_refuses_to_open, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_refuses_to_open, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
