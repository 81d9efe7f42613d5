/* SPDX-License-Identifier: Apache-2.0 */
/* PBKDF2-SHA256 in the two spellings that common frameworks store. */
#include "base64.h"
#include "hash_scheme.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define KEY_LEN 32
#define SALT_MAX 128
#define ITERATIONS_MAX 2000000 /* about a second of one core */

struct pbkdf2 {
	int iterations;
	unsigned char salt[SALT_MAX], key[KEY_LEN];
	size_t salt_len;
};

/* The next piece up to '$' or the end; *text stands behind it. */
static bool next_piece(const char **text, char *out, size_t out_len)
{
	size_t len = strcspn(*text, "$");

	if (len == 0 || len >= out_len)
		return false;
	memcpy(out, *text, len);
	out[len] = '\0';
	*text += len;
	if (**text == '$')
		++*text;
	return true;
}

static bool read_iterations(const char **text, int *out)
{
	char digits[8];

	if (!next_piece(text, digits, sizeof(digits)) ||
	    strspn(digits, "0123456789") != strlen(digits))
		return false;
	*out = atoi(digits);
	return *out >= 1 && *out <= ITERATIONS_MAX;
}

/* "iterations$salt$key": the salt as it stands, the key in base64. */
static bool read_django(struct pbkdf2 *hash, const char *text)
{
	char key[64], salt[SALT_MAX];
	size_t len;

	if (!read_iterations(&text, &hash->iterations) || !next_piece(&text, salt, sizeof(salt)) ||
	    !next_piece(&text, key, sizeof(key)) || *text)
		return false;
	hash->salt_len = strlen(salt);
	memcpy(hash->salt, salt, hash->salt_len);
	return base64_decode(key, strlen(key), hash->key, KEY_LEN, &len) && len == KEY_LEN;
}

/* passlib's alphabet: base64 without padding and with '.' for '+'. */
static bool decode_ab64(char *text, unsigned char *out, size_t out_max, size_t *len_out)
{
	if (strpbrk(text, "+-_="))
		return false;
	for (char *at = text; *at; at++)
		*at = *at == '.' ? '-' : *at == '/' ? '_' : *at;
	return base64url_decode(text, strlen(text), out, out_max, len_out);
}

/* "iterations$salt$key", both in passlib's base64. */
static bool read_passlib(struct pbkdf2 *hash, const char *text)
{
	char key[64], salt[2 * SALT_MAX];
	size_t len;

	return read_iterations(&text, &hash->iterations) && next_piece(&text, salt, sizeof(salt)) &&
	       next_piece(&text, key, sizeof(key)) && !*text &&
	       decode_ab64(salt, hash->salt, sizeof(hash->salt), &hash->salt_len) &&
	       decode_ab64(key, hash->key, KEY_LEN, &len) && len == KEY_LEN;
}

static bool read_stored(struct pbkdf2 *hash, const char *stored)
{
	static const char django[] = "pbkdf2_sha256$", passlib[] = "$pbkdf2-sha256$";

	if (strncmp(stored, django, strlen(django)) == 0)
		return read_django(hash, stored + strlen(django));
	if (strncmp(stored, passlib, strlen(passlib)) == 0)
		return read_passlib(hash, stored + strlen(passlib));
	return false;
}

bool hash_foreign_matches(const char *secret, const char *stored, bool *is_known_out)
{
	struct pbkdf2 hash = { 0 };
	unsigned char key[KEY_LEN];
	bool ok;

	*is_known_out = read_stored(&hash, stored);
	if (!*is_known_out)
		return false;
	ok = PKCS5_PBKDF2_HMAC(secret, (int)strlen(secret), hash.salt, (int)hash.salt_len,
			       hash.iterations, EVP_sha256(), KEY_LEN, key) == 1 &&
	     CRYPTO_memcmp(key, hash.key, KEY_LEN) == 0;
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(&hash, sizeof(hash));
	return ok;
}
