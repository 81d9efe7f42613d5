/* SPDX-License-Identifier: Apache-2.0 */
#include "sign.h"

#include <pintle/gateway.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "ACS3-HMAC-SHA256"
#define SHA256_HEX (2 * SHA256_DIGEST_LENGTH + 1)
#define SECRET_MAX 256

/* ---- Parameters ---- */

static int by_name(const void *one, const void *other)
{
	return strcmp(((const struct sign_param *)one)->name,
		      ((const struct sign_param *)other)->name);
}

char *sign_query(struct sign_param *params, size_t n_params)
{
	char *query = NULL;
	size_t len;
	FILE *out = open_memstream(&query, &len);

	if (!out)
		return NULL;
	qsort(params, n_params, sizeof(*params), by_name);
	for (size_t i = 0; i < n_params; i++) {
		if (i > 0)
			(void)fputc('&', out);
		pintle_put_encoded(out, params[i].name);
		(void)fputc('=', out);
		pintle_put_encoded(out, params[i].value);
	}
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		return query;
	free(query);
	return NULL;
}

/* ---- Version 1.0 ---- */

/* Encoded for the second time: parameters within a parameter. */
static char *rpc_text(const char *method, const char *query)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	(void)fprintf(out, "%s&%%2F&", method);
	pintle_put_encoded(out, query);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

bool sign_rpc(const char *secret, const char *method, const char *query, char out[SIGN_RPC_LEN])
{
	char key[SECRET_MAX + 2], *text = rpc_text(method, query);
	int key_len = snprintf(key, sizeof(key), "%s&", secret);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	bool ok;

	ok = text && key_len < (int)sizeof(key) &&
	     HMAC(EVP_sha1(), key, key_len, (unsigned char *)text, strlen(text), mac, &mac_len);
	if (ok)
		(void)EVP_EncodeBlock((unsigned char *)out, mac, (int)mac_len);
	OPENSSL_cleanse(key, sizeof(key));
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	return ok;
}

/* ---- Version 3 ---- */

static bool sha256_hex(const char *text, char out[SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL))
		return false;
	pintle_hex(digest, len, out);
	return true;
}

static bool canonical_sha256(const struct sign_acs3 *request, char out[SHA256_HEX])
{
	char *text;
	int len = asprintf(
		&text,
		"%s\n/\n%s\n"
		"host:%s\nx-acs-action:%s\nx-acs-content-sha256:" SIGN_EMPTY_SHA256 "\n"
		"x-acs-date:%s\nx-acs-signature-nonce:%s\nx-acs-version:%s\n\n" SIGN_ACS3_HEADERS
		"\n" SIGN_EMPTY_SHA256,
		request->method, request->query, request->host, request->action, request->date,
		request->nonce, request->version);
	bool ok;

	if (len < 0)
		return false;
	ok = sha256_hex(text, out);
	OPENSSL_cleanse(text, (size_t)len);
	free(text);
	return ok;
}

bool sign_acs3(const char *key_id, const char *secret, const struct sign_acs3 *request,
	       char out[SIGN_AUTHORIZATION_LEN])
{
	char canonical[SHA256_HEX], text[sizeof(ALGORITHM) + SHA256_HEX], hex[SHA256_HEX];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	int len;

	if (!canonical_sha256(request, canonical))
		return false;
	(void)snprintf(text, sizeof(text), ALGORITHM "\n%s", canonical);
	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)text, strlen(text),
		  mac, &mac_len))
		return false;
	pintle_hex(mac, mac_len, hex);
	len = snprintf(out, SIGN_AUTHORIZATION_LEN,
		       ALGORITHM " Credential=%s,SignedHeaders=" SIGN_ACS3_HEADERS ",Signature=%s",
		       key_id, hex);
	return len < SIGN_AUTHORIZATION_LEN;
}
