/* SPDX-License-Identifier: Apache-2.0 */
/* What an OpenID Connect provider says of a person. */
#include "idtoken.h"
#include "keys.h"
#include "oauth2.h"
#include "upstream.h"

#include <pintle/redirect.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 2048

static int32_t deny(const struct oauth2 *self, struct pintle_call *call, const char *why)
{
	self->host->detail(call, why);
	return PINTLE_DENIED;
}

/* ---- The key ---- */

static const char *set_fault(const struct oauth2 *self, const json_t *json)
{
	(void)self;
	return keys_is_set(json) ? NULL : "no keys";
}

static int32_t look(const struct oauth2 *self, struct pintle_call *call, const char *url,
		    const struct idtoken_head *head, bool wants_newer, char **pem_out)
{
	json_t *set;
	int32_t status = document_get(self, call, self->keys, url, set_fault, wants_newer, &set);

	if (status != PINTLE_OK)
		return status;
	status = keys_pem(set, head->alg, head->kid, pem_out);
	json_decref(set);
	return status;
}

/* Keys change: one that is not among those known may be among those of now. */
static int32_t find_key(const struct oauth2 *self, struct pintle_call *call, const char *url,
			const struct idtoken_head *head, char **pem_out)
{
	int32_t status;

	*pem_out = NULL;
	status = look(self, call, url, head, false, pem_out);
	if (status == PINTLE_NOT_FOUND)
		status = look(self, call, url, head, true, pem_out);
	if (status == PINTLE_NOT_FOUND)
		status = deny(self, call, "id_token has a key that the issuer does not publish");
	return status;
}

/* ---- The token ---- */

static int32_t check_token(const struct oauth2 *self, struct pintle_call *call,
			   const struct endpoints *endpoints, const char *token, const char *nonce,
			   json_t **claims_out)
{
	const struct idtoken_rules rules = {
		.issuer = self->issuer,
		.issuer_too = self->issuer_too,
		.client_id = self->conf->client_id,
		.nonce = nonce,
		.hosted_domain = self->conf->hosted_domain,
		.now_s = self->host->now_ms() / 1000,
	};
	struct idtoken_head head;
	const char *fault = idtoken_head(token, &head);
	char *pem;
	int32_t status;

	*claims_out = NULL;
	if (fault)
		return deny(self, call, fault);
	status = find_key(self, call, endpoints->jwks, &head, &pem);
	if (status != PINTLE_OK)
		return status;
	fault = idtoken_check(token, &head, pem, &rules, claims_out);
	free(pem);
	return fault ? deny(self, call, fault) : PINTLE_OK;
}

/* ---- The person ---- */

/* What is known already stays: the token is signed, the profile is not. A verified address is JSON's true and
 * nothing that looks like it. */
static int32_t read_person(const struct oauth2 *self, struct pintle_call *call,
			   const json_t *claims, struct person *out)
{
	static const char *const nicknames[] = { "name", "nickname", "preferred_username" };
	const struct pintle_host *host = self->host;
	const char *email = pintle_member(host, call, claims, "email", TEXT_MAX);
	const char *picture = pintle_member(host, call, claims, "picture", TEXT_MAX);

	if (!email || !picture)
		return PINTLE_INTERNAL;
	for (size_t i = 0; i < PINTLE_N(nicknames) && !*out->nickname; i++) {
		out->nickname = pintle_member(host, call, claims, nicknames[i], TEXT_MAX);
		if (!out->nickname)
			return PINTLE_INTERNAL;
	}
	if (!*out->avatar_url)
		out->avatar_url = picture;
	if (!*out->email) {
		out->email = email;
		out->is_email_verified = json_is_true(json_object_get(claims, "email_verified"));
	}
	return PINTLE_OK;
}

/* A profile with some sub, to be json_decref'ed; NULL, with detail(), when none is to be had. */
static int32_t ask_userinfo(const struct oauth2 *self, struct pintle_call *call, const char *url,
			    const char *token, json_t **out)
{
	const struct upstream_request request = { .url = url, .token = token };
	struct upstream_answer answer;
	int32_t status = upstream_ask(self, call, &request, &answer);

	*out = NULL;
	if (status != PINTLE_OK)
		return status;
	if (answer.code == 200 && json_is_string(json_object_get(answer.json, "sub"))) {
		*out = answer.json;
		return PINTLE_OK;
	}
	json_decref(answer.json);
	return upstream_senseless(self, call, answer.code, "no profile");
}

/* Who it is the token says alone. But where an address leads to an account, who comes without it would get a
 * second one. */
static bool needs_profile(const struct oauth2 *self, const struct person *person)
{
	return self->conf->links_email && !*person->email;
}

/* The token and its profile must be of one person: with another's, a way in would be found for them. */
static int32_t add_profile(const struct oauth2 *self, struct pintle_call *call, const char *url,
			   const char *token, struct person *person)
{
	json_t *profile;
	int32_t status = ask_userinfo(self, call, url, token, &profile);

	if (!profile)
		return needs_profile(self, person) ? status : PINTLE_OK;
	if (strcmp(json_string_value(json_object_get(profile, "sub")), person->sub) == 0)
		status = read_person(self, call, profile, person);
	else
		status = upstream_senseless(self, call, 200, "the profile of somebody else");
	json_decref(profile);
	return status;
}

int32_t claims_find(const struct oauth2 *self, struct pintle_call *call,
		    const struct endpoints *endpoints, const struct tokens *tokens,
		    const char *nonce, struct person *out)
{
	json_t *claims;
	int32_t status = check_token(self, call, endpoints, tokens->id, nonce, &claims);

	*out = (struct person){ "", "", "", "", false };
	if (status != PINTLE_OK)
		return status;
	out->sub = pintle_member(self->host, call, claims, "sub", IDTOKEN_SUB_MAX);
	status = out->sub ? read_person(self, call, claims, out) : PINTLE_INTERNAL;
	json_decref(claims);
	if (status != PINTLE_OK || (*out->nickname && *out->email) || !*endpoints->userinfo ||
	    !*tokens->access)
		return status;
	return add_profile(self, call, endpoints->userinfo, tokens->access, out);
}
