/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct number_case {
	uint64_t number;
	int n_digits;
	const char *decimal, *hex;
};

static void numbers_have_the_digits_asked_for(void **state)
{
	static const struct number_case cases[] = {
		{ 0, 0, "0", "0" },
		{ 0, 1, "0", "0" },
		{ 7, 3, "007", "007" },
		{ 255, 2, "255", "FF" },
		{ 1234, 4, "1234", "04D2" },
		{ 1234, 2, "1234", "4D2" },
		{ 1, 25, "0000000000000000000000001", "0000000000000000000000001" },
		{ UINT64_MAX, 1, "18446744073709551615", "FFFFFFFFFFFFFFFF" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char decimal[32] = "", hex[32] = "";
		struct text a = { .bytes = decimal, .size = sizeof(decimal) - 1 };
		struct text b = { .bytes = hex, .size = sizeof(hex) - 1 };

		text_put_number(&a, cases[i].number, cases[i].n_digits);
		text_put_hex(&b, cases[i].number, cases[i].n_digits);
		if (strcmp(decimal, cases[i].decimal) != 0 || strcmp(hex, cases[i].hex) != 0)
			fail_msg("case %zu: %s and %s, wanted %s and %s", i, decimal, hex,
				 cases[i].decimal, cases[i].hex);
	}
}

static void what_fits_is_whole(void **state)
{
	char bytes[8] = "";
	struct text text = { .bytes = bytes, .size = 5 };

	(void)state;
	text_put(&text, "abc");
	text_put_byte(&text, 'd');
	text_put_bytes(&text, "e", 1);
	assert_true(text_fits(&text));
	assert_int_equal(text.len, 5);
	assert_string_equal(bytes, "abcde");
}

static void what_does_not_fit_is_counted_and_left_out(void **state)
{
	char bytes[8] = "";
	struct text text = { .bytes = bytes, .size = 5 };

	(void)state;
	text_put(&text, "abc");
	text_put(&text, "def");
	assert_false(text_fits(&text));
	assert_int_equal(text.len, 6);
	text_put(&text, "g");
	text_put_number(&text, 12, 3);
	assert_int_equal(text.len, 10);
	assert_string_equal(bytes, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_the_digits_asked_for),
		cmocka_unit_test(what_fits_is_whole),
		cmocka_unit_test(what_does_not_fit_is_counted_and_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
