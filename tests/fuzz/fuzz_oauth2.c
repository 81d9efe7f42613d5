/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider may answer. The first byte chooses what the rest is: the payload or the header of an id_token
 * whose other parts are right and which is signed for real; a set of keys; a discovery document; else a whole
 * token. Nobody gets in by a whole token that was not signed here.
 */
#include "arena.h"
#include "base64.h"
#include "jwk.h"
#include "oauth2/idtoken.h"
#include "oauth2/keys.h"
#include "oauth2/oauth2.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1700000000
#define HEADER "{\"alg\":\"ES256\",\"kid\":\"k\"}"
#define PAYLOAD                                                                                    \
	"{\"iss\":\"https://id.example\",\"sub\":\"s\",\"aud\":\"c\",\"nonce\":\"n\","             \
	"\"iat\":1700000000,\"exp\":1700000060}"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct pintle_call {
	struct arena arena;
	const char *body;
	size_t body_len;
};

static const struct idtoken_rules rules = {
	.issuer = "https://id.example",
	.client_id = "c",
	.nonce = "n",
	.hosted_domain = "",
	.now_s = NOW,
};

static EVP_PKEY *pair;
static char *pem;

/* ---- A host that has one answer ---- */

static int32_t http(struct pintle_call *call, const struct pintle_request *request,
		    struct pintle_answer *out)
{
	(void)request;
	out->code = 200;
	out->body = call->body;
	out->body_len = call->body_len;
	return PINTLE_OK;
}

static int64_t now_ms(void)
{
	return (int64_t)NOW * 1000;
}

static void detail(struct pintle_call *call, const char *text)
{
	(void)call;
	if (!text)
		abort();
}

static void *alloc(struct pintle_call *call, size_t len)
{
	return arena_alloc(&call->arena, len);
}

static int32_t is_development(struct pintle_inst *inst)
{
	(void)inst;
	return 0;
}

static const struct pintle_host host = { .size = sizeof(host),
					 .http = http,
					 .now_ms = now_ms,
					 .detail = detail,
					 .alloc = alloc,
					 .is_development = is_development };

/* ---- Tokens ---- */

static const char *encoded(struct arena *arena, const void *bytes, size_t len)
{
	char *text = arena_alloc(arena, BASE64_LEN(len) + 1);

	(void)base64url_encode(bytes, len, text);
	return text;
}

static const char *signed_token(struct arena *arena, const char *header, const char *payload)
{
	const char *text = arena_printf(arena, "%s.%s", header, payload);
	uint8_t signature[JWK_SIGNATURE_LEN];

	if (!jwk_sign(pair, text, strlen(text), signature))
		abort();
	return arena_printf(arena, "%s.%s", text, encoded(arena, signature, sizeof(signature)));
}

static bool is_taken(const char *token)
{
	struct idtoken_head head;
	json_t *claims = NULL;

	if (idtoken_head(token, &head) || idtoken_check(token, &head, pem, &rules, &claims))
		return false;
	if (!idtoken_is_sub(json_string_value(json_object_get(claims, "sub"))))
		abort();
	json_decref(claims);
	return true;
}

/* ---- Documents ---- */

static void find_keys(const char *text, size_t len)
{
	static const char *const algs[] = { "RS256", "ES256", "ES384", "HS256" };
	json_t *set = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	for (size_t i = 0; i < PINTLE_N(algs); i++) {
		char *found;
		int32_t status = keys_pem(set, algs[i], "", &found);

		if ((status == PINTLE_OK) != (found != NULL) || (found && !keys_is_set(set)) ||
		    (found && strcmp(algs[i], "HS256") == 0))
			abort();
		free(found);
	}
	json_decref(set);
}

static void find_endpoints(struct pintle_call *call)
{
	static const struct conf conf = { .jwks_url = "", .ca_file = "" };
	struct oauth2 self = { .host = &host,
			       .conf = &conf,
			       .issuer = rules.issuer,
			       .authorize_url = "",
			       .token_url = "",
			       .userinfo_url = "",
			       .discovery = document_new() };
	struct endpoints endpoints;

	if (discovery_find(&self, call, &endpoints) == PINTLE_OK &&
	    (strncmp(endpoints.authorize, "http", 4) != 0 ||
	     strncmp(endpoints.token, "http", 4) != 0 || strncmp(endpoints.jwks, "http", 4) != 0))
		abort();
	document_free(self.discovery);
}

/* A pair to sign with, and a token that is taken: without that, nothing would be shown. */
static void start(void)
{
	struct arena arena = { 0 };
	size_t len;

	pair = jwk_pair_new();
	pem = pair ? jwk_public_pem(pair, &len) : NULL;
	if (!pem || !is_taken(signed_token(&arena, encoded(&arena, HEADER, strlen(HEADER)),
					   encoded(&arena, PAYLOAD, strlen(PAYLOAD)))))
		abort();
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct pintle_call call = { { 0 } };
	struct arena *arena = &call.arena;
	const char *text;

	if (!pair)
		start();
	if (len == 0)
		return 0;
	text = arena_copy(arena, bytes + 1, len - 1);
	call.body = text;
	call.body_len = len - 1;
	switch (bytes[0]) {
	case 'h':
		(void)is_taken(signed_token(arena, encoded(arena, text, len - 1),
					    encoded(arena, PAYLOAD, strlen(PAYLOAD))));
		break;
	case 'p':
		(void)is_taken(signed_token(arena, encoded(arena, HEADER, strlen(HEADER)),
					    encoded(arena, text, len - 1)));
		break;
	case 'k':
		find_keys(text, len - 1);
		break;
	case 'd':
		find_endpoints(&call);
		break;
	default:
		if (is_taken(text))
			abort();
	}
	arena_fini(arena);
	return 0;
}
