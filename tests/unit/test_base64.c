/* SPDX-License-Identifier: Apache-2.0 */
#include "base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648 10, without padding, and the two characters that differ. */
static const struct {
	const char *plain, *url, *padded;
} pairs[] = {
	{ "", "", "" },
	{ "f", "Zg", "Zg==" },
	{ "fo", "Zm8", "Zm8=" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "-__-", "+//+" },
};

static void pairs_go_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char text[16], bytes[16];
		size_t plain_len = strlen(pairs[i].plain), len;

		len = base64url_encode(pairs[i].plain, plain_len, text);
		if (len != BASE64_LEN(plain_len) || strcmp(text, pairs[i].url) != 0)
			fail_msg("encode %zu: %s", i, text);
		if (!base64url_decode(text, len, bytes, plain_len, &len) || len != plain_len ||
		    memcmp(bytes, pairs[i].plain, len) != 0)
			fail_msg("decode %zu", i);
		if (!base64_decode(pairs[i].padded, strlen(pairs[i].padded), bytes, plain_len,
				   &len) ||
		    len != plain_len || memcmp(bytes, pairs[i].plain, len) != 0)
			fail_msg("padded %zu", i);
	}
}

static void every_byte_value_survives(void **state)
{
	uint8_t in[256], out[256];
	char text[BASE64_LEN(sizeof(in)) + 1];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	len = base64url_encode(in, sizeof(in), text);
	assert_true(base64url_decode(text, len, out, sizeof(out), &len));
	assert_int_equal(len, sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
}

static void other_spellings_are_refused(void **state)
{
	static const char *const bad[] = {
		"Z",     "Zh",     "Zm9=", "Zg==",  "Zm8=",       "Zm9",      "Zm9vY", "Zm9v ",
		" Zm9v", "Zm\n9v", "+/+/", "Zm9v.", "Zm\xc3\xa9", "Zm9vYmE=", "Zn",    "Z===",
	};
	char out[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64url_decode(bad[i], strlen(bad[i]), out, sizeof(out), &len))
			fail_msg("url %zu: %s", i, bad[i]);
	}
	assert_true(base64url_decode("Zm8", 3, out, sizeof(out), &len));
	assert_false(base64url_decode("Zm\0v", 4, out, sizeof(out), &len));
}

static void padding_must_be_whole(void **state)
{
	static const char *const bad[] = { "Zg",   "Zg=",  "Zm8",  "Zm9v=",   "====",
					   "Z===", "-__-", "Zh==", "Zg==Zg==" };
	char out[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64_decode(bad[i], strlen(bad[i]), out, sizeof(out), &len))
			fail_msg("%zu: %s", i, bad[i]);
	}
	assert_true(base64_decode("Zg==", 4, out, sizeof(out), &len));
}

static void nothing_is_written_past_the_end(void **state)
{
	char out[4] = "xxx";
	size_t len;

	(void)state;
	assert_false(base64url_decode("Zm9v", 4, out, 2, &len));
	assert_string_equal(out, "xxx");
	assert_true(base64url_decode("Zm9v", 4, out, 3, &len));
	assert_string_equal(out, "foo");
}

static void hex_is_lower_case(void **state)
{
	char text[9];

	(void)state;
	hex_encode("\x00\x9f\xff\x0a", 4, text);
	assert_string_equal(text, "009fff0a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_go_both_ways),
		cmocka_unit_test(every_byte_value_survives),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(padding_must_be_whole),
		cmocka_unit_test(nothing_is_written_past_the_end),
		cmocka_unit_test(hex_is_lower_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
