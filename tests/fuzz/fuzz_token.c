/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses what the rest is: a whole token; a header, or a payload, of a token whose
 * other parts are right and which is signed for real; a refresh token. Nothing may be read of a whole
 * token or a refresh token that was not made here.
 */
#include "token.h"

#include "base64.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define PAYLOAD                                                                                    \
	"{\"iss\":\"i\",\"sub\":\"u\",\"aud\":\"a\",\"exp\":4102444800,\"iat\":1,\"jti\":\"j\","   \
	"\"sid\":\"s\",\"typ\":\"access\"}"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct token_settings settings = {
	.issuer = "i",
	.audience = "a",
	.jwt_secret = SECRET,
	.access_ttl_ms = 1000,
};

static const char *encode(struct arena *arena, const void *bytes, size_t len)
{
	char *text = arena_alloc(arena, BASE64_LEN(len) + 1);

	(void)base64url_encode(bytes, len, text);
	return text;
}

static void verify(const struct keyring *keyring, struct arena *arena, const char *header,
		   const char *payload)
{
	const char *text = arena_printf(arena, "%s.%s", header, payload);
	struct token_claims claims;
	uint8_t mac[32];

	(void)HMAC(EVP_sha256(), SECRET, strlen(SECRET), (const uint8_t *)text, strlen(text), mac,
		   NULL);
	text = arena_printf(arena, "%s.%s", text, encode(arena, mac, sizeof(mac)));
	if (token_verify(keyring, &settings, text, strlen(text), TOKEN_ACCESS, &claims) &&
	    claims.exp <= 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const secrets[] = { "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
					       NULL };
	static struct keyring *keyring;
	static struct seal *seal;
	struct arena arena = { 0 };
	struct token_claims claims;
	const char *header, *text;
	char sid[64];
	int64_t generation;
	struct err err;

	if (!keyring)
		keyring = keyring_new(&settings, NULL, &err);
	if (!seal)
		seal = seal_new(secrets, NULL, &err);
	if (len == 0)
		return 0;
	text = arena_copy(&arena, bytes + 1, len - 1);
	header = arena_printf(&arena, "{\"alg\":\"HS256\",\"kid\":\"%s\"}",
			      keyring_current(keyring)->kid);
	switch (bytes[0]) {
	case 'h':
		verify(keyring, &arena, encode(&arena, text, len - 1),
		       encode(&arena, PAYLOAD, strlen(PAYLOAD)));
		break;
	case 'p':
		verify(keyring, &arena, encode(&arena, header, strlen(header)),
		       encode(&arena, text, len - 1));
		break;
	case 'r':
		if (token_refresh_read(seal, text, sid, &generation))
			abort();
		break;
	default:
		if (token_verify(keyring, &settings, text, len - 1, TOKEN_ACCESS, &claims))
			abort();
	}
	arena_fini(&arena);
	return 0;
}
