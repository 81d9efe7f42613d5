/* SPDX-License-Identifier: Apache-2.0 */
#include "sign.h"

#include <pintle/gateway.h>

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM "TC3-HMAC-SHA256"
#define HEADERS "content-type;host;x-tc-action"
#define SHA256_HEX (2 * SHA256_DIGEST_LENGTH + 1)
#define SECRET_MAX 256
#define NAME_MAX_LEN 256 /* of a host or an action */
#define DATE_LEN sizeof("2019-02-25")
#define SCOPE_LEN 64

/* ---- Hashes ---- */

static bool sha256_hex(const char *text, char out[SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL))
		return false;
	pintle_hex(digest, len, out);
	return true;
}

/* key becomes the MAC of text under it. */
static bool derive(unsigned char key[SHA256_DIGEST_LENGTH], const char *text)
{
	unsigned char mac[SHA256_DIGEST_LENGTH];
	bool ok = HMAC(EVP_sha256(), key, SHA256_DIGEST_LENGTH, (const unsigned char *)text,
		       strlen(text), mac, NULL) != NULL;

	memcpy(key, mac, sizeof(mac));
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok;
}

/* ---- The steps of the signature ---- */

static bool lower(const char *text, char out[NAME_MAX_LEN])
{
	size_t len = strlen(text);

	if (len >= NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	return true;
}

static bool canonical_sha256(const struct sign_tc3 *request, char out[SHA256_HEX])
{
	char host[NAME_MAX_LEN], action[NAME_MAX_LEN], body[SHA256_HEX], *text;
	bool ok;

	if (!lower(request->host, host) || !lower(request->action, action) ||
	    !sha256_hex(request->body, body))
		return false;
	if (asprintf(&text,
		     "POST\n/\n\n"
		     "content-type:" SIGN_CONTENT_TYPE "\nhost:%s\nx-tc-action:%s\n\n" HEADERS
		     "\n%s",
		     host, action, body) < 0)
		return false;
	ok = sha256_hex(text, out);
	free(text);
	return ok;
}

/* The MAC of text under the key of this day and service. */
static bool mac_hex(const char *secret_key, const char *date, const char *service, const char *text,
		    char out[SHA256_HEX])
{
	char start[SECRET_MAX + sizeof("TC3")];
	int len = snprintf(start, sizeof(start), "TC3%s", secret_key);
	unsigned char key[SHA256_DIGEST_LENGTH];
	bool ok = len < (int)sizeof(start) &&
		  HMAC(EVP_sha256(), start, len, (const unsigned char *)date, strlen(date), key,
		       NULL) &&
		  derive(key, service) && derive(key, "tc3_request") && derive(key, text);

	if (ok)
		pintle_hex(key, sizeof(key), out);
	OPENSSL_cleanse(start, sizeof(start));
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

bool sign_tc3(const char *secret_id, const char *secret_key, const struct sign_tc3 *request,
	      char out[SIGN_AUTHORIZATION_LEN])
{
	char date[DATE_LEN], scope[SCOPE_LEN], canonical[SHA256_HEX], mac[SHA256_HEX];
	char text[sizeof(ALGORITHM) + SCOPE_LEN + SHA256_HEX + 32];
	time_t now = (time_t)request->time_s;
	struct tm utc;
	int len;

	if (!gmtime_r(&now, &utc) || !strftime(date, sizeof(date), "%Y-%m-%d", &utc) ||
	    !canonical_sha256(request, canonical))
		return false;
	(void)snprintf(scope, sizeof(scope), "%s/%s/tc3_request", date, request->service);
	(void)snprintf(text, sizeof(text), ALGORITHM "\n%lld\n%s\n%s", (long long)request->time_s,
		       scope, canonical);
	if (!mac_hex(secret_key, date, request->service, text, mac))
		return false;
	len = snprintf(out, SIGN_AUTHORIZATION_LEN,
		       ALGORITHM " Credential=%s/%s, SignedHeaders=" HEADERS ", Signature=%s",
		       secret_id, scope, mac);
	return len < SIGN_AUTHORIZATION_LEN;
}
