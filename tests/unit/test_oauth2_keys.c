/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of an issuer: which one is meant, and that what is read is the key that was published. */
#include "forge.h"

#include "../../plugins/oauth2/base64url.h"
#include "../../plugins/oauth2/keys.h"
#include "../../plugins/oauth2/pkce.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* What is found in a set of these keys, which are taken over. */
static int32_t find(json_t *keys, const char *alg, const char *kid, char **pem_out)
{
	json_t *set = json_pack("{s:o}", "keys", keys);
	int32_t status = keys_pem(set, alg, kid, pem_out);

	json_decref(set);
	return status;
}

static int32_t status_of(json_t *keys, const char *alg, const char *kid)
{
	char *pem;
	int32_t status = find(keys, alg, kid, &pem);

	assert_true((pem != NULL) == (status == PINTLE_OK));
	free(pem);
	return status;
}

/* ---- The key that was published ---- */

static void each_kind_of_key_is_read(void **state)
{
	const struct {
		EVP_PKEY *pair;
		const char *alg;
	} rows[] = {
		{ forge_rsa, "RS256" },  { forge_rsa, "RS384" },  { forge_rsa, "RS512" },
		{ forge_p256, "ES256" }, { forge_p384, "ES384" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct arena arena = { 0 };
		char *pem;

		assert_true(keys_takes(rows[i].alg));
		assert_int_equal(find(json_pack("[o]", forge_jwk(rows[i].pair, "k")), rows[i].alg,
				      "k", &pem),
				 PINTLE_OK);
		assert_string_equal(pem, forge_pem(&arena, rows[i].pair));
		free(pem);
		arena_fini(&arena);
	}
}

static void other_algorithms_are_not_taken(void **state)
{
	static const char *const algs[] = { "none",  "None",  "NONE",  "HS256",  "HS512", "PS256",
					    "ES512", "EdDSA", "rs256", "ES256K", "" };

	(void)state;
	for (size_t i = 0; i < N(algs); i++) {
		assert_false(keys_takes(algs[i]));
		assert_int_equal(
			status_of(json_pack("[o]", forge_jwk(forge_rsa, "k")), algs[i], "k"),
			PINTLE_NOT_FOUND);
	}
}

/* ---- Which key ---- */

static void a_key_is_found_by_its_name(void **state)
{
	char *pem;
	struct arena arena = { 0 };
	EVP_PKEY *other = forge_pair("RSA", 2048);
	json_t *keys = json_pack("[o, o, o]", forge_jwk(other, "old"), forge_jwk(forge_rsa, "new"),
				 forge_jwk(forge_p256, "ec"));

	(void)state;
	json_incref(keys);
	assert_int_equal(find(keys, "RS256", "new", &pem), PINTLE_OK);
	assert_string_equal(pem, forge_pem(&arena, forge_rsa));
	free(pem);
	json_incref(keys);
	assert_int_equal(find(keys, "RS256", "old", &pem), PINTLE_OK);
	assert_string_equal(pem, forge_pem(&arena, other));
	free(pem);
	json_incref(keys);
	assert_int_equal(status_of(keys, "RS256", "newer"), PINTLE_NOT_FOUND);
	json_incref(keys);
	assert_int_equal(status_of(keys, "RS256", "ec"), PINTLE_NOT_FOUND);
	json_incref(keys);
	assert_int_equal(status_of(keys, "ES256", "ec"), PINTLE_OK);
	assert_int_equal(status_of(keys, "ES384", "ec"), PINTLE_NOT_FOUND);
	EVP_PKEY_free(other);
	arena_fini(&arena);
}

static void without_a_name_there_must_be_one_that_fits(void **state)
{
	(void)state;
	assert_int_equal(status_of(json_pack("[o, o]", forge_jwk(forge_rsa, "a"),
					     forge_jwk(forge_p256, "b")),
				   "RS256", ""),
			 PINTLE_OK);
	assert_int_equal(
		status_of(json_pack("[o, o]", forge_jwk(forge_rsa, "a"), forge_jwk(forge_rsa, "b")),
			  "RS256", ""),
		PINTLE_NOT_FOUND);
}

static void one_name_of_two_keys_is_nobodys(void **state)
{
	(void)state;
	assert_int_equal(
		status_of(json_pack("[o, o]", forge_jwk(forge_rsa, "a"), forge_jwk(forge_rsa, "a")),
			  "RS256", "a"),
		PINTLE_NOT_FOUND);
	assert_int_equal(status_of(json_pack("[o, o]", forge_jwk(forge_rsa, "a"),
					     forge_jwk(forge_p256, "a")),
				   "RS256", "a"),
			 PINTLE_OK);
}

/* A member of the key is set to a JSON value, or taken away by NULL. */
static void what_a_key_says_must_fit(void **state)
{
	static const struct {
		const char *name, *value;
		int32_t status;
	} rows[] = {
		{ "use", "\"sig\"", PINTLE_OK },
		{ "use", "\"enc\"", PINTLE_NOT_FOUND },
		{ "use", "7", PINTLE_NOT_FOUND },
		{ "alg", "\"RS256\"", PINTLE_OK },
		{ "alg", "\"RS512\"", PINTLE_NOT_FOUND },
		{ "alg", "\"HS256\"", PINTLE_NOT_FOUND },
		{ "key_ops", "[\"verify\"]", PINTLE_OK },
		{ "key_ops", "[\"encrypt\"]", PINTLE_NOT_FOUND },
		{ "key_ops", "[]", PINTLE_NOT_FOUND },
		{ "key_ops", "\"verify\"", PINTLE_NOT_FOUND },
		{ "kty", "\"oct\"", PINTLE_NOT_FOUND },
		{ "kty", "\"EC\"", PINTLE_NOT_FOUND },
		{ "kty", NULL, PINTLE_NOT_FOUND },
		{ "kid", "7", PINTLE_NOT_FOUND },
		{ "kid", NULL, PINTLE_NOT_FOUND },
		{ "x5c", "[\"anything\"]", PINTLE_OK },
		{ "n", NULL, PINTLE_NOT_FOUND },
		{ "n", "\"\"", PINTLE_NOT_FOUND },
		{ "n", "\"AQAB\"", PINTLE_NOT_FOUND },
		{ "n", "\"not base64!\"", PINTLE_NOT_FOUND },
		{ "n", "7", PINTLE_NOT_FOUND },
		{ "e", "\"AQAB\"", PINTLE_OK },
		{ "e", "\"Aw\"", PINTLE_OK },
		{ "e", "\"AQ\"", PINTLE_NOT_FOUND },
		{ "e", "\"AA\"", PINTLE_NOT_FOUND },
		{ "e", "\"Ag\"", PINTLE_NOT_FOUND },
		{ "e", "\"\"", PINTLE_NOT_FOUND },
		{ "e", "\"AQAB=\"", PINTLE_NOT_FOUND },
		{ "e", "\"AQAAAAE\"", PINTLE_NOT_FOUND },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		json_t *jwk = forge_jwk(forge_rsa, "k");
		int32_t status;

		if (rows[i].value)
			(void)json_object_set_new(jwk, rows[i].name,
						  json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		else
			(void)json_object_del(jwk, rows[i].name);
		status = status_of(json_pack("[o]", jwk), "RS256", "k");
		if (status != rows[i].status)
			fail_msg("row %zu, %s = %s: status %d", i, rows[i].name, rows[i].value,
				 status);
	}
}

static void a_short_key_is_none(void **state)
{
	static const unsigned bits[] = { 1024, 2047 };

	(void)state;
	for (size_t i = 0; i < N(bits); i++) {
		EVP_PKEY *weak = forge_pair("RSA", bits[i]);

		assert_int_equal(EVP_PKEY_get_bits(weak), bits[i]);
		assert_int_equal(status_of(json_pack("[o]", forge_jwk(weak, "k")), "RS256", "k"),
				 PINTLE_NOT_FOUND);
		EVP_PKEY_free(weak);
	}
}

static void a_point_must_be_on_its_curve_and_whole(void **state)
{
	static const char *const wrong[] = { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE", "AQ",
					     "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ" };

	(void)state;
	for (size_t i = 0; i < N(wrong); i++) {
		json_t *jwk = forge_jwk(forge_p256, "k");

		(void)json_object_set_new(jwk, "y", json_string(wrong[i]));
		assert_int_equal(status_of(json_pack("[o]", jwk), "ES256", "k"), PINTLE_NOT_FOUND);
	}
	assert_int_equal(status_of(json_pack("[o]", forge_jwk(forge_p384, "k")), "ES256", "k"),
			 PINTLE_NOT_FOUND);
}

static void a_set_has_a_key_that_is_taken(void **state)
{
	static const struct {
		const char *json;
		bool is_set;
	} rows[] = {
		{ "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", true },
		{ "{\"keys\":[7,{},{\"kty\":\"EC\",\"crv\":\"P-256\"}]}", true },
		{ "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AQAB\"}]}", false },
		{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\"}]}", false },
		{ "{\"keys\":[]}", false },
		{ "{\"keys\":{\"kty\":\"RSA\"}}", false },
		{ "{}", false },
		{ "[]", false },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		json_t *json = json_loads(rows[i].json, 0, NULL);

		if (keys_is_set(json) != rows[i].is_set)
			fail_msg("row %zu: %s", i, rows[i].json);
		json_decref(json);
	}
}

/* ---- What they are written in, and the challenge ---- */

static void base64url_has_one_spelling(void **state)
{
	static const struct {
		const char *text, *bytes;
	} rows[] = {
		{ "", "" },        { "Zg", "f" },         { "Zm8", "fo" },
		{ "Zm9v", "foo" }, { "_-8", "\xFF\xEF" }, { "Zh", NULL },
		{ "Zm9", NULL },   { "Z", NULL },         { "Zg==", NULL },
		{ "/+8", NULL },   { "Zm9v\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		unsigned char bytes[8];
		char text[16];
		size_t len;
		bool ok = base64url_read(rows[i].text, strlen(rows[i].text), bytes, sizeof(bytes),
					 &len);

		if (ok != (rows[i].bytes != NULL))
			fail_msg("row %zu, %s: %d", i, rows[i].text, ok);
		if (!ok)
			continue;
		assert_int_equal(len, strlen(rows[i].bytes));
		assert_memory_equal(bytes, rows[i].bytes, len);
		base64url_write(bytes, len, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(strlen(text), BASE64URL_LEN(len));
	}
}

static void what_does_not_fit_is_not_read(void **state)
{
	unsigned char bytes[3] = { 0 };
	size_t len;

	(void)state;
	assert_true(base64url_read("Zm9v", 4, bytes, 3, &len));
	assert_false(base64url_read("Zm9vZg", 6, bytes, 3, &len));
}

/* RFC 7636, appendix B. */
static void a_challenge_is_as_published(void **state)
{
	char challenge[PKCE_CHALLENGE_LEN + 1];

	(void)state;
	assert_true(pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
	assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_key_is_read),
		cmocka_unit_test(other_algorithms_are_not_taken),
		cmocka_unit_test(a_key_is_found_by_its_name),
		cmocka_unit_test(without_a_name_there_must_be_one_that_fits),
		cmocka_unit_test(one_name_of_two_keys_is_nobodys),
		cmocka_unit_test(what_a_key_says_must_fit),
		cmocka_unit_test(a_short_key_is_none),
		cmocka_unit_test(a_point_must_be_on_its_curve_and_whole),
		cmocka_unit_test(a_set_has_a_key_that_is_taken),
		cmocka_unit_test(base64url_has_one_spelling),
		cmocka_unit_test(what_does_not_fit_is_not_read),
		cmocka_unit_test(a_challenge_is_as_published),
	};

	return cmocka_run_group_tests(tests, forge_set_up, forge_tear_down);
}
