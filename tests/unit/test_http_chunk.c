/* SPDX-License-Identifier: Apache-2.0 */
#include "http_chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fed {
	enum http_chunk_result result;
	char body[128];
	size_t body_len, consumed;
};

static struct fed feed(const char *text, size_t len, size_t step)
{
	struct fed fed = { .result = HTTP_CHUNK_MORE };
	struct http_chunk chunk = { 0 };

	while (fed.result == HTTP_CHUNK_MORE && fed.consumed < len) {
		size_t n = len - fed.consumed < step ? len - fed.consumed : step;

		fed.result = http_chunk_feed(&chunk, text + fed.consumed, &n,
					     fed.body + fed.body_len, &fed.body_len);
		fed.consumed += n;
	}
	return fed;
}

static void test_good(void **state)
{
	static const struct {
		const char *text, *body;
		size_t consumed;
	} cases[] = {
		{ "0\r\n\r\n", "", 5 },
		{ "5\r\nhello\r\n0\r\n\r\n", "hello", 15 },
		{ "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!", 21 },
		{ "a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 20 },
		{ "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 20 },
		{ "000005\r\nhello\r\n000\r\n\r\n", "hello", 22 },
		{ "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 14 },
		{ "5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello", 15 },
		{ "0\r\n\r\n0\r\n\r\n", "", 5 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].text);

		for (size_t step = 1; step <= len; step++) {
			struct fed fed = feed(cases[i].text, len, step);

			if (fed.result != HTTP_CHUNK_END || fed.consumed != cases[i].consumed ||
			    fed.body_len != strlen(cases[i].body) ||
			    memcmp(fed.body, cases[i].body, fed.body_len) != 0)
				fail_msg("case %zu by %zu: result %d, consumed %zu, body %.*s", i,
					 step, fed.result, fed.consumed, (int)fed.body_len,
					 fed.body);
		}
	}
}

static void test_bad(void **state)
{
	static const char *const cases[] = {
		"0x5\r\nhello\r\n0\r\n\r\n",
		"+5\r\nhello\r\n0\r\n\r\n",
		"-0\r\n\r\n",
		" 5\r\nhello\r\n0\r\n\r\n",
		"5 \r\nhello\r\n0\r\n\r\n",
		"\r\n0\r\n\r\n",
		"g\r\n",
		"5;a=b\r\nhello\r\n0\r\n\r\n",
		"5\nhello\r\n0\r\n\r\n",
		"5\rhello\r\n0\r\n\r\n",
		"5\r\r\nhello\r\n0\r\n\r\n",
		"5\r\nhello\n0\r\n\r\n",
		"5\r\nhelloXX0\r\n\r\n",
		"5\r\nhello0\r\n\r\n",
		"5\r\nhello!\r\n0\r\n\r\n",
		"5\r\nhello\r\r0\r\n\r\n",
		"0\r\nX-Evil: 1\r\n\r\n",
		"0\r\n\n",
		"0\r\n\r\r",
		"0\n\n",
		"00000000000000005\r\nhello\r\n0\r\n\r\n",
		"fffffffffffffffff\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i]);

		for (size_t step = 1; step <= len; step++)
			if (feed(cases[i], len, step).result != HTTP_CHUNK_BAD)
				fail_msg("case %zu by %zu: %d", i, step,
					 feed(cases[i], len, step).result);
	}
}

static void test_bad_stays_bad(void **state)
{
	struct http_chunk chunk = { 0 };
	size_t len = 1, out_len = 0;
	char out[8];

	(void)state;
	assert_int_equal(http_chunk_feed(&chunk, "x", &len, out, &out_len), HTTP_CHUNK_BAD);
	len = 5;
	assert_int_equal(http_chunk_feed(&chunk, "0\r\n\r\n", &len, out, &out_len), HTTP_CHUNK_BAD);
	assert_int_equal(len, 0);
}

static void test_huge_size_is_seen_at_once(void **state)
{
	static const struct {
		const char *text;
		uint64_t left;
	} cases[] = {
		{ "ffffffffffffffff\r\n", UINT64_MAX },
		{ "7fffffffffffffff\r\n", INT64_MAX },
		{ "100000000\r\nab", 0x100000000 - 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_chunk chunk = { 0 };
		size_t len = strlen(cases[i].text), out_len = 0;
		char out[32];

		assert_int_equal(http_chunk_feed(&chunk, cases[i].text, &len, out, &out_len),
				 HTTP_CHUNK_MORE);
		if (chunk.left != cases[i].left)
			fail_msg("case %zu: %llu left", i, (unsigned long long)chunk.left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bad_stays_bad),
		cmocka_unit_test(test_huge_size_is_seen_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
