/* SPDX-License-Identifier: Apache-2.0 */
/* bcrypt and argon2id to make; those and the methods of crypt(5) to verify, with bounds on their cost. */
#include "hash_scheme.h"

#include "rng.h"
#include "xalloc.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BCRYPT_SECRET_MAX 72 /* bytes; libxcrypt silently drops what is beyond */
#define SALT_LEN 16
#define ARGON2_HASH_LEN 32

/* What a stored hash may cost: anything dearer is an attack on the machine, not a secret. */
#define BCRYPT_COST_MIN 4
#define BCRYPT_COST_MAX 14
#define SHA_CRYPT_ROUNDS_MAX 500000
#define ARGON2_KIB_MAX (256 * 1024)
#define ARGON2_PASSES_MAX 10
#define ARGON2_LANES_MAX 8

/* What is made is bounded from below too; tests make the cheapest there is. */
#ifdef PINTLE_TEST
#define MAKE_COST_MIN BCRYPT_COST_MIN
#define MAKE_KIB_MIN 64
#else
#define MAKE_COST_MIN 10
#define MAKE_KIB_MIN 7168 /* OWASP's least, with 5 passes */
#endif

/* Digits, then the character end, which is stepped over. */
static bool read_number(const char **text, char end, uint32_t min, uint32_t max, uint32_t *out)
{
	uint32_t number = 0;
	const char *at = *text;

	for (; *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (uint32_t)(*at - '0');
		if (number > max)
			return false;
	}
	if (at == *text || *at != end || number < min)
		return false;
	*text = end ? at + 1 : at;
	*out = number;
	return true;
}

static bool skip(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len) != 0)
		return false;
	*text += len;
	return true;
}

bool hash_setting_read(struct hash_setting *setting, const char *text)
{
	*setting = (struct hash_setting){ .is_bcrypt = skip(&text, "bcrypt:") };
	if (setting->is_bcrypt)
		return read_number(&text, '\0', MAKE_COST_MIN, BCRYPT_COST_MAX, &setting->cost);
	return skip(&text, "argon2id:") &&
	       read_number(&text, ':', MAKE_KIB_MIN, ARGON2_KIB_MAX, &setting->kib) &&
	       read_number(&text, ':', 1, ARGON2_PASSES_MAX, &setting->passes) &&
	       read_number(&text, '\0', 1, ARGON2_LANES_MAX, &setting->lanes) &&
	       setting->kib >= 8 * setting->lanes;
}

bool hash_fits(const struct hash_setting *setting, const char *secret)
{
	return !setting->is_bcrypt || strlen(secret) <= BCRYPT_SECRET_MAX;
}

/* The text crypt(3) gives for secret under salt, which may be a whole hash. */
static bool run_crypt(const char *secret, const char *salt, char out[HASHER_TEXT_MAX])
{
	struct crypt_data *state = xcalloc(1, sizeof(*state)); /* 32 KiB: too much for a stack */
	const char *made = crypt_rn(secret, salt, state, (int)sizeof(*state));
	bool ok = made && made[0] != '*' && strlen(made) < HASHER_TEXT_MAX;

	if (ok)
		memcpy(out, made, strlen(made) + 1);
	OPENSSL_cleanse(state, sizeof(*state));
	free(state);
	return ok;
}

static bool make_bcrypt(const struct hash_setting *setting, const char *secret,
			char out[HASHER_TEXT_MAX])
{
	char bytes[SALT_LEN], salt[CRYPT_GENSALT_OUTPUT_SIZE];

	return rng_bytes(bytes, sizeof(bytes)) &&
	       crypt_gensalt_rn("$2b$", setting->cost, bytes, sizeof(bytes), salt, sizeof(salt)) &&
	       run_crypt(secret, salt, out);
}

static bool make_argon2id(const struct hash_setting *setting, const char *secret,
			  char out[HASHER_TEXT_MAX])
{
	char salt[SALT_LEN];

	return rng_bytes(salt, sizeof(salt)) &&
	       argon2id_hash_encoded(setting->passes, setting->kib, setting->lanes, secret,
				     strlen(secret), salt, sizeof(salt), ARGON2_HASH_LEN, out,
				     HASHER_TEXT_MAX) == ARGON2_OK;
}

bool hash_make(const struct hash_setting *setting, const char *secret, char out[HASHER_TEXT_MAX])
{
	return setting->is_bcrypt ? make_bcrypt(setting, secret, out)
				  : make_argon2id(setting, secret, out);
}

bool hash_is_current(const struct hash_setting *setting, const char *stored)
{
	char prefix[64];

	if (setting->is_bcrypt)
		(void)snprintf(prefix, sizeof(prefix), "$2b$%02u$", setting->cost);
	else
		(void)snprintf(prefix, sizeof(prefix), "$argon2id$v=19$m=%u,t=%u,p=%u$",
			       setting->kib, setting->passes, setting->lanes);
	return strncmp(stored, prefix, strlen(prefix)) == 0;
}

static bool is_bcrypt_known(const char *stored)
{
	uint32_t cost;

	if (!skip(&stored, "$2a$") && !skip(&stored, "$2b$") && !skip(&stored, "$2y$"))
		return false;
	return read_number(&stored, '$', BCRYPT_COST_MIN, BCRYPT_COST_MAX, &cost);
}

static bool is_sha_crypt_known(const char *stored)
{
	uint32_t rounds;

	if (!skip(&stored, "$5$") && !skip(&stored, "$6$"))
		return false;
	return !skip(&stored, "rounds=") ||
	       read_number(&stored, '$', 1000, SHA_CRYPT_ROUNDS_MAX, &rounds);
}

/* "$y$", the flavour 'j', a character for the memory and one for the block size. As crypt_gensalt
 * makes them, 'D' is 256 MiB. */
static bool is_yescrypt_known(const char *stored)
{
	return skip(&stored, "$y$j") && stored[0] && strchr("56789ABCD", stored[0]) &&
	       (stored[1] == '5' || stored[1] == 'T') && stored[2] == '$';
}

static bool matches_crypt(const char *secret, const char *stored)
{
	char made[HASHER_TEXT_MAX];
	bool ok = run_crypt(secret, stored, made) && strlen(made) == strlen(stored) &&
		  CRYPTO_memcmp(made, stored, strlen(made)) == 0;

	OPENSSL_cleanse(made, sizeof(made));
	return ok;
}

static bool is_argon2_known(const char *stored, argon2_type *type)
{
	uint32_t version, kib, passes, lanes;

	if (skip(&stored, "$argon2id$"))
		*type = Argon2_id;
	else if (skip(&stored, "$argon2i$"))
		*type = Argon2_i;
	else
		return false;
	if (skip(&stored, "v=") && !read_number(&stored, '$', 16, 19, &version))
		return false;
	return skip(&stored, "m=") && read_number(&stored, ',', 8, ARGON2_KIB_MAX, &kib) &&
	       skip(&stored, "t=") && read_number(&stored, ',', 1, ARGON2_PASSES_MAX, &passes) &&
	       skip(&stored, "p=") && read_number(&stored, '$', 1, ARGON2_LANES_MAX, &lanes);
}

bool hash_matches(const char *secret, const char *stored, bool *is_known_out)
{
	bool is_bcrypt = is_bcrypt_known(stored);
	argon2_type type;

	*is_known_out = strlen(stored) < HASHER_TEXT_MAX;
	if (!*is_known_out)
		return false;
	if (is_bcrypt && strlen(secret) > BCRYPT_SECRET_MAX) {
		*is_known_out = false; /* it could only be compared in part */
		return false;
	}
	if (is_bcrypt || is_sha_crypt_known(stored) || is_yescrypt_known(stored))
		return matches_crypt(secret, stored);
	if (is_argon2_known(stored, &type))
		return argon2_verify(stored, secret, strlen(secret), type) == ARGON2_OK;
	return hash_foreign_matches(secret, stored, is_known_out);
}
