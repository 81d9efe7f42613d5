/* SPDX-License-Identifier: Apache-2.0 */
/* One decoder for both alphabets: they differ in two characters and in the padding. */
#include "base64.h"

#include <stdint.h>

static const char url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_encode(const void *bytes, size_t len, char *out)
{
	const uint8_t *in = bytes;
	size_t written = 0;
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			out[written++] = url_alphabet[bits >> (n_bits - 6) & 63];
	}
	if (n_bits > 0)
		out[written++] = url_alphabet[bits << (6 - n_bits) & 63];
	out[written] = '\0';
	return written;
}

/* The six bits of a character, or -1. last holds the characters for 62 and 63. */
static int sextet(char c, const char last[2])
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == last[0])
		return 62;
	return c == last[1] ? 63 : -1;
}

static bool decode(const char *text, size_t len, const char last[2], uint8_t *out, size_t out_max,
		   size_t *len_out)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t written = 0;

	if (len % 4 == 1 || len / 4 * 3 + len % 4 * 3 / 4 > out_max)
		return false;
	for (size_t i = 0; i < len; i++) {
		int value = sextet(text[i], last);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[written++] = (uint8_t)(bits >> n_bits);
		}
	}
	/* Left-over bits that are not zero would give one value several spellings. */
	if (bits & ((1u << n_bits) - 1))
		return false;
	*len_out = written;
	return true;
}

bool base64url_decode(const char *text, size_t len, void *out, size_t out_max, size_t *len_out)
{
	return decode(text, len, "-_", out, out_max, len_out);
}

bool base64_decode(const char *text, size_t len, void *out, size_t out_max, size_t *len_out)
{
	if (len % 4 != 0)
		return false;
	for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
		len--;
	return decode(text, len, "+/", out, out_max, len_out);
}

void hex_encode(const void *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = bytes;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}
