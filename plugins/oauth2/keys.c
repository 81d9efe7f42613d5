/* SPDX-License-Identifier: Apache-2.0 */
/* Which key is meant is decided by what the algorithm needs, never by what the token would like. */
#include "keys.h"

#include "base64url.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <pintle/status.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048 /* of a modulus: less can be broken */
#define RSA_LEN_MAX 1024  /* bytes of it: more costs the time of a worker */
#define EXPONENT_LEN_MAX 4
#define POINT_LEN_MAX 97

/* What a key must be for an algorithm; crv is NULL for RSA. */
static const struct kind {
	const char *alg, *kty, *crv, *group;
	size_t len; /* of a coordinate */
} kinds[] = {
	{ "RS256", "RSA", NULL, NULL, 0 },           { "RS384", "RSA", NULL, NULL, 0 },
	{ "RS512", "RSA", NULL, NULL, 0 },           { "ES256", "EC", "P-256", "prime256v1", 32 },
	{ "ES384", "EC", "P-384", "secp384r1", 48 },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *kind_of(const char *alg)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (strcmp(kinds[i].alg, alg) == 0)
			return &kinds[i];
	}
	return NULL;
}

bool keys_takes(const char *alg)
{
	return kind_of(alg) != NULL;
}

/* ---- Which key ---- */

static bool says(const json_t *key, const char *name, const char *wanted)
{
	const char *text = json_string_value(json_object_get(key, name));

	return text && strcmp(text, wanted) == 0;
}

static bool may_say(const json_t *key, const char *name, const char *wanted)
{
	return !json_object_get(key, name) || says(key, name, wanted);
}

static bool may_verify(const json_t *key)
{
	const json_t *ops = json_object_get(key, "key_ops"), *op;
	size_t i;

	json_array_foreach(ops, i, op) {
		if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0)
			return true;
	}
	return !ops;
}

static bool fits(const json_t *key, const struct kind *kind)
{
	return says(key, "kty", kind->kty) && (!kind->crv || says(key, "crv", kind->crv)) &&
	       may_say(key, "use", "sig") && may_say(key, "alg", kind->alg) && may_verify(key);
}

static const json_t *only_key(const json_t *set, const struct kind *kind, const char *kid)
{
	const json_t *keys = json_object_get(set, "keys"), *key, *found = NULL;
	size_t i;

	json_array_foreach(keys, i, key) {
		if (!fits(key, kind) || (*kid && !says(key, "kid", kid)))
			continue;
		if (found)
			return NULL;
		found = key;
	}
	return found;
}

bool keys_is_set(const json_t *json)
{
	const json_t *keys = json_object_get(json, "keys"), *key;
	size_t i;

	json_array_foreach(keys, i, key) {
		for (size_t n = 0; n < N_KINDS; n++)
			if (fits(key, &kinds[n]))
				return true;
	}
	return false;
}

/* ---- The key itself ---- */

static bool read_bytes(const json_t *key, const char *name, unsigned char *out, size_t max,
		       size_t *len_out)
{
	const json_t *text = json_object_get(key, name);

	*len_out = 0;
	return json_is_string(text) &&
	       base64url_read(json_string_value(text), json_string_length(text), out, max, len_out);
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = params ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
	EVP_PKEY *key = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params); /* or NULL */
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *make_rsa(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = make_key("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

/* A modulus of full length, and an exponent that is odd and not 1: with 1, everything is a signature. */
static bool is_sound(const BIGNUM *n, const BIGNUM *e)
{
	return BN_num_bits(n) >= RSA_BITS_MIN && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e);
}

static EVP_PKEY *read_rsa(const json_t *json)
{
	unsigned char n_bytes[RSA_LEN_MAX], e_bytes[EXPONENT_LEN_MAX];
	size_t n_len, e_len;
	EVP_PKEY *key = NULL;
	BIGNUM *n, *e;

	if (!read_bytes(json, "n", n_bytes, sizeof(n_bytes), &n_len) ||
	    !read_bytes(json, "e", e_bytes, sizeof(e_bytes), &e_len))
		return NULL;
	n = BN_bin2bn(n_bytes, (int)n_len, NULL);
	e = BN_bin2bn(e_bytes, (int)e_len, NULL);
	if (n && e && is_sound(n, e))
		key = make_rsa(n, e);
	BN_free(n);
	BN_free(e);
	return key;
}

/* OpenSSL refuses a point that is not on its curve. */
static EVP_PKEY *read_ec(const json_t *json, const struct kind *kind)
{
	unsigned char point[POINT_LEN_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
	size_t x_len, y_len;
	OSSL_PARAM_BLD *builder;
	EVP_PKEY *key = NULL;

	if (!read_bytes(json, "x", point + 1, kind->len, &x_len) ||
	    !read_bytes(json, "y", point + 1 + kind->len, kind->len, &y_len) ||
	    x_len != kind->len || y_len != kind->len)
		return NULL;
	builder = OSSL_PARAM_BLD_new();
	if (builder &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, kind->group, 0) ==
		    1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point,
					     1 + 2 * kind->len) == 1)
		key = make_key("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static char *pem_of(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *text = NULL;
	long len;

	if (bio && PEM_write_bio_PUBKEY(bio, key) == 1) {
		len = BIO_get_mem_data(bio, &bytes);
		text = strndup(bytes, (size_t)len);
	}
	BIO_free(bio);
	return text;
}

int32_t keys_pem(const json_t *set, const char *alg, const char *kid, char **pem_out)
{
	const struct kind *kind = kind_of(alg);
	const json_t *json = kind ? only_key(set, kind, kid) : NULL;
	EVP_PKEY *key = NULL;

	*pem_out = NULL;
	if (json)
		key = kind->crv ? read_ec(json, kind) : read_rsa(json);
	if (!key) {
		ERR_clear_error(); /* of this thread, which speaks TLS elsewhere */
		return PINTLE_NOT_FOUND;
	}
	*pem_out = pem_of(key);
	EVP_PKEY_free(key);
	return *pem_out ? PINTLE_OK : PINTLE_INTERNAL;
}
