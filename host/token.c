/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libjwt builds tokens and checks signatures, nothing more: it takes algorithm and trust from the
 * token itself. So everything of a token is read and pinned here before libjwt sees it, and its
 * claims are read here after.
 */
#include "token.h"

#include "base64.h"
#include "clock.h"
#include "json.h"
#include "jwk.h"
#include "rng.h"
#include "slice.h"

#include <assert.h>
#include <inttypes.h>
#include <jwt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKEW_S 60
#define REFRESH_VERSION "r1."
#define COOKIE_VERSION "c1."

static const char *const kind_names[] = { [TOKEN_ACCESS] = "access", [TOKEN_MFA] = "mfa" };

/* ---- Issue ---- */

static bool add_claims(jwt_t *jwt, const struct token_settings *settings,
		       const struct token_claims *claims)
{
	return jwt_add_grant(jwt, "iss", settings->issuer) == 0 &&
	       jwt_add_grant(jwt, "sub", claims->sub) == 0 &&
	       jwt_add_grant(jwt, "aud", settings->audience) == 0 &&
	       jwt_add_grant_int(jwt, "exp", claims->exp) == 0 &&
	       jwt_add_grant_int(jwt, "iat", claims->iat) == 0 &&
	       jwt_add_grant(jwt, "jti", claims->jti) == 0 &&
	       jwt_add_grant(jwt, "sid", claims->sid) == 0 &&
	       jwt_add_grant(jwt, "typ", kind_names[claims->kind]) == 0;
}

/* libjwt would read the PEM anew for each signature, which takes far longer than to sign. */
static char *sign_with_pair(jwt_t *jwt, EVP_PKEY *pair, struct arena *arena)
{
	char *plain = jwt_dump_str(jwt, 0), *text;
	const char *dot = plain ? strchr(plain, '.') : NULL; /* none stands in a header of ours */
	uint8_t signature[JWK_SIGNATURE_LEN];
	size_t len;

	if (!dot)
		return NULL;
	text = arena_alloc(arena, BASE64_LEN(strlen(plain)) + BASE64_LEN(sizeof(signature)) + 4);
	len = base64url_encode(plain, (size_t)(dot - plain), text);
	text[len++] = '.';
	len += base64url_encode(dot + 1, strlen(dot + 1), text + len);
	free(plain);
	if (!jwk_sign(pair, text, len, signature))
		return NULL;
	text[len++] = '.';
	(void)base64url_encode(signature, sizeof(signature), text + len);
	return text;
}

static char *sign_with_secret(jwt_t *jwt, struct arena *arena)
{
	char *encoded = jwt_encode_str(jwt), *text = arena_strdup(arena, encoded);

	free(encoded);
	return text;
}

char *token_issue(const struct keyring *keyring, const struct token_settings *settings,
		  struct arena *arena, struct token_claims *claims)
{
	const struct keyring_key *key = keyring_current(keyring);
	char *text = NULL;
	jwt_t *jwt = NULL;

	claims->iat = clock_now_ms() / 1000;
	if (claims->exp == 0)
		claims->exp = claims->iat + settings->access_ttl_ms / 1000;
	if (!rng_id(claims->jti) || jwt_new(&jwt) != 0)
		return NULL;
	if (jwt_set_alg(jwt, (jwt_alg_t)key->alg, key->sign, (int)key->sign_len) != 0 ||
	    jwt_add_header(jwt, "kid", key->kid) != 0 || !add_claims(jwt, settings, claims))
		goto out;
	text = key->pair ? sign_with_pair(jwt, key->pair, arena) : sign_with_secret(jwt, arena);
	if (text && strlen(text) > TOKEN_MAX)
		text = NULL;
out:
	jwt_free(jwt);
	return text;
}

/* ---- Verify ---- */

/* The header and the claims, lent from the arena they were decoded into. */
struct parts {
	struct slice header, payload;
	size_t signature_len;
};

/* The bytes of one part: not empty and in the only spelling they have. */
static bool decode_part(struct arena *arena, const char *text, size_t len, struct slice *out)
{
	char *bytes = arena_alloc(arena, len + 1);

	out->ptr = bytes;
	return base64url_decode(text, len, bytes, len, &out->len) && out->len > 0;
}

/* Three parts between two dots; another dot is no base64url. */
static bool split(struct arena *arena, const char *text, size_t len, struct parts *out)
{
	const char *end = text + len;
	const char *first = memchr(text, '.', len);
	const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
	struct slice signature;

	if (!second || !decode_part(arena, text, (size_t)(first - text), &out->header) ||
	    !decode_part(arena, first + 1, (size_t)(second - first - 1), &out->payload) ||
	    !decode_part(arena, second + 1, (size_t)(end - second - 1), &signature))
		return false;
	out->signature_len = signature.len;
	return true;
}

static json_t *parse_object(struct slice text)
{
	const char *why;
	json_t *json = json_parse(text.ptr, text.len, &why);

	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static bool is_text(const json_t *object, const char *name, const char *wanted)
{
	const char *text = json_text_member(object, name);

	return text && strcmp(text, wanted) == 0;
}

/* The key a header names: ours says alg, kid and perhaps typ, so one that says more (crit, jwk,
 * jku, x5u …) is not ours. */
static const struct keyring_key *pinned_key(const struct keyring *keyring, struct slice text)
{
	json_t *header = parse_object(text);
	const char *kid = json_text_member(header, "kid");
	bool has_typ = json_object_get(header, "typ") != NULL;
	const struct keyring_key *key = NULL;

	if (kid && is_text(header, "alg", keyring_alg_name(keyring)) &&
	    (!has_typ || is_text(header, "typ", "JWT")) &&
	    json_object_size(header) == (has_typ ? 3 : 2))
		key = keyring_find(keyring, kid);
	json_decref(header);
	return key;
}

static bool signature_ok(const struct keyring_key *key, const struct parts *parts, const char *text)
{
	jwt_t *jwt = NULL;
	bool ok;

	if (parts->signature_len != (key->alg == JWT_ALG_ES256 ? 64 : 32))
		return false;
	assert(key->verify && key->verify_len > 0); /* without a key libjwt accepts anything */
	ok = jwt_decode(&jwt, text, key->verify, (int)key->verify_len) == 0 && jwt &&
	     (int)jwt_get_alg(jwt) == key->alg;
	jwt_free(jwt);
	return ok;
}

static bool read_text(const json_t *object, const char *name, char *out, size_t max)
{
	const char *text = json_text_member(object, name);

	if (!text || text[0] == '\0' || strlen(text) >= max)
		return false;
	(void)strcpy(out, text);
	return true;
}

static bool read_int(const json_t *object, const char *name, int64_t *out)
{
	const json_t *number = json_object_get(object, name);

	*out = json_integer_value(number);
	return json_is_integer(number);
}

static bool claims_ok(struct slice text, const struct token_settings *settings,
		      enum token_kind kind, struct token_claims *out)
{
	int64_t now = clock_now_ms() / 1000;
	json_t *payload = parse_object(text);
	bool ok = is_text(payload, "iss", settings->issuer) &&
		  is_text(payload, "aud", settings->audience) &&
		  is_text(payload, "typ", kind_names[kind]) &&
		  read_text(payload, "sid", out->sid, sizeof(out->sid)) &&
		  read_text(payload, "sub", out->sub, sizeof(out->sub)) &&
		  read_text(payload, "jti", out->jti, sizeof(out->jti)) &&
		  read_int(payload, "iat", &out->iat) && read_int(payload, "exp", &out->exp) &&
		  out->exp > now && out->iat <= now + SKEW_S;

	out->kind = kind;
	json_decref(payload);
	return ok;
}

bool token_verify(const struct keyring *keyring, const struct token_settings *settings,
		  const char *text, size_t len, enum token_kind kind, struct token_claims *out)
{
	struct arena arena = { 0 };
	const struct keyring_key *key;
	struct parts parts;
	bool ok = false;

	if (len == 0 || len > TOKEN_MAX || !split(&arena, text, len, &parts))
		goto out;
	key = pinned_key(keyring, parts.header);
	if (!key || !signature_ok(key, &parts, arena_copy(&arena, text, len)))
		goto out;
	ok = claims_ok(parts.payload, settings, kind, out);
out:
	arena_fini(&arena);
	return ok;
}

/* ---- Texts with a MAC over what stands before the last dot ---- */

#define MAC_LEN BASE64_LEN(SEAL_MAC_LEN)

static void mac_of(const struct seal *seal, const char *label, const char *text, size_t len,
		   char out[MAC_LEN + 1])
{
	uint8_t mac[SEAL_MAC_LEN];

	seal_mac(seal, label, text, len, mac);
	(void)base64url_encode(mac, sizeof(mac), out);
}

/* Puts the MAC behind text, for which there is room. */
static void sign_text(const struct seal *seal, const char *label, char *text, size_t len)
{
	mac_of(seal, label, text, len, text + len + 1);
	text[len] = '.';
}

/* Whether text was written by sign_text. */
static bool is_signed(const struct seal *seal, const char *label, const char *text, size_t len)
{
	const char *last = memrchr(text, '.', len);
	char mac[MAC_LEN + 1];

	if (!last || (size_t)(text + len - last - 1) != MAC_LEN)
		return false;
	mac_of(seal, label, text, (size_t)(last - text), mac);
	return CRYPTO_memcmp(mac, last + 1, MAC_LEN) == 0;
}

/* ---- Refresh tokens: "r1.<sid>.<generation>.<MAC>" ---- */

void token_refresh_make(const struct seal *seal, const char *sid, int64_t generation,
			char out[TOKEN_REFRESH_MAX])
{
	int len = snprintf(out, TOKEN_REFRESH_MAX, REFRESH_VERSION "%s.%" PRId64, sid, generation);

	assert(len > 0 && (size_t)len + 1 + MAC_LEN < TOKEN_REFRESH_MAX);
	sign_text(seal, "refresh", out, (size_t)len);
}

bool token_refresh_read(const struct seal *seal, const char *text, char sid_out[64],
			int64_t *generation_out)
{
	size_t len = strnlen(text, TOKEN_REFRESH_MAX);
	int64_t generation;
	char sid[64];

	if (len == TOKEN_REFRESH_MAX || !is_signed(seal, "refresh", text, len))
		return false;
	/* From here on the text is one that token_refresh_make wrote. */
	if (sscanf(text, REFRESH_VERSION "%63[^.].%18" SCNd64 ".", sid, &generation) != 2)
		return false;
	(void)strcpy(sid_out, sid);
	*generation_out = generation;
	return true;
}

/* ---- Cookies: "c1.<sid>.<MAC>" ---- */

void token_cookie_make(const struct seal *seal, const char *sid, char out[TOKEN_COOKIE_MAX])
{
	int len = snprintf(out, TOKEN_COOKIE_MAX, COOKIE_VERSION "%s", sid);

	assert(len > 0 && (size_t)len + 1 + MAC_LEN < TOKEN_COOKIE_MAX);
	sign_text(seal, "cookie", out, (size_t)len);
}

bool token_cookie_read(const struct seal *seal, const char *text, size_t len, char sid_out[64])
{
	const size_t version_len = strlen(COOKIE_VERSION);
	size_t sid_len;

	if (len >= TOKEN_COOKIE_MAX || !is_signed(seal, "cookie", text, len) ||
	    memcmp(text, COOKIE_VERSION, version_len) != 0)
		return false;
	sid_len = len - version_len - 1 - MAC_LEN;
	if (sid_len == 0 || sid_len > 63)
		return false;
	memcpy(sid_out, text + version_len, sid_len);
	sid_out[sid_len] = '\0';
	return true;
}
