/* SPDX-License-Identifier: Apache-2.0 */
/* Standard error is a socket that keeps each write(2) apart. */
#include "log.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static char line[32768]; /* the last write */
static int ends[2], saved_stderr;

static void capture(void)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(saved_stderr >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

/* The number of writes since capture. */
static int release(void)
{
	int n_writes = 0;

	(void)dup2(saved_stderr, STDERR_FILENO);
	(void)close(saved_stderr);
	(void)close(ends[1]);
	for (;;) {
		char bytes[sizeof(line)];
		ssize_t len = recv(ends[0], bytes, sizeof(bytes) - 1, 0);

		if (len <= 0)
			break;
		bytes[len] = '\0';
		memcpy(line, bytes, (size_t)len + 1);
		n_writes++;
	}
	(void)close(ends[0]);
	return n_writes;
}

/* The text member of a line that must be JSON. The caller frees. */
static json_t *parse(void)
{
	size_t len = strlen(line);
	json_error_t error;
	json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		fail_msg("%s in %s", error.text, line);
	assert_int_equal(line[len - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	return json;
}

static void writes_one_json_line(void **state)
{
	json_t *json;

	(void)state;
	log_init("worker 3", LOG_INFO);
	capture();
	log_warn("port %d: %s", 80, "in use");
	assert_int_equal(release(), 1);
	json = parse();
	assert_string_equal(json_string_value(json_object_get(json, "level")), "warn");
	assert_string_equal(json_string_value(json_object_get(json, "who")), "worker 3");
	assert_string_equal(json_string_value(json_object_get(json, "text")), "port 80: in use");
	assert_int_equal(strlen(json_string_value(json_object_get(json, "time"))), 24);
	json_decref(json);
}

static void escapes_what_it_is_given(void **state)
{
	static const struct {
		const char *text, *written;
	} rows[] = {
		{ "plain", "plain" },
		{ "\"\\", "\\\"\\\\" },
		{ "a\nb\rc\t", "a\\u000ab\\u000dc\\u0009" },
		{ "\x1b[31m", "\\u001b[31m" },
		{ "\x7f", "\\u007f" },
		{ "\xC2\x9B", "\\u009b" },
		{ "\xE2\x80\xA8", "\\u2028" },
		{ "\xE2\x80\xAE", "\\u202e" },
		{ "\xE4\xB8\xAD\xF0\x9F\x98\x80", "\xE4\xB8\xAD\xF0\x9F\x98\x80" },
		{ "\xff"
		  "a\xC3",
		  "\\ufffda\\ufffd" },
		{ "\xED\xA0\x80", "\\ufffd\\ufffd\\ufffd" },
		{ "%s%n", "%s%n" },
		{ "", "" },
	};

	(void)state;
	log_init("t", LOG_INFO);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char expected[128];

		capture();
		log_info("%s", rows[i].text);
		assert_int_equal(release(), 1);
		json_decref(parse());
		(void)snprintf(expected, sizeof(expected), "\"text\":\"%s\"}\n", rows[i].written);
		if (strcmp(strstr(line, "\"text\""), expected) != 0)
			fail_msg("row %zu: %s, not %s", i, line, expected);
	}
}

static void caps_a_long_text(void **state)
{
	static const char *const units[] = { "x", "\n", "\"", "\xE4\xB8\xAD", "\xff" };
	static char text[100000];

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i]);

		for (size_t at = 0; at + len < sizeof(text); at += len)
			memcpy(text + at, units[i], len + 1);
		capture();
		log_info("%s", text);
		assert_int_equal(release(), 1);
		json_decref(parse());
		if (strlen(line) > 8192 || strlen(line) < 4000)
			fail_msg("row %zu: a line of %zu bytes", i, strlen(line));
	}
}

static void leaves_out_what_is_less_important(void **state)
{
	(void)state;
	log_init("t", LOG_WARN);
	capture();
	log_info("no");
	log_debug("no");
	assert_int_equal(release(), 0);
	capture();
	log_error("yes");
	log_warn("yes");
	assert_int_equal(release(), 2);
	log_init("t", LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_one_json_line),
		cmocka_unit_test(escapes_what_it_is_given),
		cmocka_unit_test(caps_a_long_text),
		cmocka_unit_test(leaves_out_what_is_less_important),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
