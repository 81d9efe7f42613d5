/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_sms_log.XXXXXX";
static struct fake_plugin plugin;
static struct pintle_inst inst;

static char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	memcpy(strrchr(dir, '.') + 1, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	inst = (struct pintle_inst){ .dir = dir };
	fake_plugin_init(&plugin, "sms_log", &inst, NULL);
	assert_non_null(plugin.self);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_plugin_fini(&plugin);
	(void)unlink(path_of("outbox.json"));
	(void)unlink(path_of("outbox.lock"));
	(void)unlink(path_of("target"));
	return rmdir(dir);
}

/* The sender prints each message, which would hide what the tests have to say. */
static int32_t send_quietly(const struct fake_plugin *through, struct pintle_call *call,
			    const struct pintle_message *message)
{
	int before = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int32_t status;

	assert_int_equal(dup2(null, STDERR_FILENO), STDERR_FILENO);
	status = through->desc->sender->send(through->self, call, message);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	(void)close(null);
	(void)close(before);
	return status;
}

static int32_t send_code(const char *code, const char *text)
{
	const char *const vars[] = { "code", code, NULL };
	const struct pintle_message message = { .size = sizeof(message),
						.purpose = PINTLE_RESET,
						.to = "+8613800138000",
						.template_name = "reset",
						.vars = vars,
						.text = text };
	struct pintle_call call = { .lang = NULL };
	int32_t status = send_quietly(&plugin, &call, &message);

	fake_call_fini(&call);
	return status;
}

static void a_message_is_one_line_of_json(void **state)
{
	char line[512];
	FILE *outbox;
	json_t *json;
	struct stat st;

	(void)state;
	assert_int_equal(send_code("123456", "two\nlines \"quoted\" 您好"), PINTLE_OK);
	assert_int_equal(stat(path_of("outbox.json"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	outbox = fopen(path_of("outbox.json"), "re");
	assert_non_null(fgets(line, sizeof(line), outbox));
	json = json_loads(line, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "to")), "+8613800138000");
	assert_string_equal(json_string_value(json_object_get(json, "code")), "123456");
	assert_string_equal(json_string_value(json_object_get(json, "purpose")), "reset");
	assert_string_equal(json_string_value(json_object_get(json, "template")), "reset");
	assert_string_equal(json_string_value(json_object_get(json, "text")),
			    "two\nlines \"quoted\" 您好");
	assert_true(json_is_integer(json_object_get(json, "at")));
	assert_null(fgets(line, sizeof(line), outbox));
	json_decref(json);
	(void)fclose(outbox);
}

static json_t *line_of(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

static void mail_goes_to_the_same_outbox(void **state)
{
	const char *const vars[] = { "link", "https://auth.example.com/l/abc", NULL };
	const struct pintle_message message = { .size = sizeof(message),
						.to = "bob@example.com",
						.vars = vars,
						.subject = "您的验证码",
						.text = "hello",
						.html = "<p>hello</p>" };
	struct pintle_call call = { .lang = NULL };
	struct fake_plugin mail;
	char first[512], second[512];
	FILE *outbox;
	json_t *json;

	(void)state;
	fake_plugin_init(&mail, "mail_log", &inst, NULL);
	assert_non_null(mail.self);
	assert_string_equal(mail.desc->sender->channel, "mail");
	assert_int_equal(send_code("123456", "hello"), PINTLE_OK);
	assert_int_equal(send_quietly(&mail, &call, &message), PINTLE_OK);
	outbox = fopen(path_of("outbox.json"), "re");
	assert_non_null(fgets(first, sizeof(first), outbox));
	assert_non_null(fgets(second, sizeof(second), outbox));
	(void)fclose(outbox);
	json = line_of(first);
	assert_null(json_object_get(json, "link"));
	json_decref(json);
	json = line_of(second);
	assert_string_equal(json_string_value(json_object_get(json, "to")), "bob@example.com");
	assert_string_equal(json_string_value(json_object_get(json, "subject")), "您的验证码");
	assert_string_equal(json_string_value(json_object_get(json, "link")), vars[1]);
	assert_true(json_is_null(json_object_get(json, "code")));
	json_decref(json);
	fake_plugin_fini(&mail);
	fake_call_fini(&call);
}

/* Long texts, so that a few hundred reach the bound. */
static void only_the_last_are_kept(void **state)
{
	char text[2049] = { 0 }, code[16], last[4096] = "";
	size_t n_lines = 0;
	FILE *outbox;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 700; i++) {
		(void)snprintf(code, sizeof(code), "%06d", i);
		assert_int_equal(send_code(code, text), PINTLE_OK);
	}
	outbox = fopen(path_of("outbox.json"), "re");
	while (fgets(last, sizeof(last), outbox))
		n_lines++;
	(void)fclose(outbox);
	assert_int_equal(n_lines, 200);
	assert_non_null(strstr(last, "\"000699\""));
	assert_int_equal(access(path_of("outbox.new"), F_OK), -1);
}

static void a_link_is_not_followed(void **state)
{
	struct stat st;

	(void)state;
	(void)close(open(path_of("target"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(symlinkat("target", AT_FDCWD, path_of("outbox.json")), 0);
	assert_int_equal(send_code("123456", "hello"), PINTLE_UNAVAILABLE);
	assert_int_equal(stat(path_of("target"), &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void it_opens_for_development_only(void **state)
{
	struct pintle_inst production = { .dir = dir, .is_production = true };
	struct fake_plugin refused;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fake_plugin_init(&refused, i ? "mail_log" : "sms_log", &production, NULL);
		assert_null(refused.self);
		assert_non_null(strstr(refused.reason, "loopback"));
		fake_plugin_fini(&refused);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_message_is_one_line_of_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mail_goes_to_the_same_outbox, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_the_last_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_link_is_not_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_opens_for_development_only, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
