/* SPDX-License-Identifier: Apache-2.0 */
/* What an id_token must be. Each refusal differs in one point from a token that is taken. */
#include "forge.h"

#include "../../plugins/oauth2/idtoken.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define NOW 1700000000
#define HEADER(alg) "{\"alg\":\"" alg "\",\"typ\":\"JWT\",\"kid\":\"k\"}"

static const struct idtoken_rules rules = {
	.issuer = "https://id.example/realm",
	.client_id = "the client",
	.nonce = "n-0S6_WzA2Mj",
	.hosted_domain = "",
	.now_s = NOW,
};

/* The claims of a good token with name set to a JSON value, or taken away by NULL. */
static const char *claims_with(struct arena *arena, const char *name, const char *value)
{
	json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "iss", rules.issuer, "sub",
				   "Ada|1", "aud", rules.client_id, "nonce", rules.nonce, "iat",
				   NOW - 1, "exp", NOW + 3600);
	json_t *json = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
	const char *text;
	char *dump;

	if (value && !json)
		fail_msg("the test's own JSON: %s", value);
	if (name && json)
		(void)json_object_set_new(claims, name, json);
	else if (name)
		(void)json_object_del(claims, name);
	dump = json_dumps(claims, JSON_COMPACT);
	text = arena_strdup(arena, dump);
	free(dump);
	json_decref(claims);
	return text;
}

static const char *good_claims(struct arena *arena)
{
	return claims_with(arena, NULL, NULL);
}

/* What is wrong with a token, checked with the key of pair; NULL: nothing. */
static const char *fault_of(struct arena *arena, const char *token, EVP_PKEY *pair,
			    const struct idtoken_rules *wanted)
{
	struct idtoken_head head;
	json_t *claims = NULL;
	const char *fault = idtoken_head(token, &head);

	if (!fault)
		fault = idtoken_check(token, &head, forge_pem(arena, pair), wanted, &claims);
	assert_true((claims != NULL) == (fault == NULL));
	json_decref(claims);
	return fault;
}

static void must_say(const char *fault, const char *wanted, const char *what)
{
	if (wanted ? !fault || !strstr(fault, wanted) : fault != NULL)
		fail_msg("%s: '%s', not '%s'", what, fault ? fault : "fine",
			 wanted ? wanted : "fine");
}

/* ---- Algorithm, key and signature ---- */

static void each_algorithm_is_taken_with_its_own_key(void **state)
{
	const struct {
		EVP_PKEY *pair;
		const char *digest, *header;
	} rows[] = {
		{ forge_rsa, "SHA256", HEADER("RS256") },
		{ forge_rsa, "SHA384", HEADER("RS384") },
		{ forge_rsa, "SHA512", HEADER("RS512") },
		{ forge_p256, "SHA256", HEADER("ES256") },
		{ forge_p384, "SHA384", HEADER("ES384") },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct arena arena = { 0 };
		const char *token = forge_token(&arena, rows[i].pair, rows[i].digest,
						rows[i].header, good_claims(&arena));

		must_say(fault_of(&arena, token, rows[i].pair, &rules), NULL, rows[i].header);
		for (size_t j = 0; j < N(rows); j++)
			if (rows[j].pair != rows[i].pair)
				must_say(fault_of(&arena, token, rows[j].pair, &rules),
					 "wrong signature", "the key of another kind");
		arena_fini(&arena);
	}
}

static void other_algorithms_are_refused(void **state)
{
	static const char *const headers[] = {
		HEADER("none"),
		HEADER("None"),
		HEADER("NONE"),
		HEADER("nOnE"),
		HEADER("PS256"),
		HEADER("ES512"),
		HEADER("EdDSA"),
		HEADER(""),
		"{\"kid\":\"k\"}",
		"{\"alg\":[\"RS256\"],\"kid\":\"k\"}",
		"{\"alg\":7,\"kid\":\"k\"}",
	};

	(void)state;
	for (size_t i = 0; i < N(headers); i++) {
		struct arena arena = { 0 };
		const char *token =
			forge_token(&arena, forge_rsa, "SHA256", headers[i], good_claims(&arena));

		must_say(fault_of(&arena, token, forge_rsa, &rules), "algorithm", headers[i]);
		arena_fini(&arena);
	}
}

/* The public key is no secret: who uses it as one must not get in. */
static void a_public_key_is_no_secret(void **state)
{
	static const char *const headers[] = { HEADER("HS256"), HEADER("RS256"), HEADER("ES256") };
	static const char *const wanted[] = { "algorithm", "wrong signature", "wrong signature" };

	(void)state;
	for (size_t i = 0; i < N(headers); i++) {
		struct arena arena = { 0 };
		const char *pem = forge_pem(&arena, forge_rsa);
		const char *token = forge_hs256(&arena, pem, headers[i], good_claims(&arena));

		must_say(fault_of(&arena, token, forge_rsa, &rules), wanted[i], headers[i]);
		arena_fini(&arena);
	}
}

static void a_signature_is_of_this_token(void **state)
{
	struct arena arena = { 0 };
	EVP_PKEY *other = forge_pair("RSA", 2048);
	const char *claims = good_claims(&arena), *header = HEADER("RS256");
	const char *token = forge_token(&arena, forge_rsa, "SHA256", header, claims);
	const char *signature = strrchr(token, '.') + 1;
	char *changed = arena_strdup(&arena, token);

	(void)state;
	must_say(fault_of(&arena, token, forge_rsa, &rules), NULL, "the token itself");
	must_say(fault_of(&arena, token, other, &rules), "wrong signature", "another key");
	must_say(fault_of(&arena, forge_token(&arena, forge_rsa, "SHA512", header, claims),
			  forge_rsa, &rules),
		 "wrong signature", "another digest");
	must_say(fault_of(&arena,
			  forge_parts(&arena, header, claims_with(&arena, "sub", "\"Eve\""),
				      signature),
			  forge_rsa, &rules),
		 "wrong signature", "of another token");
	must_say(fault_of(&arena, forge_parts(&arena, header, claims, "AA"), forge_rsa, &rules),
		 "wrong signature", "short");
	must_say(fault_of(&arena, arena_printf(&arena, "%s==", token), forge_rsa, &rules),
		 "wrong signature", "padding");
	changed[strlen(changed) - 10] = changed[strlen(changed) - 10] == 'A' ? 'B' : 'A';
	must_say(fault_of(&arena, changed, forge_rsa, &rules), "wrong signature", "one character");
	EVP_PKEY_free(other);
	arena_fini(&arena);
}

/* DER is what OpenSSL speaks, not what a token has; zeros would be right for any text in a careless check. */
static void numbers_of_a_signature_are_whole(void **state)
{
	static const char *const signatures[] = {
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAA",
		"MAYCAQECAQE",
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < N(signatures); i++)
		must_say(fault_of(&arena,
				  forge_parts(&arena, HEADER("ES256"), good_claims(&arena),
					      signatures[i]),
				  forge_p256, &rules),
			 "wrong signature", signatures[i]);
	arena_fini(&arena);
}

static void without_a_key_nothing_is_right(void **state)
{
	struct arena arena = { 0 };
	const char *token =
		forge_token(&arena, forge_rsa, "SHA256", HEADER("RS256"), good_claims(&arena));
	struct idtoken_head head;
	json_t *claims;

	(void)state;
	assert_null(idtoken_head(token, &head));
	assert_string_equal(head.alg, "RS256");
	assert_string_equal(head.kid, "k");
	assert_non_null(idtoken_check(token, &head, "", &rules, &claims));
	assert_null(claims);
	assert_non_null(idtoken_check(token, &head, "no PEM", &rules, &claims));
	assert_null(claims);
	arena_fini(&arena);
}

/* ---- The header ---- */

static void what_a_header_may_say(void **state)
{
	static const struct {
		const char *header, *fault;
	} rows[] = {
		{ "{\"alg\":\"RS256\"}", NULL },
		{ "{\"alg\":\"RS256\",\"kid\":\"k\",\"jku\":\"https://evil.example/keys\"}", NULL },
		{ "{\"alg\":\"RS256\",\"kid\":\"../../x\"}", NULL },
		{ "{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", "not understood" },
		{ "{\"alg\":\"RS256\",\"kid\":7}", "no key that could be" },
		{ "{\"alg\":\"RS256\",\"kid\":null}", "no key that could be" },
		{ "{\"alg\":\"RS256\",\"kid\":\"a\\u0000b\"}", "no token" },
		{ "{\"alg\":\"HS256\",\"alg\":\"RS256\"}", "no token" },
		{ "[\"RS256\"]", "no token" },
		{ "\"RS256\"", "no token" },
		{ "", "no token" },
		{ "{", "no token" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct arena arena = { 0 };
		const char *token = forge_token(&arena, forge_rsa, "SHA256", rows[i].header,
						good_claims(&arena));

		must_say(fault_of(&arena, token, forge_rsa, &rules), rows[i].fault, rows[i].header);
		arena_fini(&arena);
	}
}

static void a_name_of_a_key_has_an_end(void **state)
{
	struct arena arena = { 0 };
	char kid[257];

	(void)state;
	memset(kid, 'k', sizeof(kid) - 1);
	kid[sizeof(kid) - 1] = '\0';
	for (int is_long = 0; is_long < 2; is_long++) {
		const char *header = arena_printf(&arena, "{\"alg\":\"RS256\",\"kid\":\"%s\"}",
						  kid + 1 - is_long);

		must_say(fault_of(&arena,
				  forge_token(&arena, forge_rsa, "SHA256", header,
					      good_claims(&arena)),
				  forge_rsa, &rules),
			 is_long ? "no key that could be" : NULL, "a long kid");
	}
	arena_fini(&arena);
}

static void a_token_has_three_parts(void **state)
{
	struct arena arena = { 0 };
	const char *token =
		forge_token(&arena, forge_rsa, "SHA256", HEADER("RS256"), good_claims(&arena));
	size_t header_len = strcspn(token, ".");
	const char *payload = token + header_len + 1, *signature = strrchr(token, '.') + 1;
	char *huge = arena_alloc(&arena, IDTOKEN_MAX + 2);
	const char *const wrong[] = {
		"",
		".",
		"..",
		"...",
		arena_copy(&arena, token, header_len),
		arena_copy(&arena, token, strlen(token) - strlen(signature)),
		arena_copy(&arena, token, strlen(token) - strlen(signature) - 1),
		arena_printf(&arena, "%s.", token),
		arena_printf(&arena, "%s.AA", token),
		arena_printf(&arena, ".%s", token),
		arena_printf(&arena, ".%s", payload),
		arena_printf(&arena, "%.*s..%s", (int)header_len, token, signature),
		arena_printf(&arena, "=%s", token),
		huge,
	};

	(void)state;
	memset(huge, 'A', IDTOKEN_MAX + 1);
	huge[4] = huge[8] = '.';
	must_say(fault_of(&arena, token, forge_rsa, &rules), NULL, "the token itself");
	for (size_t i = 0; i < N(wrong); i++)
		must_say(fault_of(&arena, wrong[i], forge_rsa, &rules), "no token", wrong[i]);
	arena_fini(&arena);
}

/* ---- The claims ---- */

static void what_the_claims_must_say(void **state)
{
	static const struct {
		const char *name, *value, *fault;
	} rows[] = {
		{ "iss", "\"https://id.example/realm/\"", "another issuer" },
		{ "iss", "\"https://ID.example/realm\"", "another issuer" },
		{ "iss", "\"https://id.example\"", "another issuer" },
		{ "iss", "[\"https://id.example/realm\"]", "another issuer" },
		{ "iss", NULL, "another issuer" },
		{ "aud", "[\"the client\"]", NULL },
		{ "aud", "[]", "another client" },
		{ "aud", "\"the other client\"", "another client" },
		{ "aud", "\"the client \"", "another client" },
		{ "aud", "[\"the other client\"]", "another client" },
		{ "aud", "[\"the client\", \"the other client\"]", "another client" },
		{ "aud", "[\"the client\", 7]", "another client" },
		{ "aud", "{\"the client\": 1}", "another client" },
		{ "aud", NULL, "another client" },
		{ "azp", "\"the client\"", NULL },
		{ "azp", "\"the other client\"", "another client" },
		{ "azp", "null", "another client" },
		{ "azp", "7", "another client" },
		{ "nonce", "\"n-0S6_WzA2MJ\"", "another request" },
		{ "nonce", "\"n-0S6_WzA2Mj \"", "another request" },
		{ "nonce", "\"\"", "another request" },
		{ "nonce", "7", "another request" },
		{ "nonce", NULL, "another request" },
		{ "sub", "\"a\"", NULL },
		{ "sub", "\"Zoë Ünal\"", NULL },
		{ "sub", "\"\"", "nobody" },
		{ "sub", "\" a\"", "nobody" },
		{ "sub", "\"a \"", "nobody" },
		{ "sub", "\"a\\nb\"", "nobody" },
		{ "sub", "\"a\\u007f\"", "nobody" },
		{ "sub", "7", "nobody" },
		{ "sub", "null", "nobody" },
		{ "sub", NULL, "nobody" },
		{ "exp", "1700000001", NULL },
		{ "exp", "1699999941", NULL },
		{ "exp", "1699999940.5", NULL },
		{ "exp", "1699999940", "over" },
		{ "exp", "0", "over" },
		{ "exp", "-1", "over" },
		{ "exp", "\"1700003600\"", "over" },
		{ "exp", "null", "over" },
		{ "exp", NULL, "over" },
		{ "iat", "1700000060", NULL },
		{ "iat", "1700000061", "future" },
		{ "iat", "1e300", "future" },
		{ "iat", "1699999340", NULL },
		{ "iat", "1699999339", "old" },
		{ "iat", "-1", "old" },
		{ "iat", "\"1700000000\"", "future" },
		{ "iat", NULL, "future" },
		{ "nbf", "1700000060", NULL },
		{ "nbf", "1700000061", "not good yet" },
		{ "nbf", "\"0\"", "not good yet" },
		{ "email", "7", NULL },
		{ "hd", "\"example.com\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct arena arena = { 0 };
		const char *claims = claims_with(&arena, rows[i].name, rows[i].value);
		const char *token =
			forge_token(&arena, forge_rsa, "SHA256", HEADER("RS256"), claims);

		must_say(fault_of(&arena, token, forge_rsa, &rules), rows[i].fault, claims);
		arena_fini(&arena);
	}
}

static const char *fault_of_claims(struct arena *arena, const char *claims,
				   const struct idtoken_rules *wanted)
{
	return fault_of(arena, forge_token(arena, forge_p256, "SHA256", HEADER("ES256"), claims),
			forge_p256, wanted);
}

static void of_several_audiences_one_has_asked(void **state)
{
	static const struct {
		const char *azp, *fault;
	} rows[] = {
		{ "\"the client\"", NULL },
		{ "\"the other client\"", "another client" },
		{ "[\"the client\"]", "another client" },
		{ "null", "another client" },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		const char *claims = arena_printf(
			&arena,
			"{\"iss\":\"https://id.example/realm\",\"sub\":\"1\",\"nonce\":\"%s\","
			"\"iat\":%d,\"exp\":%d,\"aud\":[\"the other client\",\"the client\"],"
			"\"azp\":%s}",
			rules.nonce, NOW, NOW + 60, rows[i].azp);

		must_say(fault_of_claims(&arena, claims, &rules), rows[i].fault, rows[i].azp);
	}
	arena_fini(&arena);
}

static void a_sub_has_an_end(void **state)
{
	struct arena arena = { 0 };
	char sub[IDTOKEN_SUB_MAX + 2];

	(void)state;
	memset(sub, 's', sizeof(sub) - 1);
	sub[sizeof(sub) - 1] = '\0';
	for (int is_long = 0; is_long < 2; is_long++) {
		const char *value = arena_printf(&arena, "\"%s\"", sub + 1 - is_long);

		must_say(fault_of_claims(&arena, claims_with(&arena, "sub", value), &rules),
			 is_long ? "nobody" : NULL, value);
	}
	arena_fini(&arena);
}

static void an_issuer_may_have_another_spelling(void **state)
{
	struct idtoken_rules two = rules;
	struct arena arena = { 0 };
	const char *claims = claims_with(&arena, "iss", "\"id.example\"");

	(void)state;
	must_say(fault_of_claims(&arena, claims, &rules), "another issuer", "one spelling");
	two.issuer_too = "id.example";
	must_say(fault_of_claims(&arena, claims, &two), NULL, "two spellings");
	must_say(fault_of_claims(&arena, good_claims(&arena), &two), NULL, "the first of two");
	arena_fini(&arena);
}

static void a_hosted_domain_keeps_others_out(void **state)
{
	static const struct {
		const char *hd, *fault;
	} rows[] = {
		{ "\"example.com\"", NULL },
		{ "\"example.com.evil.example\"", "hosted domain" },
		{ "\"EXAMPLE.com\"", "hosted domain" },
		{ "\"\"", "hosted domain" },
		{ "null", "hosted domain" },
		{ NULL, "hosted domain" },
	};
	struct idtoken_rules ours = rules;
	struct arena arena = { 0 };

	(void)state;
	ours.hosted_domain = "example.com";
	for (size_t i = 0; i < N(rows); i++)
		must_say(fault_of_claims(&arena, claims_with(&arena, "hd", rows[i].hd), &ours),
			 rows[i].fault, rows[i].hd ? rows[i].hd : "absent");
	arena_fini(&arena);
}

static void a_payload_is_one_object(void **state)
{
	static const char *const payloads[] = { "", "[]", "7", "{\"iss\":", "{}{}" };
	struct arena arena = { 0 };
	const char *twice = arena_printf(&arena, "{\"sub\":\"Eve\",%s", good_claims(&arena) + 1);

	(void)state;
	for (size_t i = 0; i < N(payloads); i++)
		assert_non_null(fault_of_claims(&arena, payloads[i], &rules));
	assert_non_null(fault_of_claims(&arena, twice, &rules));
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_algorithm_is_taken_with_its_own_key),
		cmocka_unit_test(other_algorithms_are_refused),
		cmocka_unit_test(a_public_key_is_no_secret),
		cmocka_unit_test(a_signature_is_of_this_token),
		cmocka_unit_test(numbers_of_a_signature_are_whole),
		cmocka_unit_test(without_a_key_nothing_is_right),
		cmocka_unit_test(what_a_header_may_say),
		cmocka_unit_test(a_name_of_a_key_has_an_end),
		cmocka_unit_test(a_token_has_three_parts),
		cmocka_unit_test(what_the_claims_must_say),
		cmocka_unit_test(of_several_audiences_one_has_asked),
		cmocka_unit_test(a_sub_has_an_end),
		cmocka_unit_test(an_issuer_may_have_another_spelling),
		cmocka_unit_test(a_hosted_domain_keeps_others_out),
		cmocka_unit_test(a_payload_is_one_object),
	};

	return cmocka_run_group_tests(tests, forge_set_up, forge_tear_down);
}
