/* SPDX-License-Identifier: Apache-2.0 */
#include "rng.h"

#include "base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_DIGITS 1000000
/* Chi-square with 9 degrees of freedom exceeds 60 once in 10^9 good runs. */
#define CHI_MAX 60.0

static double chi_square(const char *digits, size_t n)
{
	double counts[10] = { 0 }, expected = (double)n / 10, chi = 0;

	for (size_t i = 0; i < n; i++)
		counts[digits[i] - '0']++;
	for (int d = 0; d < 10; d++)
		chi += (counts[d] - expected) * (counts[d] - expected) / expected;
	return chi;
}

static void digits_are_equally_likely(void **state)
{
	char *digits = malloc(N_DIGITS + 1);
	double chi;

	(void)state;
	assert_non_null(digits);
	assert_true(rng_digits(digits, N_DIGITS));
	assert_int_equal(strspn(digits, "0123456789"), N_DIGITS);
	assert_int_equal(strlen(digits), N_DIGITS);
	chi = chi_square(digits, N_DIGITS);
	if (chi > CHI_MAX)
		fail_msg("chi-square %.1f over %.1f", chi, CHI_MAX);
	free(digits);
}

/* The test above must be able to fail: a byte taken modulo ten is what it is there to catch. */
static void the_bound_catches_a_modulo(void **state)
{
	char *digits = malloc(N_DIGITS);
	double chi;

	(void)state;
	assert_non_null(digits);
	assert_true(rng_bytes(digits, N_DIGITS));
	for (size_t i = 0; i < N_DIGITS; i++)
		digits[i] = (char)('0' + (unsigned char)digits[i] % 10);
	chi = chi_square(digits, N_DIGITS);
	if (chi < CHI_MAX)
		fail_msg("chi-square %.1f under %.1f", chi, CHI_MAX);
	free(digits);
}

static void pairs_of_digits_are_independent(void **state)
{
	enum { N = 200000 };
	char *digits = malloc(N + 1);
	double counts[100] = { 0 }, expected = N / 200.0, chi = 0;

	(void)state;
	assert_non_null(digits);
	assert_true(rng_digits(digits, N));
	for (size_t i = 0; i < N; i += 2)
		counts[(digits[i] - '0') * 10 + digits[i + 1] - '0']++;
	for (int i = 0; i < 100; i++)
		chi += (counts[i] - expected) * (counts[i] - expected) / expected;
	/* 99 degrees of freedom: over 200 once in 10^8 good runs. */
	if (chi > 200)
		fail_msg("chi-square %.1f over 200", chi);
	free(digits);
}

static void ids_differ_and_are_base64url(void **state)
{
	char first[RNG_ID_LEN + 1], second[RNG_ID_LEN + 1], bytes[16];
	size_t len;

	(void)state;
	assert_true(rng_id(first));
	assert_true(rng_id(second));
	assert_string_not_equal(first, second);
	assert_int_equal(strlen(first), RNG_ID_LEN);
	assert_true(base64url_decode(first, RNG_ID_LEN, bytes, sizeof(bytes), &len));
	assert_int_equal(len, 16);
}

static void uuids_are_version_4(void **state)
{
	char uuid[RNG_UUID_LEN + 1], other[RNG_UUID_LEN + 1];

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(rng_uuid(uuid));
		assert_int_equal(strlen(uuid), RNG_UUID_LEN);
		assert_int_equal(strspn(uuid, "0123456789abcdef-"), RNG_UUID_LEN);
		assert_true(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' &&
			    uuid[23] == '-');
		if (uuid[14] != '4' || !strchr("89ab", uuid[19]))
			fail_msg("%d: %s", i, uuid);
	}
	assert_true(rng_uuid(other));
	assert_string_not_equal(uuid, other);
}

static void no_digits_is_an_empty_text(void **state)
{
	char out[2] = "x";

	(void)state;
	assert_true(rng_digits(out, 0));
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_equally_likely),
		cmocka_unit_test(the_bound_catches_a_modulo),
		cmocka_unit_test(pairs_of_digits_are_independent),
		cmocka_unit_test(ids_differ_and_are_base64url),
		cmocka_unit_test(uuids_are_version_4),
		cmocka_unit_test(no_digits_is_an_empty_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
