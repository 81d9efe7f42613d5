/* SPDX-License-Identifier: Apache-2.0 */
#include "rng.h"

#include "base64.h"

#include <limits.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ID_BYTES 16

bool rng_bytes(void *out, size_t len)
{
	return len <= INT_MAX && RAND_bytes(out, (int)len) == 1;
}

/* Bytes from the last multiple of n_signs on would favour the first signs. */
static bool draw(char *out, size_t len, const char *signs, unsigned n_signs)
{
	const unsigned fair = 256 - 256 % n_signs;
	uint8_t pool[32];
	size_t used = sizeof(pool), written = 0;

	while (written < len) {
		if (used == sizeof(pool)) {
			if (!rng_bytes(pool, sizeof(pool)))
				return false;
			used = 0;
		}
		if (pool[used] < fair)
			out[written++] = signs[pool[used] % n_signs];
		used++;
	}
	out[written] = '\0';
	explicit_bzero(pool, sizeof(pool));
	return true;
}

bool rng_digits(char *out, size_t n_digits)
{
	return draw(out, n_digits, "0123456789", 10);
}

bool rng_word(char out[RNG_WORD_LEN + 1])
{
	return draw(out, RNG_WORD_LEN,
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 62);
}

bool rng_id(char out[RNG_ID_LEN + 1])
{
	uint8_t bytes[ID_BYTES];

	if (!rng_bytes(bytes, sizeof(bytes)))
		return false;
	(void)base64url_encode(bytes, sizeof(bytes), out);
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

bool rng_uuid(char out[RNG_UUID_LEN + 1])
{
	uint8_t bytes[ID_BYTES];
	char hex[2 * ID_BYTES + 1];

	if (!rng_bytes(bytes, sizeof(bytes)))
		return false;
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	hex_encode(bytes, sizeof(bytes), hex);
	(void)snprintf(out, RNG_UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
		       hex + 16, hex + 20);
	return true;
}
