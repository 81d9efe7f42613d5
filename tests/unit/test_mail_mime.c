/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* NOLINTNEXTLINE(bugprone-suspicious-include): it belongs to a plugin, which exports nothing */
#include "../../plugins/mail_smtp/mime.c"

#define HEAD                                                                                       \
	"Auto-Submitted: auto-generated\r\n"                                                       \
	"X-Auto-Response-Suppress: All\r\n"                                                        \
	"MIME-Version: 1.0\r\n"

static const struct mime plain = {
	.from = "noreply@example.com",
	.from_name = "",
	.to = "bob@example.org",
	.subject = "Your code",
	.text = "Hello\n",
	.id = "0123456789abcdef",
	.at_ms = INT64_C(1795212000000),
};

static char *written(const struct mime *mime)
{
	size_t len;
	char *text = mime_write(mime, &len);

	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	return text;
}

static void a_plain_mail(void **state)
{
	char *text = written(&plain);

	(void)state;
	assert_string_equal(text, "Date: Fri, 20 Nov 2026 22:00:00 +0000\r\n"
				  "From: <noreply@example.com>\r\n"
				  "To: <bob@example.org>\r\n"
				  "Subject: Your code\r\n"
				  "Message-ID: <0123456789abcdef@example.com>\r\n" HEAD
				  "Content-Type: text/plain; charset=utf-8\r\n"
				  "Content-Transfer-Encoding: base64\r\n\r\n"
				  "SGVsbG8NCg==\r\n");
	free(text);
}

static void a_mail_with_html(void **state)
{
	struct mime mime = plain;
	char *text;

	(void)state;
	mime.html = "<p>你好</p>";
	text = written(&mime);
	assert_string_equal(strstr(text, "MIME-Version"),
			    "MIME-Version: 1.0\r\n"
			    "Content-Type: multipart/alternative;\r\n"
			    " boundary=\"=_0123456789abcdef\"\r\n\r\n"
			    "--=_0123456789abcdef\r\n"
			    "Content-Type: text/plain; charset=utf-8\r\n"
			    "Content-Transfer-Encoding: base64\r\n\r\n"
			    "SGVsbG8NCg==\r\n"
			    "--=_0123456789abcdef\r\n"
			    "Content-Type: text/html; charset=utf-8\r\n"
			    "Content-Transfer-Encoding: base64\r\n\r\n"
			    "PHA+5L2g5aW9PC9wPg==\r\n"
			    "--=_0123456789abcdef--\r\n");
	free(text);
}

static void each_subject_is_ascii(void **state)
{
	static const struct {
		const char *subject, *line;
	} rows[] = {
		{ "", "Subject: \r\n" },
		{ "Code \"now\" <b>", "Subject: Code \"now\" <b>\r\n" },
		{ "您的验证码", "Subject: =?UTF-8?B?5oKo55qE6aqM6K+B56CB?=\r\n" },
		/* Forty Chinese characters: thirteen a word, none cut. */
		{ "一二三四五六七八九十一二三四五六七八九十"
		  "一二三四五六七八九十一二三四五六七八九十",
		  "Subject: =?UTF-8?B?5LiA5LqM5LiJ5Zub5LqU5YWt5LiD5YWr5Lmd5Y2B5LiA5LqM5LiJ?=\r\n"
		  " =?UTF-8?B?5Zub5LqU5YWt5LiD5YWr5Lmd5Y2B5LiA5LqM5LiJ5Zub5LqU5YWt?=\r\n"
		  " =?UTF-8?B?5LiD5YWr5Lmd5Y2B5LiA5LqM5LiJ5Zub5LqU5YWt5LiD5YWr5Lmd?=\r\n"
		  " =?UTF-8?B?5Y2B?=\r\n" },
		/* Four bytes each, so that a word has nine. */
		{ "😀😀😀😀😀😀😀😀😀😀",
		  "Subject: =?UTF-8?B?8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA?=\r\n"
		  " =?UTF-8?B?8J+YgA==?=\r\n" },
		/* What reads as an encoded word is not left as it is. */
		{ "=?UTF-8?B?aGk=?=", "Subject: =?UTF-8?B?PT9VVEYtOD9CP2FHaz0/PQ==?=\r\n" },
		{ "a line of one more byte than there is place for on one line ab",
		  "Subject: =?UTF-8?B?YSBsaW5lIG9mIG9uZSBtb3JlIGJ5dGUgdGhhbiB0aGVyZSBpcyBw?=\r\n"
		  " =?UTF-8?B?bGFjZSBmb3Igb24gb25lIGxpbmUgYWI=?=\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mime mime = plain;
		char *text, *line;

		mime.subject = rows[i].subject;
		text = written(&mime);
		line = strstr(text, "Subject: ");
		if (strncmp(line, rows[i].line, strlen(rows[i].line)) != 0)
			fail_msg("row %zu: %s", i, line);
		free(text);
	}
}

static void each_sender_has_its_name(void **state)
{
	static const struct {
		const char *name, *line;
	} rows[] = {
		{ "", "From: <noreply@example.com>\r\nTo" },
		{ "Example, Inc.", "From: \"Example, Inc.\"\r\n <noreply@example.com>\r\nTo" },
		{ "a \"b\" \\c", "From: \"a \\\"b\\\" \\\\c\"\r\n <noreply@example.com>\r\nTo" },
		{ "农机", "From: =?UTF-8?B?5Yac5py6?=\r\n <noreply@example.com>\r\nTo" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mime mime = plain;
		char *text, *line;

		mime.from_name = rows[i].name;
		text = written(&mime);
		line = strstr(text, "From: ");
		if (strncmp(line, rows[i].line, strlen(rows[i].line)) != 0)
			fail_msg("row %zu: %s", i, line);
		free(text);
	}
}

/* Whatever the texts are, the lines of a mail are ASCII, short, end in CRLF and need no dot. */
static void no_line_breaks_the_rules(void **state)
{
	static const char *const bodies[] = {
		"",
		"\n",
		".\n..\n.",
		"a\r\nb\nc\r\n",
		"\r",
		"\xFF\xFE",
		"----------------------------------------------------------------------------------"
		"一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct mime mime = plain;
		char *text, *line, *end;

		mime.text = mime.html = bodies[i];
		text = written(&mime);
		for (line = text; *line; line = end + 2) {
			end = strstr(line, "\r\n");
			if (!end || end - line > 78 || line[0] == '.')
				fail_msg("body %zu: %s", i, line);
			for (; line < end; line++)
				assert_in_range(*line, 0x20, 0x7e);
		}
		free(text);
	}
}

static void only_addresses_are_addresses(void **state)
{
	static const struct {
		const char *text;
		int is_one;
	} rows[] = {
		{ "bob@example.com", 1 },
		{ "o'brien+tag@example.co.uk", 1 },
		{ "!#$%&'*+-/=?^_`{|}~@x.cn", 1 },
		{ "", 0 },
		{ "bob", 0 },
		{ "@example.com", 0 },
		{ "bob@", 0 },
		{ "a@b@c.com", 0 },
		{ "bob@example.com>\r\nRCPT TO:<eve@example.com", 0 },
		{ "bob@example.com\n", 0 },
		{ "bob @example.com", 0 },
		{ "<bob@example.com>", 0 },
		{ "bob@example.com>", 0 },
		{ "\"bob\"@example.com", 0 },
		{ "bob@example.com,eve@example.com", 0 },
		{ "bob@example.com;eve@example.com", 0 },
		{ "bob@[127.0.0.1]", 0 },
		{ "bob\t@example.com", 0 },
		{ "bob\x7f@example.com", 0 },
		{ "böb@example.com", 0 },
		{ "-f@example.com", 0 },
	};
	char longest[260];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (mime_is_address(rows[i].text) != rows[i].is_one)
			fail_msg("row %zu: %s", i, rows[i].text);
	memset(longest, 'a', sizeof(longest));
	longest[1] = '@';
	longest[254] = '\0';
	assert_true(mime_is_address(longest));
	longest[254] = 'a';
	longest[255] = '\0';
	assert_false(mime_is_address(longest));
}

static void only_one_line_is_header_text(void **state)
{
	static const struct {
		const char *text;
		int is_one;
	} rows[] = {
		{ "", 1 },
		{ "Your code", 1 },
		{ "您的验证码", 1 },
		{ "a\r\nBcc: eve", 0 },
		{ "a\nb", 0 },
		{ "a\rb", 0 },
		{ "a\tb", 0 },
		{ "a\x7f", 0 },
		{ "a\xC2\x85"
		  "b",
		  0 },
		{ "\xC2\xA0", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (mime_is_header_text(rows[i].text) != rows[i].is_one)
			fail_msg("row %zu: %s", i, rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_mail),
		cmocka_unit_test(a_mail_with_html),
		cmocka_unit_test(each_subject_is_ascii),
		cmocka_unit_test(each_sender_has_its_name),
		cmocka_unit_test(no_line_breaks_the_rules),
		cmocka_unit_test(only_addresses_are_addresses),
		cmocka_unit_test(only_one_line_is_header_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
