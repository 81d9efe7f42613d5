/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a sign-in as its opener takes them, and the browser's way back from the provider. */
#include "base64url.h"
#include "oauth2.h"
#include "pkce.h"

#include <pintle/redirect.h>
#include <pintle/url.h>
#include <string.h>

#define SECRET_BYTES 32 /* 43 characters, as few as a verifier may have */
#define CODE_MAX 2048
#define STEP_RETURN "return_ticket"

/* ---- Begin ---- */

/* A new random text, kept under name. NULL when there is none. */
static const char *make_secret(const struct oauth2 *self, struct pintle_call *call,
			       const char *name)
{
	unsigned char bytes[SECRET_BYTES];
	char *text = self->host->alloc(call, BASE64URL_LEN(SECRET_BYTES) + 1);

	if (!text || self->host->random(bytes, sizeof(bytes)) != PINTLE_OK)
		return NULL;
	base64url_write(bytes, sizeof(bytes), text);
	self->host->wipe(bytes, sizeof(bytes));
	return self->host->keep(call, name, text) == PINTLE_OK ? text : NULL;
}

/* GitHub knows no nonce: it has no token that could say it. */
static const char *authorize_url(const struct oauth2 *self, struct pintle_call *call,
				 const char *endpoint, const char *ticket)
{
	const struct conf *conf = self->conf;
	bool is_github = conf->preset == PRESET_GITHUB;
	const char *callback = pintle_callback_url(self->host, self->inst, call);
	const char *verifier = make_secret(self, call, "verifier");
	const char *nonce = is_github ? NULL : make_secret(self, call, "nonce");
	char challenge[PKCE_CHALLENGE_LEN + 1];
	const char *const pairs[] = {
		"response_type",
		"code",
		"client_id",
		conf->client_id,
		"redirect_uri",
		callback,
		"scope",
		self->scope,
		"state",
		ticket,
		"nonce",
		nonce,
		"code_challenge",
		challenge,
		"code_challenge_method",
		"S256",
		"hd",
		*conf->hosted_domain ? conf->hosted_domain : NULL,
		NULL,
	};

	if (!callback || !verifier || (!nonce && !is_github) ||
	    !pkce_challenge(verifier, challenge))
		return NULL;
	return pintle_url(self->host, call, endpoint, strchr(endpoint, '?') ? '&' : '?', pairs);
}

int32_t flow_begin(void *self_of_inst, struct pintle_call *call)
{
	const struct oauth2 *self = self_of_inst;
	const struct pintle_host *host = self->host;
	struct endpoints endpoints;
	const char *ticket, *url;
	int32_t status;

	if (!pintle_redirect_may_prove(host, call))
		return PINTLE_FORBIDDEN;
	status = pintle_redirect_keep(host, call);
	if (status == PINTLE_OK)
		status = discovery_find(self, call, &endpoints);
	if (status != PINTLE_OK)
		return status;
	ticket = pintle_ticket_make(host, call, STEP_RETURN, PINTLE_TICKET_ONCE);
	url = ticket ? authorize_url(self, call, endpoints.authorize, ticket) : NULL;
	status = url ? host->set(call, "authorize_url", url) : PINTLE_INTERNAL;
	return status == PINTLE_OK ? host->set(call, "next", "redirect") : status;
}

/* ---- Back from the provider ---- */

/* RFC 9207: an answer that another issuer made is none. GitHub is no issuer, whatever it says. */
static bool is_from_issuer(const struct oauth2 *self, struct pintle_call *call,
			   const struct endpoints *endpoints)
{
	const char *issuer = self->host->field(call, "iss");

	if (self->conf->preset == PRESET_GITHUB)
		return true;
	return issuer ? strcmp(issuer, self->issuer) == 0 : !endpoints->says_issuer;
}

/* That a person said no is not worth a line; an error that is not the provider's own mostly says that the client
 * is not registered as it should be. */
static int32_t judge_error(const struct oauth2 *self, struct pintle_call *call, const char *error)
{
	if (strcmp(error, "server_error") == 0 || strcmp(error, "temporarily_unavailable") == 0) {
		self->host->detail(call, "the provider sends the browser back: it is out of order");
		return PINTLE_UNAVAILABLE;
	}
	if (strcmp(error, "access_denied") != 0)
		self->host->detail(
			call, "the provider refuses our request: is the client registered so?");
	return PINTLE_DENIED;
}

/* OK when there is a code to ask with. */
static int32_t check_return(const struct oauth2 *self, struct pintle_call *call,
			    const struct endpoints *endpoints)
{
	const struct pintle_host *host = self->host;
	const char *error = host->field(call, "error"), *code = host->field(call, "code");

	if (!is_from_issuer(self, call, endpoints)) {
		host->detail(call, "the browser brings an answer of another issuer");
		return PINTLE_DENIED;
	}
	if (error)
		return judge_error(self, call, error);
	if (code && *code && strlen(code) <= CODE_MAX)
		return PINTLE_OK;
	host->detail(call, "the browser brings no code, or one that is too long");
	return PINTLE_DENIED;
}

static int32_t find_person(const struct oauth2 *self, struct pintle_call *call,
			   const struct endpoints *endpoints, const char *code, struct person *out)
{
	const char *verifier = pintle_kept(self->host, call, "verifier");
	const char *nonce = pintle_kept(self->host, call, "nonce");
	struct tokens tokens;
	int32_t status;

	if (!verifier || (!nonce && self->conf->preset != PRESET_GITHUB))
		return PINTLE_INTERNAL;
	status = exchange_code(self, call, endpoints, code, verifier, &tokens);
	if (status != PINTLE_OK)
		return status;
	if (self->conf->preset == PRESET_GITHUB)
		return github_find(self, call, endpoints, &tokens, out);
	return claims_find(self, call, endpoints, &tokens, nonce, out);
}

/* Our ticket is taken before the provider is asked: one code, one question. */
int32_t flow_callback(void *self_of_inst, struct pintle_call *call)
{
	const struct oauth2 *self = self_of_inst;
	const struct pintle_host *host = self->host;
	struct endpoints endpoints;
	struct person person;
	int32_t status = pintle_ticket_open(host, call, STEP_RETURN, host->field(call, "state"));

	if (status == PINTLE_OK)
		status = discovery_find(self, call, &endpoints);
	if (status != PINTLE_OK)
		return status;
	status = check_return(self, call, &endpoints);
	if (status == PINTLE_OK)
		status = find_person(self, call, &endpoints, host->field(call, "code"), &person);
	if (status == PINTLE_DENIED)
		return pintle_redirect_refuse(host, call);
	if (status == PINTLE_OK)
		status = person_keep(self, call, &person);
	return status == PINTLE_OK ? pintle_redirect_land(host, call) : status;
}

/* ---- Verify and bind ---- */

int32_t flow_verify(void *self_of_inst, struct pintle_call *call)
{
	const struct oauth2 *self = self_of_inst;
	struct person person;
	int32_t status;

	if (!pintle_redirect_may_prove(self->host, call))
		return PINTLE_FORBIDDEN;
	status = person_kept(self, call, &person);
	return status == PINTLE_OK ? person_prove(self, call, &person) : status;
}
