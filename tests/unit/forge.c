/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"

#include "base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#define SIGNATURE_MAX 1024

EVP_PKEY *forge_rsa, *forge_p256, *forge_p384;

EVP_PKEY *forge_pair(const char *kind, unsigned bits)
{
	EVP_PKEY *pair = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(bits) : EVP_EC_gen(kind);

	assert_non_null(pair);
	return pair;
}

int forge_set_up(void **state)
{
	(void)state;
	forge_rsa = forge_pair("RSA", 2048);
	forge_p256 = forge_pair("P-256", 0);
	forge_p384 = forge_pair("P-384", 0);
	return 0;
}

int forge_tear_down(void **state)
{
	(void)state;
	EVP_PKEY_free(forge_rsa);
	EVP_PKEY_free(forge_p256);
	EVP_PKEY_free(forge_p384);
	return 0;
}

/* ---- Keys ---- */

static json_t *number(EVP_PKEY *pair, const char *param, int len)
{
	uint8_t bytes[SIGNATURE_MAX];
	char text[BASE64_LEN(SIGNATURE_MAX) + 1];
	BIGNUM *big = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(pair, param, &big), 1);
	len = BN_bn2binpad(big, bytes, len ? len : BN_num_bytes(big));
	BN_free(big);
	assert_true(len > 0);
	return json_stringn(text, base64url_encode(bytes, (size_t)len, text));
}

json_t *forge_jwk(EVP_PKEY *pair, const char *kid)
{
	int len = (EVP_PKEY_get_bits(pair) + 7) / 8;
	json_t *jwk;

	if (EVP_PKEY_is_a(pair, "RSA"))
		jwk = json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n",
				number(pair, OSSL_PKEY_PARAM_RSA_N, 0), "e",
				number(pair, OSSL_PKEY_PARAM_RSA_E, 0));
	else
		jwk = json_pack("{s:s, s:s, s:o, s:o}", "kty", "EC", "crv",
				len == 32 ? "P-256" : "P-384", "x",
				number(pair, OSSL_PKEY_PARAM_EC_PUB_X, len), "y",
				number(pair, OSSL_PKEY_PARAM_EC_PUB_Y, len));
	assert_non_null(jwk);
	if (kid)
		(void)json_object_set_new(jwk, "kid", json_string(kid));
	return jwk;
}

const char *forge_pem(struct arena *arena, EVP_PKEY *pair)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *text;
	char *bytes;
	long len;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, pair), 1);
	len = BIO_get_mem_data(bio, &bytes);
	text = arena_copy(arena, bytes, (size_t)len);
	BIO_free(bio);
	return text;
}

/* ---- Tokens ---- */

static const char *encoded(struct arena *arena, const void *bytes, size_t len)
{
	char *text = arena_alloc(arena, BASE64_LEN(len) + 1);

	(void)base64url_encode(bytes, len, text);
	return text;
}

static const char *head_and_payload(struct arena *arena, const char *header, const char *payload)
{
	return arena_printf(arena, "%s.%s", encoded(arena, header, strlen(header)),
			    encoded(arena, payload, strlen(payload)));
}

const char *forge_parts(struct arena *arena, const char *header, const char *payload,
			const char *signature)
{
	return arena_printf(arena, "%s.%s", head_and_payload(arena, header, payload), signature);
}

/* Two numbers of full length, which OpenSSL has as DER. */
static size_t as_numbers(uint8_t *signature, size_t len, int coordinate)
{
	const uint8_t *der = signature;
	ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)len);

	assert_non_null(numbers);
	assert_true(BN_bn2binpad(ECDSA_SIG_get0_r(numbers), signature, coordinate) > 0);
	assert_true(BN_bn2binpad(ECDSA_SIG_get0_s(numbers), signature + coordinate, coordinate) >
		    0);
	ECDSA_SIG_free(numbers);
	return 2 * (size_t)coordinate;
}

const char *forge_token(struct arena *arena, EVP_PKEY *pair, const char *digest, const char *header,
			const char *payload)
{
	const char *text = head_and_payload(arena, header, payload);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[SIGNATURE_MAX];
	size_t len = sizeof(signature);

	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, pair, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const uint8_t *)text, strlen(text)),
			 1);
	EVP_MD_CTX_free(ctx);
	if (!EVP_PKEY_is_a(pair, "RSA"))
		len = as_numbers(signature, len, (EVP_PKEY_get_bits(pair) + 7) / 8);
	return arena_printf(arena, "%s.%s", text, encoded(arena, signature, len));
}

const char *forge_hs256(struct arena *arena, const char *secret, const char *header,
			const char *payload)
{
	const char *text = head_and_payload(arena, header, payload);
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	assert_non_null(HMAC(EVP_sha256(), secret, (int)strlen(secret), (const uint8_t *)text,
			     strlen(text), mac, &len));
	return arena_printf(arena, "%s.%s", text, encoded(arena, mac, len));
}
