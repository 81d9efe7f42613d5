/* SPDX-License-Identifier: Apache-2.0 */
#include "jwk.h"

#include "base64.h"
#include "xalloc.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COORDINATE_LEN 32
#define DER_SIGNATURE_MAX 80 /* of P-256: two numbers of 33 bytes and their heads */

EVP_PKEY *jwk_pair_new(void)
{
	return EVP_EC_gen("P-256");
}

static int no_passphrase(char *out, int max, int is_writing, void *arg)
{
	(void)out;
	(void)max;
	(void)is_writing;
	(void)arg;
	return -1;
}

static bool is_p256(const EVP_PKEY *pair)
{
	char curve[32];

	return EVP_PKEY_get_group_name(pair, curve, sizeof(curve), NULL) == 1 &&
	       OBJ_txt2nid(curve) == NID_X9_62_prime256v1;
}

EVP_PKEY *jwk_pair_read(const char *pem, size_t len)
{
	BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	EVP_PKEY *pair = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	if (pair && is_p256(pair))
		return pair;
	EVP_PKEY_free(pair);
	return NULL;
}

/* What was written to bio as text on the heap; bio is wiped and freed. */
static char *bio_take(BIO *bio, size_t *len_out)
{
	char *bytes, *text;
	long len = BIO_get_mem_data(bio, &bytes);

	text = xstrndup(bytes, (size_t)len);
	*len_out = (size_t)len;
	OPENSSL_cleanse(bytes, (size_t)len);
	BIO_free(bio);
	return text;
}

char *jwk_private_pem(EVP_PKEY *pair, size_t *len_out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL) != 1)
		out_of_memory(); /* nothing else makes it fail */
	return bio_take(bio, len_out);
}

char *jwk_public_pem(EVP_PKEY *pair, size_t *len_out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || PEM_write_bio_PUBKEY(bio, pair) != 1)
		out_of_memory(); /* nothing else makes it fail */
	return bio_take(bio, len_out);
}

/* One coordinate of the public point, always of full length. */
static json_t *coordinate(EVP_PKEY *pair, const char *name)
{
	uint8_t bytes[COORDINATE_LEN];
	char text[BASE64_LEN(COORDINATE_LEN) + 1];
	BIGNUM *number = NULL;

	if (EVP_PKEY_get_bn_param(pair, name, &number) != 1 ||
	    BN_bn2binpad(number, bytes, sizeof(bytes)) != sizeof(bytes))
		out_of_memory(); /* a P-256 key has both */
	BN_free(number);
	return json_stringn(text, base64url_encode(bytes, sizeof(bytes), text));
}

json_t *jwk_members(EVP_PKEY *pair)
{
	return json_pack("{s:s, s:s, s:o, s:o}", "crv", "P-256", "kty", "EC", "x",
			 coordinate(pair, OSSL_PKEY_PARAM_EC_PUB_X), "y",
			 coordinate(pair, OSSL_PKEY_PARAM_EC_PUB_Y));
}

/* r and s of the form OpenSSL signs in, as two numbers of full length. */
static bool signature_numbers(const uint8_t *der, size_t len, uint8_t out[JWK_SIGNATURE_LEN])
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool ok =
		signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, COORDINATE_LEN) > 0 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + COORDINATE_LEN, COORDINATE_LEN) > 0;

	ECDSA_SIG_free(signature);
	return ok;
}

bool jwk_sign(EVP_PKEY *pair, const char *text, size_t len, uint8_t out[JWK_SIGNATURE_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[DER_SIGNATURE_MAX];
	size_t der_len = sizeof(der);
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pair) == 1 &&
		  EVP_DigestSign(ctx, der, &der_len, (const uint8_t *)text, len) == 1 &&
		  signature_numbers(der, der_len, out);

	EVP_MD_CTX_free(ctx);
	return ok;
}

void jwk_thumbprint(const json_t *members, char out[JWK_THUMBPRINT_LEN + 1])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char *text = json_dumps(members, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		out_of_memory();
	SHA256((const uint8_t *)text, strlen(text), digest);
	free(text);
	(void)base64url_encode(digest, sizeof(digest), out);
}
