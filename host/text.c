/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#define DIGITS_MAX 20

static void put(struct text *text, uint64_t number, unsigned base, int n_digits)
{
	char digits[DIGITS_MAX], *end = digits + sizeof(digits), *at = end;

	do {
		*--at = "0123456789ABCDEF"[number % base];
		number /= base;
	} while (number > 0);
	for (int i = (int)(end - at); i < n_digits; i++)
		text_put_byte(text, '0');
	text_put_bytes(text, at, (size_t)(end - at));
}

void text_put_number(struct text *text, uint64_t number, int n_digits)
{
	put(text, number, 10, n_digits);
}

void text_put_hex(struct text *text, uint64_t number, int n_digits)
{
	put(text, number, 16, n_digits);
}
