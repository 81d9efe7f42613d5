/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libjwt checks the signature and nothing else: it takes the algorithm from the token and would take none for
 * one. So the header is read here first and the key made for the algorithm that was found to be fine, and the
 * claims are read here after.
 */
#include "idtoken.h"

#include "base64url.h"
#include "keys.h"

#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#define SIGNATURE_MAX 1024 /* bytes: of the longest key that is taken */
#define SKEW_S 60
#define AGE_MAX_S 600 /* of a token that was made for the code just brought */

/* ---- Parts ---- */

struct span {
	const char *text;
	size_t len;
};

/* Three parts between two dots, all of them there. */
static bool split(const char *token, struct span parts[3])
{
	if (strlen(token) > IDTOKEN_MAX)
		return false;
	for (int i = 0; i < 3; i++) {
		parts[i] = (struct span){ token, strcspn(token, ".") };
		if (parts[i].len == 0 || token[parts[i].len] != (i < 2 ? '.' : '\0'))
			return false;
		token += parts[i].len + 1;
	}
	return true;
}

static json_t *read_object(struct span part)
{
	unsigned char bytes[IDTOKEN_MAX];
	json_t *json = NULL;
	size_t len;

	if (base64url_read(part.text, part.len, bytes, sizeof(bytes), &len))
		json = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);

	return text && strlen(text) == json_string_length(member) ? text : NULL;
}

/* ---- The header ---- */

static const char *read_head(const json_t *header, struct idtoken_head *out)
{
	const char *alg = text_of(header, "alg"), *kid = text_of(header, "kid");

	if (!alg || !keys_takes(alg))
		return "id_token has an algorithm that is not taken";
	if (json_object_get(header, "crit"))
		return "id_token wants what is not understood";
	if ((json_object_get(header, "kid") && !kid) || (kid && strlen(kid) >= sizeof(out->kid)))
		return "id_token names no key that could be";
	(void)strcpy(out->alg, alg);
	(void)strcpy(out->kid, kid ? kid : "");
	return NULL;
}

const char *idtoken_head(const char *token, struct idtoken_head *out)
{
	struct span parts[3];
	json_t *header = split(token, parts) ? read_object(parts[0]) : NULL;
	const char *fault = header ? read_head(header, out) : "id_token is no token";

	json_decref(header);
	return fault;
}

/* ---- The signature ---- */

/* libjwt would take a signature in other spellings as well, and without a key anything. */
static bool is_signed(const char *token, struct span signature, const struct idtoken_head *head,
		      const char *pem)
{
	unsigned char bytes[SIGNATURE_MAX];
	jwt_t *jwt = NULL;
	size_t len;
	bool ok;

	if (!*pem || !base64url_read(signature.text, signature.len, bytes, sizeof(bytes), &len))
		return false;
	ok = jwt_decode(&jwt, token, (const unsigned char *)pem, (int)strlen(pem)) == 0 && jwt &&
	     jwt_get_alg(jwt) == jwt_str_alg(head->alg);
	jwt_free(jwt);
	if (!ok)
		ERR_clear_error(); /* of this thread, which speaks TLS elsewhere */
	return ok;
}

/* ---- The claims ---- */

static bool is_text(const json_t *claims, const char *name, const char *wanted)
{
	const char *text = text_of(claims, name);

	return text && strcmp(text, wanted) == 0;
}

/* Also when it is of several audiences; then azp says which of them asked. */
static bool is_for(const json_t *claims, const char *client_id)
{
	const json_t *audience = json_object_get(claims, "aud"), *one;
	bool is_named = is_text(claims, "aud", client_id);
	size_t i;

	json_array_foreach(audience, i, one) {
		if (!json_is_string(one))
			return false;
		is_named = is_named || strcmp(json_string_value(one), client_id) == 0;
	}
	if (json_array_size(audience) > 1 || json_object_get(claims, "azp"))
		is_named = is_named && is_text(claims, "azp", client_id);
	return is_named;
}

/* Seconds, of which some issuers write fractions. */
static bool read_moment(const json_t *claims, const char *name, double *out)
{
	const json_t *number = json_object_get(claims, name);

	*out = json_number_value(number);
	return json_is_number(number);
}

static const char *check_moments(const json_t *claims, int64_t now_s)
{
	double now = (double)now_s, exp, iat, nbf;

	if (!read_moment(claims, "exp", &exp) || exp <= now - SKEW_S)
		return "id_token is over";
	if (!read_moment(claims, "iat", &iat) || iat > now + SKEW_S)
		return "id_token comes from the future";
	if (iat < now - AGE_MAX_S - SKEW_S)
		return "id_token is old";
	if (json_object_get(claims, "nbf") &&
	    (!read_moment(claims, "nbf", &nbf) || nbf > now + SKEW_S))
		return "id_token is not good yet";
	return NULL;
}

static bool is_same(const char *text, const char *wanted)
{
	return text && strlen(text) == strlen(wanted) &&
	       CRYPTO_memcmp(text, wanted, strlen(wanted)) == 0;
}

bool idtoken_is_sub(const char *sub)
{
	size_t len = strlen(sub);

	/* A store may take a text for the same as one with spaces behind. */
	if (len == 0 || len > IDTOKEN_SUB_MAX || sub[0] == ' ' || sub[len - 1] == ' ')
		return false;
	for (; *sub; sub++)
		if ((unsigned char)*sub < 0x20 || *sub == 0x7F)
			return false;
	return true;
}

static const char *check_claims(const json_t *claims, const struct idtoken_rules *rules)
{
	const char *sub = text_of(claims, "sub");

	if (!is_text(claims, "iss", rules->issuer) &&
	    !(rules->issuer_too && is_text(claims, "iss", rules->issuer_too)))
		return "id_token is another issuer's";
	if (!is_for(claims, rules->client_id))
		return "id_token is for another client";
	if (!is_same(text_of(claims, "nonce"), rules->nonce))
		return "id_token answers another request";
	if (!sub || !idtoken_is_sub(sub))
		return "id_token names nobody";
	if (*rules->hosted_domain && !is_text(claims, "hd", rules->hosted_domain))
		return "id_token is of a person outside the hosted domain";
	return check_moments(claims, rules->now_s);
}

const char *idtoken_check(const char *token, const struct idtoken_head *head, const char *pem,
			  const struct idtoken_rules *rules, json_t **claims_out)
{
	struct span parts[3];
	const char *fault;

	*claims_out = NULL;
	if (!split(token, parts) || !is_signed(token, parts[2], head, pem))
		return "id_token has a wrong signature";
	*claims_out = read_object(parts[1]);
	fault = *claims_out ? check_claims(*claims_out, rules) : "id_token is no token";
	if (!fault)
		return NULL;
	json_decref(*claims_out);
	*claims_out = NULL;
	return fault;
}
