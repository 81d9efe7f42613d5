/* SPDX-License-Identifier: Apache-2.0 */
#include "http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define H "Host: a.example\r\n"
#define GET(lines) "GET / HTTP/1.1\r\n" H lines "\r\n"
#define POST(lines) "POST / HTTP/1.1\r\n" H lines "\r\n"
#define TARGET(target) "GET " target " HTTP/1.1\r\n" H "\r\n"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct parsed {
	struct http_head head;
	char *bytes; /* exactly as long as the head, so that a step over its end is seen */
};

static int parse(struct parsed *parsed, const char *text, size_t len)
{
	parsed->bytes = malloc(len);
	assert_non_null(parsed->bytes);
	memcpy(parsed->bytes, text, len);
	return http_head_parse(&parsed->head, parsed->bytes, len);
}

static void expect_status(size_t i, const char *text, size_t len, int want)
{
	struct parsed parsed;
	int got = parse(&parsed, text, len);

	free(parsed.bytes);
	if (got != want)
		fail_msg("case %zu: got %d, want %d: %s", i, got, want, text);
}

static void test_good(void **state)
{
	static const char *const heads[] = {
		GET(""),
		POST("Content-Length: 0\r\n"),
		POST("Content-Length: 31\r\n"),
		POST("Content-Length:31\r\n"),
		POST("content-LENGTH: \t31 \t\r\n"),
		POST("Content-Length: 0000031\r\n"),
		GET("Content-Length: 0\r\n"),
		POST("Transfer-Encoding: chunked\r\n"),
		POST("Transfer-Encoding:\tChunked\r\n"),
		"DELETE / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n",
		"PATCH / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n",
		"OPTIONS / HTTP/1.1\r\n" H "\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\n" H "\r\n",
		"GET / HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n",
		GET("X-Empty:\r\n"),
		GET("X-Tab: a\tb\r\n"),
		GET("User-Agent: \xe5\xbe\xae\xe4\xbf\xa1\r\n"),
		GET("!#$%&'*+-.^_`|~09: odd but a token\r\n"),
		GET("X-Twice: a\r\nX-Twice: b\r\n"),
		GET("Authorization: Bearer x\r\n"),
		POST("Content-Type: application/json\r\n"),
		POST("Expect: 100-Continue\r\n"),
		TARGET("/?"),
		TARGET("/a?b=%E5%BE%AE&c[]=1;d=?/"),
		TARGET("/a/"),
		TARGET("/a.b/..c/.d/e..."),
		TARGET("/users/me@example.com:1,2=3!$&'()*+-_~"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++)
		expect_status(i, heads[i], strlen(heads[i]), 0);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text;
		int status;
	} heads[] = {
		/* framing */
		{ POST("Content-Length: 0\r\nContent-Length: 31\r\n"), 400 },
		{ POST("Content-Length: 5\r\nContent-Length: 5\r\n"), 400 },
		{ POST("Content-Length: 5, 5\r\n"), 400 },
		{ POST("Content-Length: +5\r\n"), 400 },
		{ POST("Content-Length: -5\r\n"), 400 },
		{ POST("Content-Length: 0x5\r\n"), 400 },
		{ POST("Content-Length: 5 5\r\n"), 400 },
		{ POST("Content-Length: 5.0\r\n"), 400 },
		{ POST("Content-Length:\r\n"), 400 },
		{ POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400 },
		{ POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400 },
		{ POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400 },
		{ POST("Transfer-Encoding: gzip\r\n"), 501 },
		{ POST("Transfer-Encoding: gzip, chunked\r\n"), 501 },
		{ POST("Transfer-Encoding: chunked, identity\r\n"), 501 },
		{ POST("Transfer-Encoding: identity\r\n"), 501 },
		{ POST("Transfer-Encoding: xchunked\r\n"), 501 },
		{ POST("Transfer-Encoding: \"chunked\"\r\n"), 501 },
		{ POST("Transfer-Encoding: chunked;q=1\r\n"), 501 },
		{ POST("Transfer-Encoding:\r\n"), 400 },
		{ POST("Transfer-Encoding: \x0b"
		       "chunked\r\n"),
		  400 },
		{ "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400 },
		{ "HEAD / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n", 400 },
		{ "HEAD / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400 },
		{ GET("Content-Length: 5\r\n"), 400 },
		{ GET("Transfer-Encoding: chunked\r\n"), 400 },
		/* header lines */
		{ GET("X-A : b\r\n"), 400 },
		{ GET("X A: b\r\n"), 400 },
		{ GET("X-A\t: b\r\n"), 400 },
		{ GET(": b\r\n"), 400 },
		{ GET("X-A\r\n"), 400 },
		{ GET("X-A: b\r\n c\r\n"), 400 },
		{ GET("X-A: b\r\n\tc\r\n"), 400 },
		{ GET(" X-A: b\r\n"), 400 },
		{ GET("X-\xc3\xa4: b\r\n"), 400 },
		{ GET("X(A): b\r\n"), 400 },
		{ GET("X-A: b\x7f\r\n"), 400 },
		{ GET("X-A: b\x01\r\n"), 400 },
		{ GET("X-A: b\rc\r\n"), 400 },
		{ GET("X-A: b\r\r\n"), 400 },
		{ GET("X-A: b\n"), 400 },
		{ "GET / HTTP/1.1\n" H "\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "\r\nX-After: end\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H, 400 },
		{ "\r\n" GET(""), 400 },
		{ "\r\n", 400 },
		{ "\n", 400 },
		/* Host */
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ GET("Host: b.example\r\n"), 400 },
		{ GET(H), 400 },
		{ "GET / HTTP/1.0\r\n" H H "\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400 },
		/* the request line */
		{ "GET / HTTP/1.4294967297\r\n" H "\r\n", 400 },
		{ "GET / HTTP/1.2\r\n" H "\r\n", 505 },
		{ "GET / HTTP/0.9\r\n" H "\r\n", 505 },
		{ "GET / HTTP/2.0\r\n" H "\r\n", 505 },
		{ "GET / HTTP/11\r\n" H "\r\n", 400 },
		{ "GET / HTTP/1\r\n" H "\r\n", 400 },
		{ "GET / http/1.1\r\n" H "\r\n", 400 },
		{ "GET / HTTP/1.1 \r\n" H "\r\n", 400 },
		{ "GET / HTTP/1.1\r\r\n" H "\r\n", 400 },
		{ "GET /\r\n" H "\r\n", 400 },
		{ "GET\r\n" H "\r\n", 400 },
		{ "GET  / HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET /  HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET\t/ HTTP/1.1\r\n" H "\r\n", 400 },
		{ " GET / HTTP/1.1\r\n" H "\r\n", 400 },
		{ " / HTTP/1.1\r\n" H "\r\n", 400 },
		{ "G@T / HTTP/1.1\r\n" H "\r\n", 400 },
		{ "PRI * HTTP/2.0\r\n\r\n", 400 },
		/* the target is already canonical */
		{ TARGET("*"), 400 },
		{ TARGET("a"), 400 },
		{ TARGET(""), 400 },
		{ TARGET("?a"), 400 },
		{ TARGET("http://a.example/"), 400 },
		{ "CONNECT a.example:443 HTTP/1.1\r\n" H "\r\n", 400 },
		{ TARGET("//"), 400 },
		{ TARGET("//a"), 400 },
		{ TARGET("/a//b"), 400 },
		{ TARGET("/a//"), 400 },
		{ TARGET("/."), 400 },
		{ TARGET("/.."), 400 },
		{ TARGET("/./a"), 400 },
		{ TARGET("/a/./b"), 400 },
		{ TARGET("/a/../b"), 400 },
		{ TARGET("/a/.."), 400 },
		{ TARGET("/a/.?x"), 400 },
		{ TARGET("/%61"), 400 },
		{ TARGET("/%2e%2e/a"), 400 },
		{ TARGET("/a%2fb"), 400 },
		{ TARGET("/a%5cb"), 400 },
		{ TARGET("/a%00"), 400 },
		{ TARGET("/a%23"), 400 },
		{ TARGET("/%252e"), 400 },
		{ TARGET("/a%"), 400 },
		{ TARGET("/a\\b"), 400 },
		{ TARGET("/a;b=c"), 400 },
		{ TARGET("/a#b"), 400 },
		{ TARGET("/a?b#c"), 400 },
		{ TARGET("/a\tb"), 400 },
		{ TARGET("/a\x01"), 400 },
		{ TARGET("/a\x7f"), 400 },
		{ TARGET("/\xc0\xae\xc0\xae/"), 400 },
		{ TARGET("/\xe5\xbe\xae"), 400 },
		{ TARGET("/a?\xff"), 400 },
		{ TARGET("/a?b\\c"), 400 },
		{ TARGET("/a?<b>"), 400 },
		{ TARGET("/a?\"b\""), 400 },
		/* the rest */
		{ POST("Expect: 200-ok\r\n"), 417 },
		{ POST("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 400 },
		{ GET("Authorization: Bearer a\r\nauthorization: Bearer b\r\n"), 400 },
		{ POST("Content-Type: text/plain\r\nContent-Type: application/json\r\n"), 400 },
		{ GET("Origin: https://a\r\nOrigin: https://b\r\n"), 400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++)
		expect_status(i, heads[i].text, strlen(heads[i].text), heads[i].status);
}

static void test_nul(void **state)
{
	static const struct slice heads[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n", 38 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nX-\0: bc\r\n\r\n", 37 },
		{ "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28 },
		{ "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", 27 },
		{ "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", 28 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++)
		expect_status(i, heads[i].ptr, heads[i].len, 400);
}

static void test_header_count(void **state)
{
	char text[2048];

	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		size_t len = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" H);

		for (int i = 1; i < HTTP_MAX_HEADERS + extra; i++)
			len += (size_t)sprintf(text + len, "a: b\r\n");
		len += (size_t)sprintf(text + len, "\r\n");
		expect_status((size_t)extra, text, len, extra ? 431 : 0);
	}
}

static void test_content_length(void **state)
{
	static const struct {
		const char *digits;
		int64_t value;
	} cases[] = {
		{ "0", 0 },
		{ "2147483648", 2147483648 },
		{ "4294967296", 4294967296 },
		{ "9223372036854775806", INT64_MAX - 1 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", INT64_MAX },
		{ "18446744073709551616", INT64_MAX },
		{ "18446744073709551621", INT64_MAX },
		{ "99999999999999999999", INT64_MAX },
		{ "000000000000000000000000000000000000007", 7 },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct parsed parsed;
		int len = sprintf(text, "POST / HTTP/1.1\r\n" H "Content-Length: %s\r\n\r\n",
				  cases[i].digits);

		assert_int_equal(parse(&parsed, text, (size_t)len), 0);
		if (parsed.head.content_length != cases[i].value)
			fail_msg("case %zu: got %lld", i, (long long)parsed.head.content_length);
		free(parsed.bytes);
	}
}

static void test_parts(void **state)
{
	static const char text[] = "POST /a/b?c=d HTTP/1.1\r\nHOST: a.example\r\n"
				   "X-Forwarded-For: 1.1.1.1 \r\nx-forwarded-for:2.2.2.2\r\n\r\n";
	struct parsed parsed;
	char joined[32];
	size_t len;

	(void)state;
	assert_int_equal(parse(&parsed, text, sizeof(text) - 1), 0);
	assert_int_equal(parsed.head.method, HTTP_POST);
	assert_true(slice_is(parsed.head.method_name, "POST"));
	assert_true(slice_is(parsed.head.path, "/a/b"));
	assert_true(slice_is(parsed.head.query, "c=d"));
	assert_int_equal(parsed.head.n_headers, 3);
	assert_true(slice_is(parsed.head.headers[0].name, "host"));
	assert_true(slice_is(http_head_get(&parsed.head, "host"), "a.example"));
	assert_null(http_head_get(&parsed.head, "x-forwarded-for").ptr);
	assert_null(http_head_get(&parsed.head, "cookie").ptr);
	assert_int_equal(http_head_count(&parsed.head, "x-forwarded-for"), 2);
	assert_true(http_head_join(&parsed.head, "x-forwarded-for", joined, 15, &len));
	assert_int_equal(len, 15);
	assert_memory_equal(joined, "1.1.1.1,2.2.2.2", 15);
	assert_false(http_head_join(&parsed.head, "x-forwarded-for", joined, 14, &len));
	assert_true(http_head_join(&parsed.head, "cookie", joined, 0, &len));
	assert_int_equal(len, 0);
	free(parsed.bytes);
}

static void test_connection(void **state)
{
	static const struct {
		const char *text;
		bool keep_alive, wants_upgrade, expect_continue;
	} cases[] = {
		{ GET(""), true, false, false },
		{ GET("Connection: close\r\n"), false, false, false },
		{ GET("Connection: foo, CLOSE ,bar\r\n"), false, false, false },
		{ GET("Connection: close\r\nConnection: keep-alive\r\n"), false, false, false },
		{ GET("Connection: closed\r\n"), true, false, false },
		{ "GET / HTTP/1.0\r\n\r\n", false, false, false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, false, false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false, false, false },
		{ GET("Connection: Upgrade\r\nUpgrade: websocket\r\n"), true, true, false },
		{ GET("Upgrade: websocket\r\n"), true, false, false },
		{ GET("Connection: upgrade\r\n"), true, false, false },
		{ POST("Connection: upgrade\r\nUpgrade: websocket\r\n"), true, false, false },
		{ POST("Expect: 100-continue\r\n"), true, false, true },
		{ "POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct parsed parsed;

		assert_int_equal(parse(&parsed, cases[i].text, strlen(cases[i].text)), 0);
		if (parsed.head.keep_alive != cases[i].keep_alive ||
		    parsed.head.wants_upgrade != cases[i].wants_upgrade ||
		    parsed.head.expect_continue != cases[i].expect_continue)
			fail_msg("case %zu: %d %d %d", i, parsed.head.keep_alive,
				 parsed.head.wants_upgrade, parsed.head.expect_continue);
		free(parsed.bytes);
	}
}

/* As the connection asks: each time a byte more has come. */
static ssize_t length_by_bytes(const char *text)
{
	size_t searched = 0;

	for (size_t len = 1; len <= strlen(text); len++) {
		ssize_t got = http_head_length(text, len, searched);

		if (got != 0)
			return got;
		searched = len;
	}
	return 0;
}

static void test_length(void **state)
{
	static const struct {
		const char *text;
		ssize_t length;
	} cases[] = {
		{ "", 0 },
		{ "GET", 0 },
		{ "GET / HTTP/1.1\r\n", 0 },
		{ "GET / HTTP/1.1\r\n\r", 0 },
		{ "GET / HTTP/1.1\r\n\r\n", 18 },
		{ "GET / HTTP/1.1\r\nA: b\r\n\r\n", 24 },
		{ "A\r\n\r\nGET / HTTP/1.1\r\n\r\n", 5 },
		{ "\n", -1 },
		{ "\r\n", -1 },
		{ "GET / HTTP/1.1\n", -1 },
		{ "GET / HTTP/1.1\r\nA: b\n\r\n", -1 },
		{ "GET / HTTP/1.1\r\nA: b\r\n\n", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *text = cases[i].text;

		if (http_head_length(text, strlen(text), 0) != cases[i].length)
			fail_msg("case %zu whole: %zd", i, http_head_length(text, strlen(text), 0));
		if (length_by_bytes(text) != cases[i].length)
			fail_msg("case %zu by bytes: %zd", i, length_by_bytes(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_header_count),
		cmocka_unit_test(test_content_length),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
