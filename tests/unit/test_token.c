/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens are forged here with OpenSSL alone, so that nothing of token.c or libjwt vouches for itself. */
#include "token.h"

#include "base64.h"
#include "clock.h"
#include "scratch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEADER "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"KID\"}"
#define HS_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"KID\"}"
#define PAYLOAD                                                                                    \
	"{\"iss\":\"https://id.example\",\"sub\":\"u\",\"aud\":\"api\",\"exp\":EXP,\"iat\":IAT,"   \
	"\"jti\":\"j\",\"sid\":\"s\",\"typ\":\"access\"}"
#define SECRET "0123456789abcdef0123456789abcdef"

enum signer { PAIR, OTHER_PAIR, HS_PEM, HS_PEM_BARE, HS_DER, HS_SECRET, HS_EMPTY, ZEROS, NOTHING };

static const struct token_settings settings = {
	.issuer = "https://id.example",
	.audience = "api",
	.access_ttl_ms = 86400000,
	.rotate_lead_ms = 600000,
};
static const struct token_settings hs_settings = {
	.issuer = "https://id.example",
	.audience = "api",
	.jwt_secret = SECRET,
	.access_ttl_ms = 86400000,
};

static char dir[SCRATCH_MAX], other_dir[SCRATCH_MAX];
static struct keyring *ring, *other_ring, *hs_ring;
static struct arena arena;
static struct err err;
static _Atomic int64_t shift_ms;

/* ---- Forging ---- */

static const char *replace(const char *text, const char *word, const char *by)
{
	const char *at = strstr(text, word);

	if (!at)
		return text;
	return arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, by, at + strlen(word));
}

/* KID, EXP and IAT stand for what a good token would have. */
static const char *expand(const struct keyring *keyring, const char *text)
{
	int64_t now = clock_now_ms() / 1000;

	text = replace(text, "KID", keyring_current(keyring)->kid);
	text = replace(text, "EXP", arena_printf(&arena, "%" PRId64, now + 100));
	return replace(text, "IAT", arena_printf(&arena, "%" PRId64, now));
}

static const char *encode(const void *bytes, size_t len)
{
	char *text = arena_alloc(&arena, BASE64_LEN(len) + 1);

	(void)base64url_encode(bytes, len, text);
	return text;
}

static const char *sign_hmac(const void *key, size_t key_len, const char *text)
{
	uint8_t mac[32];

	HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)text, strlen(text), mac, NULL);
	return encode(mac, sizeof(mac));
}

static const char *sign_pair(const struct keyring_key *key, const char *text)
{
	BIO *bio = BIO_new_mem_buf(key->sign, (int)key->sign_len);
	EVP_PKEY *pair = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128], raw[64];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	ECDSA_SIG *signature;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pair), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &len, (const uint8_t *)text, strlen(text)), 1);
	signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32), 32);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pair);
	BIO_free(bio);
	return encode(raw, sizeof(raw));
}

/* What an attacker has: the public key, in every form it is published in. */
static const char *sign_public(const struct keyring_key *key, enum signer signer, const char *text)
{
	BIO *bio = BIO_new_mem_buf(key->verify, (int)key->verify_len);
	EVP_PKEY *public = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(public, &der);
	const char *signature;

	if (signer == HS_DER)
		signature = sign_hmac(der, (size_t)len, text);
	else
		signature = sign_hmac(key->verify, key->verify_len - (signer == HS_PEM_BARE), text);
	OPENSSL_free(der);
	EVP_PKEY_free(public);
	BIO_free(bio);
	return signature;
}

static const char *sign(enum signer signer, const char *text)
{
	static const uint8_t zeros[64];

	switch (signer) {
	case PAIR:
		return sign_pair(keyring_current(ring), text);
	case OTHER_PAIR:
		return sign_pair(keyring_current(other_ring), text);
	case HS_SECRET:
		return sign_hmac(SECRET, strlen(SECRET), text);
	case HS_EMPTY:
		return sign_hmac("", 0, text);
	case ZEROS:
		return encode(zeros, sizeof(zeros));
	case NOTHING:
		return "";
	default:
		return sign_public(keyring_current(ring), signer, text);
	}
}

static const char *forge(const struct keyring *keyring, const char *header, const char *payload,
			 enum signer signer)
{
	const char *head = expand(keyring, header), *body = expand(keyring, payload);
	const char *text = arena_printf(&arena, "%s.%s", encode(head, strlen(head)),
					encode(body, strlen(body)));

	return arena_printf(&arena, "%s.%s", text, sign(signer, text));
}

static bool is_good(const char *token)
{
	struct token_claims claims;

	return token_verify(ring, &settings, token, strlen(token), TOKEN_ACCESS, &claims);
}

/* ---- Tests ---- */

static void assert_same_claims(const struct token_claims *made, const struct token_claims *read)
{
	assert_int_equal(made->kind, read->kind);
	assert_string_equal(made->sid, read->sid);
	assert_string_equal(made->sub, read->sub);
	assert_string_equal(made->jti, read->jti);
	assert_int_equal(made->iat, read->iat);
	assert_int_equal(made->exp, read->exp);
}

static void issued_tokens_verify(void **state)
{
	const struct {
		const struct keyring *keyring;
		const struct token_settings *settings;
	} rings[] = { { ring, &settings }, { hs_ring, &hs_settings } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct token_claims made = { .kind = TOKEN_MFA, .sid = "s1", .sub = "u1" }, read;
		char *token = token_issue(rings[i].keyring, rings[i].settings, &arena, &made);

		assert_non_null(token);
		assert_true(token_verify(rings[i].keyring, rings[i].settings, token, strlen(token),
					 TOKEN_MFA, &read));
		assert_same_claims(&made, &read);
		assert_int_equal(made.exp, made.iat + 86400);
		assert_int_equal(strlen(made.jti), 22);
		/* A10: one kind is never taken for the other. */
		assert_false(token_verify(rings[i].keyring, rings[i].settings, token, strlen(token),
					  TOKEN_ACCESS, &read));
		assert_false(token_verify(rings[1 - i].keyring, rings[1 - i].settings, token,
					  strlen(token), TOKEN_MFA, &read));
	}
}

static void a_forged_good_token_is_good(void **state)
{
	(void)state;
	assert_true(is_good(forge(ring, HEADER, PAYLOAD, PAIR)));
	assert_true(is_good(forge(ring, "{\"kid\":\"KID\",\"alg\":\"ES256\"}", PAYLOAD, PAIR)));
}

#define ALG(value) "{\"alg\":" value ",\"typ\":\"JWT\",\"kid\":\"KID\"}"
#define WITH(member) "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"KID\"," member "}"
#define KID_IS(value) "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":" value "}"

static const struct {
	const char *header;
	enum signer signer;
} bad_headers[] = {
	/* A08: the public key as a secret, and no algorithm at all */
	{ HS_HEADER, HS_PEM },
	{ HS_HEADER, HS_PEM_BARE },
	{ HS_HEADER, HS_DER },
	{ HS_HEADER, HS_EMPTY },
	{ HEADER, HS_PEM },
	{ HS_HEADER, PAIR },
	{ ALG("\"none\""), NOTHING },
	{ ALG("\"None\""), NOTHING },
	{ ALG("\"NONE\""), NOTHING },
	{ ALG("\"nOnE\""), NOTHING },
	{ ALG("\"none\""), PAIR },
	{ ALG("\"none\""), ZEROS },
	{ ALG("\"es256\""), PAIR },
	{ ALG("\"ES384\""), PAIR },
	{ ALG("\"RS256\""), PAIR },
	{ ALG("\"\""), PAIR },
	{ ALG("null"), PAIR },
	{ ALG("[\"ES256\"]"), PAIR },
	{ ALG("256"), PAIR },
	{ ALG("\"ES256\\u0000\""), PAIR },
	{ "{\"typ\":\"JWT\",\"kid\":\"KID\"}", PAIR },
	{ "{\"alg\":\"HS256\",\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"KID\"}", PAIR },
	{ HEADER, NOTHING },
	{ HEADER, ZEROS },
	{ HEADER, OTHER_PAIR },
	/* A09: a key of the sender's choice */
	{ "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", PAIR },
	{ KID_IS("\"../../../etc/passwd\""), PAIR },
	{ KID_IS("\"/dev/null\""), PAIR },
	{ KID_IS("\"' OR '1'='1\""), PAIR },
	{ KID_IS("\"KID\\u0000\""), PAIR },
	{ KID_IS("\"KID \""), PAIR },
	{ KID_IS("\"\""), PAIR },
	{ KID_IS("0"), PAIR },
	{ KID_IS("[\"KID\"]"), PAIR },
	{ KID_IS("null"), PAIR },
	{ WITH("\"crit\":[\"exp\"]"), PAIR },
	{ WITH("\"jku\":\"http://127.0.0.1:1/jwks\""), PAIR },
	{ WITH("\"x5u\":\"http://127.0.0.1:1/x\""), PAIR },
	{ WITH("\"x5c\":[\"AA==\"]"), PAIR },
	{ WITH("\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}"), PAIR },
	{ WITH("\"b64\":false"), PAIR },
	/* typ, and what is no header */
	{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"KID\"}", PAIR },
	{ "{\"alg\":\"ES256\",\"typ\":\"jwt\",\"kid\":\"KID\"}", PAIR },
	{ "{\"alg\":\"ES256\",\"typ\":1,\"kid\":\"KID\"}", PAIR },
	{ "{\"alg\":\"ES256\",\"typ\":null,\"kid\":\"KID\"}", PAIR },
	{ "[\"ES256\"]", PAIR },
	{ "ES256", PAIR },
	{ HEADER "x", PAIR },
};

static void headers_we_did_not_write_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++) {
		if (is_good(forge(ring, bad_headers[i].header, PAYLOAD, bad_headers[i].signer)))
			fail_msg("%zu: %s by %d", i, bad_headers[i].header, bad_headers[i].signer);
	}
}

static void a_long_kid_is_refused(void **state)
{
	char header[10100];

	(void)state;
	(void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"%01000d\"}", 0);
	assert_false(is_good(forge(ring, header, PAYLOAD, PAIR)));
	(void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"%010000d\"}", 0);
	assert_false(is_good(forge(ring, header, PAYLOAD, PAIR)));
}

#define CLAIMS(iss, aud, exp, iat, sid, typ)                                                       \
	"{\"iss\":" iss ",\"sub\":\"u\",\"aud\":" aud ",\"exp\":" exp ",\"iat\":" iat              \
	",\"jti\":\"j\",\"sid\":" sid ",\"typ\":" typ "}"
#define ISS "\"https://id.example\""
#define AUD "\"api\""
#define ACCESS "\"access\""

static const char *const bad_payloads[] = {
	CLAIMS("\"https://id.example/\"", AUD, "EXP", "IAT", "\"s\"", ACCESS),
	CLAIMS("\"\"", AUD, "EXP", "IAT", "\"s\"", ACCESS),
	CLAIMS("[" ISS "]", AUD, "EXP", "IAT", "\"s\"", ACCESS),
	CLAIMS("null", AUD, "EXP", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, "\"API\"", "EXP", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, "[" AUD "]", "EXP", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "-1", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "0", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "IAT", "IAT", "\"s\"", ACCESS), /* ends now */
	CLAIMS(ISS, AUD, "EXP.0", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "1e300", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "\"EXP\"", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "true", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "null", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "[EXP]", "IAT", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "9223372036854775808", "IAT", "\"s\"", ACCESS), /* 2^63 */
	CLAIMS(ISS, AUD, "EXP", "4102444800", "\"s\"", ACCESS),          /* made in 2100 */
	CLAIMS(ISS, AUD, "EXP", "\"IAT\"", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "EXP", "1.5", "\"s\"", ACCESS),
	CLAIMS(ISS, AUD, "EXP", "IAT", "1", ACCESS),
	CLAIMS(ISS, AUD, "EXP", "IAT", "\"\"", ACCESS),
	CLAIMS(ISS, AUD, "EXP", "IAT", "\"s\\u0000\"", ACCESS),
	CLAIMS(ISS, AUD, "EXP", "IAT",
	       "\"0123456789012345678901234567890123456789012345678901234567890123\"", ACCESS),
	CLAIMS(ISS, AUD, "EXP", "IAT", "\"s\"", "\"mfa\""),
	CLAIMS(ISS, AUD, "EXP", "IAT", "\"s\"", "\"Access\""),
	CLAIMS(ISS, AUD, "EXP", "IAT", "\"s\"", "\"refresh\""),
	CLAIMS(ISS, AUD, "EXP", "IAT", "\"s\"", "[" ACCESS "]"),
	CLAIMS(ISS, AUD, "EXP", "IAT", "\"s\"", "0"),
	/* exp is missing; twice; the payload is no object */
	"{\"iss\":" ISS ",\"sub\":\"u\",\"aud\":" AUD ",\"iat\":IAT,\"jti\":\"j\",\"sid\":\"s\","
	"\"typ\":" ACCESS "}",
	"{\"exp\":1,\"iss\":" ISS ",\"sub\":\"u\",\"aud\":" AUD ",\"exp\":EXP,\"iat\":IAT,"
	"\"jti\":\"j\",\"sid\":\"s\",\"typ\":" ACCESS "}",
	"[" PAYLOAD "]",
	"null",
	"x",
	PAYLOAD "x",
};

static void claims_are_exact(void **state)
{
	static const char *const good[] = {
		CLAIMS(ISS, AUD, "EXP", "IAT", "\"s\"", ACCESS),
		CLAIMS(ISS, AUD, "EXP", "1", "\"s\"", ACCESS),
		CLAIMS(ISS, AUD, "9223372036854775807", "IAT", "\"s\"", ACCESS),
		CLAIMS(ISS, AUD, "EXP", "IAT",
		       "\"012345678901234567890123456789012345678901234567890123456789012\"",
		       ACCESS),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!is_good(forge(ring, HEADER, good[i], PAIR)))
			fail_msg("good %zu: %s", i, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad_payloads) / sizeof(bad_payloads[0]); i++) {
		if (is_good(forge(ring, HEADER, bad_payloads[i], PAIR)))
			fail_msg("bad %zu: %s", i, bad_payloads[i]);
	}
}

static void every_claim_is_needed(void **state)
{
	static const char *const names[] = {
		"iss", "sub", "aud", "exp", "iat", "jti", "sid", "typ"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *payload = json_loads(expand(ring, PAYLOAD), 0, NULL);
		char *text;

		assert_int_equal(json_object_del(payload, names[i]), 0);
		text = json_dumps(payload, JSON_COMPACT);
		if (is_good(forge(ring, HEADER, text, PAIR)))
			fail_msg("without %s", names[i]);
		free(text);
		json_decref(payload);
	}
}

static void a_token_has_three_parts_in_one_spelling(void **state)
{
	const char *token = forge(ring, HEADER, PAYLOAD, PAIR);
	const char *first = strchr(token, '.'), *last = strrchr(token, '.');
	const char *const bad[] = {
		"",
		".",
		"..",
		"...",
		arena_printf(&arena, "%.*s", (int)(last - token), token),
		arena_printf(&arena, "%.*s.", (int)(last - token), token),
		arena_printf(&arena, "%s.", token),
		arena_printf(&arena, ".%s", token),
		arena_printf(&arena, "%s.AAAA.AAAA", token),
		arena_printf(&arena, "%s=", token),
		arena_printf(&arena, "%s==", token),
		arena_printf(&arena, "%s ", token),
		arena_printf(&arena, " %s", token),
		arena_printf(&arena, "%s\n", token),
		arena_printf(&arena, "%.*s=%s", (int)(first - token), token, first),
		arena_printf(&arena, "%.*s..%s", (int)(first - token), token, last + 1),
		arena_printf(&arena, "%sAAAA", token),
		first,
		first + 1,
	};

	(void)state;
	assert_true(is_good(token));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (is_good(bad[i]))
			fail_msg("%zu: %s", i, bad[i]);
	}
}

/* Each of the last 40 characters, by each other character: the last one has bits that mean nothing. */
static void no_character_of_a_signature_may_change(void **state)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.\n";
	char *token = arena_strdup(&arena, forge(hs_ring, HS_HEADER, PAYLOAD, HS_SECRET));
	size_t len = strlen(token);
	struct token_claims claims;

	(void)state;
	assert_true(token_verify(hs_ring, &hs_settings, token, len, TOKEN_ACCESS, &claims));
	for (size_t i = len - 40; i < len; i++) {
		char was = token[i];

		for (const char *c = alphabet; *c; c++) {
			token[i] = *c;
			if (*c != was &&
			    token_verify(hs_ring, &hs_settings, token, len, TOKEN_ACCESS, &claims))
				fail_msg("%zu from the end became %c", len - i, *c);
		}
		token[i] = was;
	}
}

static void no_character_of_a_pair_signature_may_change(void **state)
{
	char *token = arena_strdup(&arena, forge(ring, HEADER, PAYLOAD, PAIR));
	size_t len = strlen(token);

	(void)state;
	for (size_t i = len - 86; i < len; i++) {
		char was = token[i];

		token[i] = was == 'A' ? 'B' : (char)(was ^ 1);
		if (is_good(token))
			fail_msg("%zu from the end", len - i);
		token[i] = was;
	}
	assert_true(is_good(token));
}

static void nothing_after_the_length_is_read(void **state)
{
	const char *token = forge(ring, HEADER, PAYLOAD, PAIR);
	struct token_claims claims;

	(void)state;
	assert_true(token_verify(ring, &settings, arena_printf(&arena, "%s.x", token),
				 strlen(token), TOKEN_ACCESS, &claims));
	assert_false(token_verify(ring, &settings, token, 0, TOKEN_ACCESS, &claims));
}

static void long_tokens_are_refused(void **state)
{
	const char *pad = arena_printf(&arena, ",\"pad\":\"%0*d\"}", 2700, 0);
	const char *fits = forge(ring, HEADER, replace(PAYLOAD, "}", pad), PAIR);
	const char *over;

	(void)state;
	pad = arena_printf(&arena, ",\"pad\":\"%0*d\"}", 2850, 0);
	over = forge(ring, HEADER, replace(PAYLOAD, "}", pad), PAIR);
	assert_in_range(strlen(fits), TOKEN_MAX - 300, TOKEN_MAX);
	assert_true(strlen(over) > TOKEN_MAX);
	assert_true(is_good(fits));
	assert_false(is_good(over));
}

static void time_ends_a_token(void **state)
{
	struct token_claims claims = { .sid = "s", .sub = "u" };
	const char *token;

	(void)state;
	claims.exp = clock_now_ms() / 1000 + 100;
	token = token_issue(ring, &settings, &arena, &claims);
	assert_true(is_good(token));
	shift_ms = 98000;
	assert_true(is_good(token));
	shift_ms = 101000; /* no skew for the end */
	assert_false(is_good(token));
	shift_ms = -50000; /* another host's clock may be behind */
	assert_true(is_good(token));
	shift_ms = -70000;
	assert_false(is_good(token));
	shift_ms = 0;
}

/* RFC 7515 A.3: its key as a key file, its token through the PEM this makes. */
static void rfc_7515_pair(void **state)
{
	static const char pem[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
		"H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
		"7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
		"-----END PRIVATE KEY-----\n";
	static const char token[] =
		"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9l"
		"eGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCg"
		"fTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	char path[SCRATCH_MAX], file[SCRATCH_MAX + 80];
	const struct keyring_key *key;
	struct token_claims claims;
	struct keyring *keyring;
	json_t *jwks, *jwk;
	jwt_t *jwt = NULL;
	int fd;

	(void)state;
	scratch_make(path);
	(void)snprintf(file, sizeof(file), "%s/keys", path);
	assert_int_equal(mkdir(file, 0700), 0);
	(void)snprintf(file, sizeof(file), "%s/keys/es256-1700000000000-oKIywvGUpTVTyxMQ.pem",
		       path);
	fd = open(file, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, pem, strlen(pem)), strlen(pem));
	(void)close(fd);
	keyring = keyring_new(&settings, path, &err);
	if (!keyring)
		fail_msg("%s", err.text);
	jwks = keyring_jwks(keyring);
	jwk = json_array_get(json_object_get(jwks, "keys"), 0);
	assert_string_equal(json_string_value(json_object_get(jwk, "x")),
			    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
	assert_string_equal(json_string_value(json_object_get(jwk, "y")),
			    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
	key = keyring_current(keyring);
	assert_int_equal(jwt_decode(&jwt, token, key->verify, (int)key->verify_len), 0);
	jwt_free(jwt);
	/* It is no token of ours all the same: no kid, another issuer, ended in 2011. */
	assert_false(token_verify(keyring, &settings, token, strlen(token), TOKEN_ACCESS, &claims));
	json_decref(jwks);
	keyring_free(keyring);
	scratch_remove(path);
}

/* RFC 7515 A.1. */
static void rfc_7515_secret(void **state)
{
	static const char secret[] =
		"\x03\x23\x35\x4b\x2b\x0f\xa5\xbc\x83\x7e\x06\x65\x77\x7b\xa6\x8f\x5a\xb3\x28\xe6"
		"\xf0\x54\xc9\x28\xa9\x0f\x84\xb2\xd2\x50\x2e\xbf\xd3\xfb\x5a\x92\xd2\x06\x47\xef"
		"\x96\x8a\xb4\xc3\x77\x62\x3d\x22\x3d\x2e\x21\x72\x05\x2e\x4f\x08\xc0\xcd\x9a\xf5"
		"\x67\xd0\x80\xa3";
	static const char token[] =
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkz"
		"ODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU"
		"1p1r_wW1gFWFOEjXk";
	struct token_settings of_rfc = settings;
	const struct keyring_key *key;
	struct token_claims claims;
	struct keyring *keyring;
	jwt_t *jwt = NULL;

	(void)state;
	of_rfc.jwt_secret = secret;
	keyring = keyring_new(&of_rfc, "/nonexistent", &err);
	key = keyring_current(keyring);
	assert_int_equal(jwt_decode(&jwt, token, key->verify, (int)key->verify_len), 0);
	jwt_free(jwt);
	assert_false(token_verify(keyring, &of_rfc, token, strlen(token), TOKEN_ACCESS, &claims));
	keyring_free(keyring);
}

/* ---- Refresh tokens ---- */

static struct seal *seal_of(const char *secret)
{
	const char *const keys[] = { secret, NULL };

	return seal_new(keys, NULL, &err);
}

static void refresh_tokens_read_back(void **state)
{
	static const int64_t generations[] = { 0, 1, 2147483648, 999999999999999999 };
	struct seal *seal = seal_of("a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	const char *sids[] = { "s", "abcdefghijklmnopqrstuv",
			       "012345678901234567890123456789012345678901234567890123456789012" };
	char text[TOKEN_REFRESH_MAX], sid[64];
	int64_t generation;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 3; j++) {
			token_refresh_make(seal, sids[j], generations[i], text);
			if (!token_refresh_read(seal, text, sid, &generation) ||
			    strcmp(sid, sids[j]) != 0 || generation != generations[i])
				fail_msg("%zu, %zu: %s", i, j, text);
		}
	}
	seal_free(seal);
}

static void refresh_tokens_cannot_be_changed(void **state)
{
	struct seal *seal = seal_of("a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	struct seal *other = seal_of("a:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=");
	char text[TOKEN_REFRESH_MAX], sid[64];
	int64_t generation;
	size_t len;

	(void)state;
	token_refresh_make(seal, "abc", 7, text);
	assert_memory_equal(text, "r1.abc.7.", 9);
	assert_false(token_refresh_read(other, text, sid, &generation));
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		char was = text[i];

		for (int c = 1; c < 256; c++) {
			text[i] = (char)c;
			if ((char)c != was && token_refresh_read(seal, text, sid, &generation))
				fail_msg("%zu became %d", i, c);
		}
		text[i] = '\0';
		if (token_refresh_read(seal, text, sid, &generation))
			fail_msg("cut at %zu", i);
		text[i] = was;
	}
	assert_true(token_refresh_read(seal, text, sid, &generation));
	(void)strcat(text, "A");
	assert_false(token_refresh_read(seal, text, sid, &generation));
	seal_free(seal);
	seal_free(other);
}

static void foreign_texts_are_no_refresh_tokens(void **state)
{
	static const char *const bad[] = { "",        ".",      "...",        "r1...",
					   "r1.s.1.", "r1.s.1", "r2.s.1.AAAA" };
	struct seal *seal = seal_of("a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	char sid[64], *huge = arena_printf(&arena, "r1.%01000d.1.%043d", 0, 0);
	int64_t generation;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (token_refresh_read(seal, bad[i], sid, &generation))
			fail_msg("%zu: %s", i, bad[i]);
	}
	assert_false(token_refresh_read(seal, huge, sid, &generation));
	assert_false(
		token_refresh_read(seal, forge(ring, HEADER, PAYLOAD, PAIR), sid, &generation));
	seal_free(seal);
}

static void cookies_read_back(void **state)
{
	struct seal *seal = seal_of("a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	const char *sids[] = { "s", "-bcdefghijklmnopqrstu_",
			       "012345678901234567890123456789012345678901234567890123456789012" };
	char text[TOKEN_COOKIE_MAX], sid[64];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		token_cookie_make(seal, sids[i], text);
		assert_true(token_cookie_read(seal, text, strlen(text), sid));
		assert_string_equal(sid, sids[i]);
	}
	seal_free(seal);
}

static void cookies_cannot_be_changed(void **state)
{
	struct seal *seal = seal_of("a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	struct seal *other = seal_of("a:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=");
	char text[TOKEN_COOKIE_MAX + 1], sid[64];
	size_t len;

	(void)state;
	token_cookie_make(seal, "abc", text);
	len = strlen(text);
	assert_false(token_cookie_read(other, text, len, sid));
	assert_false(token_cookie_read(seal, text, len - 1, sid));
	assert_false(token_cookie_read(seal, "", 0, sid));
	for (size_t i = 0; i < len; i++) {
		text[i] ^= 1;
		if (token_cookie_read(seal, text, len, sid))
			fail_msg("%zu was changed", i);
		text[i] ^= 1;
	}
	assert_true(token_cookie_read(seal, text, len, sid));
	(void)strcat(text, "A");
	assert_false(token_cookie_read(seal, text, len + 1, sid));
	seal_free(seal);
	seal_free(other);
}

/* Each kind is signed under a label of its own. */
static void a_cookie_is_no_refresh_token(void **state)
{
	struct seal *seal = seal_of("a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
	char refresh[TOKEN_REFRESH_MAX], cookie[TOKEN_COOKIE_MAX], sid[64];
	int64_t generation;

	(void)state;
	token_refresh_make(seal, "abc", 7, refresh);
	token_cookie_make(seal, "abc.7", cookie);
	assert_false(token_cookie_read(seal, refresh, strlen(refresh), sid));
	assert_false(token_refresh_read(seal, cookie, sid, &generation));
	seal_free(seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issued_tokens_verify),
		cmocka_unit_test(a_forged_good_token_is_good),
		cmocka_unit_test(headers_we_did_not_write_are_refused),
		cmocka_unit_test(a_long_kid_is_refused),
		cmocka_unit_test(claims_are_exact),
		cmocka_unit_test(every_claim_is_needed),
		cmocka_unit_test(a_token_has_three_parts_in_one_spelling),
		cmocka_unit_test(no_character_of_a_signature_may_change),
		cmocka_unit_test(no_character_of_a_pair_signature_may_change),
		cmocka_unit_test(nothing_after_the_length_is_read),
		cmocka_unit_test(long_tokens_are_refused),
		cmocka_unit_test(time_ends_a_token),
		cmocka_unit_test(rfc_7515_pair),
		cmocka_unit_test(rfc_7515_secret),
		cmocka_unit_test(refresh_tokens_read_back),
		cmocka_unit_test(refresh_tokens_cannot_be_changed),
		cmocka_unit_test(foreign_texts_are_no_refresh_tokens),
		cmocka_unit_test(cookies_read_back),
		cmocka_unit_test(cookies_cannot_be_changed),
		cmocka_unit_test(a_cookie_is_no_refresh_token),
	};
	int n_failed;

	clock_set_shift(&shift_ms);
	scratch_make(dir);
	scratch_make(other_dir);
	ring = keyring_new(&settings, dir, &err);
	other_ring = keyring_new(&settings, other_dir, &err);
	hs_ring = keyring_new(&hs_settings, NULL, &err);
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	keyring_free(ring);
	keyring_free(other_ring);
	keyring_free(hs_ring);
	arena_fini(&arena);
	scratch_remove(dir);
	scratch_remove(other_dir);
	return n_failed;
}
