/* SPDX-License-Identifier: Apache-2.0 */
/* The sender against a real server with TLS and AUTH, and against one that says what a test wants. */
#include "fake_call.h"
#include "fake_host.h"
#include "fake_smtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <glob.h>
#include <unistd.h>

#define READY_MS 10000

static struct pintle_inst inst = { .is_production = true };

/* ---- A real server ---- */

static const char *dir;
static char port[16], implicit_port[16], ca[256];

static int start_server(void **state)
{
	char command[512], line[256];
	FILE *out;
	int n = 0;

	(void)state;
	assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK); /* as the host does */
	dir = fake_dir_new();
	(void)snprintf(command, sizeof(command), "PRIVATE_OWNER=%d sh scripts/smtp.sh start %s",
		       getpid(), dir);
	out = popen(command, "re");
	assert_non_null(out);
	while (fgets(line, sizeof(line), out))
		(void)sscanf(line, "port=%d", &n);
	assert_int_equal(pclose(out), 0);
	(void)snprintf(port, sizeof(port), "%d", n);
	(void)snprintf(implicit_port, sizeof(implicit_port), "%d", n + 1);
	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	return 0;
}

static int stop_server(void **state)
{
	char command[512];

	(void)state;
	(void)snprintf(command, sizeof(command), "sh scripts/smtp.sh stop %s && rm -rf %s", dir,
		       dir);
	return system(command); /* NOLINT(cert-env33-c): a script of the tree */
}

/* What the server has in its one mailbox, removed from there; to be freed. */
static char *delivered(void)
{
	char pattern[512];
	char *text;
	size_t len = 0;
	glob_t found;
	FILE *file;

	(void)snprintf(pattern, sizeof(pattern), "%s/mail/new/*", dir);
	for (int i = 0; glob(pattern, 0, NULL, &found) != 0; i++) {
		assert_true(i < READY_MS / 10);
		usleep(10000);
	}
	assert_int_equal(found.gl_pathc, 1);
	file = fopen(found.gl_pathv[0], "re");
	assert_non_null(file);
	text = calloc(1, 16384);
	len = fread(text, 1, 16383, file);
	assert_true(len > 0);
	(void)fclose(file);
	assert_int_equal(unlink(found.gl_pathv[0]), 0);
	globfree(&found);
	return text;
}

static void assert_nothing_delivered(void)
{
	char pattern[512];
	glob_t found;

	(void)snprintf(pattern, sizeof(pattern), "%s/mail/new/*", dir);
	assert_int_equal(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
}

/* ---- Sending ---- */

static const struct pintle_message usual = {
	.size = sizeof(usual),
	.to = "bob@example.org",
	.subject = "您的验证码",
	.text = ".starts with a dot\n.\n您的验证码是 123456\n",
	.html = "<p>123456</p>",
	.lang = "zh",
};

static int32_t send_one(const char *const *options, const struct pintle_message *message,
			struct pintle_call *call)
{
	struct fake_plugin plugin;
	int32_t status;

	fake_plugin_init(&plugin, "mail_smtp", &inst, options);
	if (!plugin.self)
		fail_msg("%s", plugin.reason);
	status = plugin.desc->sender->send(plugin.self, call, message);
	fake_plugin_fini(&plugin);
	return status;
}

/* The usual message to another address; the detail in why_out. */
static int32_t send_to(const char *const *options, const char *to, char why_out[FAKE_TEXT_MAX])
{
	struct pintle_message message = usual;
	struct pintle_call call = { 0 };
	int32_t status;

	message.to = to;
	status = send_one(options, &message, &call);
	(void)snprintf(why_out, FAKE_TEXT_MAX, "%s", call.detail);
	fake_call_fini(&call);
	return status;
}

static void a_mail_arrives_over_starttls(void **state)
{
	const char *const options[] = { "host",      "localhost", "port", port,
					"tls_ca",    ca,          "user", "pintle",
					"password",  "pintle",    "from", "noreply@example.com",
					"from_name", "农机",      NULL };
	struct pintle_call call = { 0 };
	char *mail, id[128];

	(void)state;
	assert_int_equal(send_one(options, &usual, &call), PINTLE_OK);
	mail = delivered();
	assert_non_null(strstr(mail, "Return-path: <noreply@example.com>\n"));
	assert_non_null(strstr(mail, "Envelope-to: bob@example.org\n"));
	assert_non_null(strstr(mail, "(helo=example.com)"));
	assert_non_null(strstr(mail, "with esmtpsa"));
	assert_non_null(strstr(mail, "From: =?UTF-8?B?5Yac5py6?=\n <noreply@example.com>\n"));
	assert_non_null(strstr(mail, "Subject: =?UTF-8?B?5oKo55qE6aqM6K+B56CB?=\n"));
	assert_non_null(strstr(mail, "LnN0YXJ0cyB3aXRoIGEgZG90DQouDQrmgqjnmoTpqozor4HnoIHmmK8gMTIz"
				     "NDU2DQo=\n"));
	assert_int_equal(sscanf(call.data, "upstream_id=%127[^;]", id), 1);
	assert_non_null(strstr(mail, id));
	free(mail);
	fake_call_fini(&call);
}

static void a_mail_arrives_over_tls(void **state)
{
	const char *const options[] = { "host",     "127.0.0.1",
					"port",     implicit_port,
					"tls",      "implicit",
					"tls_ca",   ca,
					"user",     "pintle",
					"password", "pintle",
					"from",     "noreply@example.com",
					NULL };
	char why[FAKE_TEXT_MAX], *mail;

	(void)state;
	assert_int_equal(send_to(options, "bob@example.org", why), PINTLE_OK);
	mail = delivered();
	assert_non_null(strstr(mail, "with esmtpsa"));
	free(mail);
}

/* The server's certificate, name and offers, and our password: all of them are another's to try. */
static void what_is_wrong_between_us_is_unavailable(void **state)
{
	static const struct {
		const char *host, *tls, *ca, *user, *password, *why, *timeout;
		bool is_implicit;
	} rows[] = {
		{ "localhost", "required", "", "pintle", "pintle", "connecting: SSL", "20s",
		  false },
		{ "localhost", "implicit", "", "pintle", "pintle", "connecting: SSL", "20s", true },
		{ "mail.example.com", "required", ca, "pintle", "pintle", "connecting: SSL", "20s",
		  false },
		{ "localhost", "required", ca, "pintle", "wrong", "AUTH: the server answered 535",
		  "20s", false },
		{ "localhost", "required", ca, "", "", "RCPT: the server answered 550 5.7.1", "20s",
		  false },
		{ "localhost", "off", ca, "pintle", "pintle", "the server offers no AUTH", "20s",
		  false },
		{ "localhost", "off", ca, "pintle", "pintle", "connecting: ", "1s", true },
		{ "localhost", "implicit", ca, "pintle", "pintle", "connecting: ", "1s", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = { "host",
						rows[i].host,
						"tls",
						rows[i].tls,
						"port",
						rows[i].is_implicit ? implicit_port : port,
						"tls_ca",
						rows[i].ca,
						"user",
						rows[i].user,
						"password",
						rows[i].password,
						"from",
						"noreply@example.com",
						"upstream_timeout",
						rows[i].timeout,
						NULL };
		char why[FAKE_TEXT_MAX];
		int32_t status = send_to(options, "bob@example.org", why);

		if (status != PINTLE_UNAVAILABLE ||
		    strncmp(why, rows[i].why, strlen(rows[i].why)) != 0)
			fail_msg("row %zu: status %d, %s", i, status, why);
	}
	assert_nothing_delivered();
}

static void what_is_wrong_with_the_recipient_is_its_own(void **state)
{
	static const struct {
		const char *to;
		int32_t status;
	} rows[] = {
		{ "nobody@example.org", PINTLE_INVALID },
		{ "busy@example.org", PINTLE_LIMITED },
		{ "full@example.org", PINTLE_LIMITED },
		{ "away@example.org", PINTLE_UNAVAILABLE },
		{ "bob@example.org>\r\nRCPT TO:<eve@example.org", PINTLE_INVALID },
		{ "bob@example.org\r\nBcc: eve@example.org", PINTLE_INVALID },
		{ "<bob@example.org>", PINTLE_INVALID },
		{ "bob @example.org", PINTLE_INVALID },
		{ "bob", PINTLE_INVALID },
		{ "", PINTLE_INVALID },
	};
	const char *const options[] = { "host",     "localhost", "port", port,
					"tls_ca",   ca,          "user", "pintle",
					"password", "pintle",    "from", "noreply@example.com",
					NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[FAKE_TEXT_MAX];
		int32_t status = send_to(options, rows[i].to, why);

		if (status != rows[i].status || strstr(why, "example.org"))
			fail_msg("row %zu: status %d, %s", i, status, why);
	}
	assert_nothing_delivered();
}

static void a_subject_is_one_line(void **state)
{
	const char *const options[] = { "host",     "localhost", "port", port,
					"tls_ca",   ca,          "user", "pintle",
					"password", "pintle",    "from", "noreply@example.com",
					NULL };
	struct pintle_message message = usual;
	struct pintle_call call = { 0 };

	(void)state;
	message.subject = "Code\r\nBcc: eve@example.org";
	assert_int_equal(send_one(options, &message, &call), PINTLE_INVALID);
	assert_nothing_delivered();
	fake_call_fini(&call);
}

/* ---- A server that says what a test wants ---- */

static int32_t send_to_fake(struct fake_smtp *fake, const char *timeout,
			    char why_out[FAKE_TEXT_MAX])
{
	const char *options[] = { "host",
				  "127.0.0.1",
				  "tls",
				  "off",
				  "from",
				  "noreply@example.com",
				  "upstream_timeout",
				  timeout,
				  "port",
				  NULL,
				  NULL };
	char fake_port[16];
	int32_t status;

	fake_smtp_start(fake);
	(void)snprintf(fake_port, sizeof(fake_port), "%d", fake->port);
	options[9] = fake_port;
	status = send_to(options, "bob@example.org", why_out);
	fake_smtp_stop(fake);
	return status;
}

static void each_reply_has_its_status(void **state)
{
	static const struct {
		const char *at, *reply;
		int32_t status;
	} rows[] = {
		{ "never", "", PINTLE_OK },
		{ "greeting", "421 too busy", PINTLE_UNAVAILABLE },
		{ "greeting", "554 go away", PINTLE_UNAVAILABLE },
		{ "greeting", FAKE_SMTP_CLOSE, PINTLE_UNAVAILABLE },
		{ "EHLO", FAKE_SMTP_CLOSE, PINTLE_UNAVAILABLE },
		{ "MAIL", "550 5.1.1 who are you", PINTLE_UNAVAILABLE },
		{ "MAIL", "450 4.2.0 later", PINTLE_UNAVAILABLE },
		{ "RCPT", "550 no such user", PINTLE_INVALID },
		{ "RCPT", "550 5.1.1 no such user", PINTLE_INVALID },
		{ "RCPT", "551 moved", PINTLE_INVALID },
		{ "RCPT", "552 5.2.2 full", PINTLE_INVALID },
		{ "RCPT", "553 no such name", PINTLE_INVALID },
		{ "RCPT", "554 5.1.1 no such user", PINTLE_INVALID },
		{ "RCPT", "550-first line\r\n550 5.1.1 no such user", PINTLE_INVALID },
		{ "RCPT", "550 5.7.1 no relay", PINTLE_UNAVAILABLE },
		{ "RCPT", "530 sign in", PINTLE_UNAVAILABLE },
		{ "RCPT", "554 no", PINTLE_UNAVAILABLE },
		{ "RCPT", "450 4.7.1 greylisted", PINTLE_LIMITED },
		{ "RCPT", "452 4.2.2 full", PINTLE_LIMITED },
		{ "RCPT", "451 4.3.0 a fault", PINTLE_UNAVAILABLE },
		{ "RCPT", "421 closing", PINTLE_UNAVAILABLE },
		{ "RCPT", FAKE_SMTP_CLOSE, PINTLE_UNAVAILABLE },
		{ "DATA", "554 no", PINTLE_UNAVAILABLE },
		{ "DATA", "451 later", PINTLE_UNAVAILABLE },
		{ "DATA", FAKE_SMTP_CLOSE, PINTLE_UNAVAILABLE },
		{ ".", "250", PINTLE_OK },
		{ ".", "550 5.1.1 not in there", PINTLE_UNAVAILABLE },
		{ ".", "451 4.7.1 later", PINTLE_UNAVAILABLE },
		{ ".", FAKE_SMTP_CLOSE, PINTLE_TIMEOUT },
		{ "QUIT", "500 what", PINTLE_OK },
		{ "QUIT", FAKE_SMTP_CLOSE, PINTLE_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_smtp fake = { .at = rows[i].at, .reply = rows[i].reply };
		char why[FAKE_TEXT_MAX];
		int32_t status = send_to_fake(&fake, "10s", why);

		if (status != rows[i].status)
			fail_msg("row %zu (%s %s): status %d, %s", i, rows[i].at, rows[i].reply,
				 status, why);
	}
}

/* Until the whole mail is out nothing can have been accepted; after it nobody knows. */
static void silence_is_unclear_only_after_the_mail(void **state)
{
	static const struct {
		const char *at, *reply, *timeout;
		int32_t status;
	} rows[] = {
		{ "greeting", FAKE_SMTP_SILENCE, "300ms", PINTLE_UNAVAILABLE },
		{ "EHLO", FAKE_SMTP_SILENCE, "300ms", PINTLE_UNAVAILABLE },
		{ "MAIL", FAKE_SMTP_SILENCE, "300ms", PINTLE_UNAVAILABLE },
		{ "RCPT", FAKE_SMTP_SILENCE, "300ms", PINTLE_UNAVAILABLE },
		{ "RCPT", "nonsense", "300ms", PINTLE_UNAVAILABLE },
		{ "DATA", FAKE_SMTP_SILENCE, "300ms", PINTLE_UNAVAILABLE },
		{ ".", FAKE_SMTP_SILENCE, "3s", PINTLE_TIMEOUT },
		{ "QUIT", FAKE_SMTP_SILENCE, "3s", PINTLE_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_smtp fake = { .at = rows[i].at, .reply = rows[i].reply };
		char why[FAKE_TEXT_MAX];
		int32_t status = send_to_fake(&fake, rows[i].timeout, why);

		if (status != rows[i].status)
			fail_msg("row %zu (%s %s): status %d, %s", i, rows[i].at, rows[i].reply,
				 status, why);
	}
}

static void nothing_but_the_commands_is_said(void **state)
{
	struct fake_smtp fake = { .at = "never", .reply = "" };
	char why[FAKE_TEXT_MAX];

	(void)state;
	assert_int_equal(send_to_fake(&fake, "10s", why), PINTLE_OK);
	assert_ptr_equal(
		strstr(fake.heard, "EHLO example.com\r\nMAIL FROM:<noreply@example.com>\r\n"),
		fake.heard);
	assert_non_null(strstr(fake.heard, "\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nDate: "));
	assert_non_null(strstr(fake.heard, "\r\n.\r\nQUIT\r\n"));
	assert_null(strstr(fake.heard, "STARTTLS"));
}

/* A server that offers no STARTTLS gets neither name nor mail. */
static void nothing_is_said_without_tls(void **state)
{
	struct fake_smtp fake = { .at = "never", .reply = "" };
	char fake_port[16], why[FAKE_TEXT_MAX];
	const char *const options[] = {
		"host",   "127.0.0.1", "port",   fake_port, "user",
		"pintle", "password",  "pintle", "from",    "noreply@example.com",
		NULL
	};

	(void)state;
	fake_smtp_start(&fake);
	(void)snprintf(fake_port, sizeof(fake_port), "%d", fake.port);
	assert_int_equal(send_to(options, "bob@example.org", why), PINTLE_UNAVAILABLE);
	fake_smtp_stop(&fake);
	assert_null(strstr(fake.heard, "AUTH"));
	assert_null(strstr(fake.heard, "MAIL"));
}

/* ---- Options ---- */

static void each_wrong_option_refuses_to_open(void **state)
{
	static const struct {
		const char *host, *from, *key, *value, *reason;
	} rows[] = {
		{ "mail.example.com", "a@example.com", "port", "465", NULL },
		{ "::1", "a@example.com", "tls", "off", NULL },
		{ "mail.example.com/x", "a@example.com", "port", "25", "host must be" },
		{ "a b", "a@example.com", "port", "25", "host must be" },
		{ "mail.example.com", "Me <a@example.com>", "port", "25", "from must be" },
		{ "mail.example.com", "noreply", "port", "25", "from must be" },
		{ "mail.example.com", "a@example.com", "from_name", "a\r\nBcc: eve", "from_name" },
		{ "mail.example.com", "a@example.com", "user", "pintle", "user needs" },
		{ "mail.example.com", "a@example.com", "tls", "off", "tls must not be off" },
		{ "mail.example.com", "a@example.com", "tls", "sometimes", "tls" },
		{ "mail.example.com", "a@example.com", "port", "0", "port" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const options[] = { "host",      rows[i].host,  "from", rows[i].from,
						rows[i].key, rows[i].value, NULL };
		struct fake_plugin plugin;
		bool is_refused;

		fake_plugin_init(&plugin, "mail_smtp", &inst, options);
		is_refused = !plugin.self;
		if (is_refused != (rows[i].reason != NULL) ||
		    (is_refused && !strstr(plugin.reason, rows[i].reason)))
			fail_msg("row %zu: %s", i, plugin.reason);
		fake_plugin_fini(&plugin);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_arrives_over_starttls),
		cmocka_unit_test(a_mail_arrives_over_tls),
		cmocka_unit_test(what_is_wrong_between_us_is_unavailable),
		cmocka_unit_test(what_is_wrong_with_the_recipient_is_its_own),
		cmocka_unit_test(a_subject_is_one_line),
		cmocka_unit_test(each_reply_has_its_status),
		cmocka_unit_test(silence_is_unclear_only_after_the_mail),
		cmocka_unit_test(nothing_but_the_commands_is_said),
		cmocka_unit_test(nothing_is_said_without_tls),
		cmocka_unit_test(each_wrong_option_refuses_to_open),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
