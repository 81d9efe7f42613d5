/* SPDX-License-Identifier: Apache-2.0 */
#include "base64url.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_write(const unsigned char *bytes, size_t len, char *out)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			*out++ = alphabet[bits >> (n_bits - 6) & 63];
	}
	if (n_bits > 0)
		*out++ = alphabet[bits << (6 - n_bits) & 63];
	*out = '\0';
}

bool base64url_read(const char *text, size_t len, unsigned char *out, size_t out_max,
		    size_t *len_out)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;

	*len_out = 0;
	if (len % 4 == 1 || len * 3 / 4 > out_max)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!at)
			return false;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[(*len_out)++] = (unsigned char)(bits >> n_bits);
		}
	}
	/* What is left over must be zero, else one value had several spellings. */
	return (bits & ((1U << n_bits) - 1)) == 0;
}
