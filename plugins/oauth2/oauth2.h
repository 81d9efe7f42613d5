/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the oauth2 plugin. Everything but open() runs in an op, on a worker. */
#ifndef OAUTH2_H
#define OAUTH2_H

#include "document.h"

#include <jansson.h>
#include <pintle/plugin.h>
#include <stdbool.h>

enum { PRESET_OIDC, PRESET_GOOGLE, PRESET_GITHUB };
enum { AUTH_AUTO, AUTH_BASIC, AUTH_POST };

struct conf {
	int32_t preset, token_auth, links_email;
	const char *issuer, *client_id, *client_secret, *scope, *hosted_domain;
	const char *authorize_url, *token_url, *userinfo_url, *jwks_url;
	const char *ca_file;
	int64_t timeout_ms;
};

#define ISSUER_MAX 120 /* with "oidc:" before it, no longer than a namespace may be */

struct oauth2 {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	const struct conf *conf;
	/* As configured, or the preset's; "" is not known. */
	const char *issuer, *scope, *authorize_url, *token_url, *userinfo_url;
	const char *issuer_too; /* another spelling that id_tokens have; or NULL */
	char ns[sizeof("oidc:") + ISSUER_MAX];
	struct document *discovery, *keys;
};

/* ---- discovery.c: where the provider is ---- */

/* Texts are lent until the call ends; "" is none. */
struct endpoints {
	const char *authorize, *token, *userinfo, *jwks;
	bool is_post;     /* the client's secret goes into the form */
	bool says_issuer; /* whoever comes back from it brings iss (RFC 9207) */
};

int32_t discovery_find(const struct oauth2 *self, struct pintle_call *call, struct endpoints *out);

/* ---- exchange.c: a code for tokens ---- */

/* Lent until the call ends; "" is none. */
struct tokens {
	const char *access, *id;
};

/* A code is sent once. DENIED when it is refused, LIMITED when the provider wants us to wait, a fault
 * otherwise, with detail(). verifier is that of the request. */
int32_t exchange_code(const struct oauth2 *self, struct pintle_call *call,
		      const struct endpoints *endpoints, const char *code, const char *verifier,
		      struct tokens *out);

/* ---- person.c: whom the provider has named ---- */

/* Texts are lent until the call ends; "" is unknown. */
struct person {
	const char *sub, *nickname, *avatar_url, *email;
	bool is_email_verified; /* by the provider */
};

/* For the flow's next step. */
int32_t person_keep(const struct oauth2 *self, struct pintle_call *call,
		    const struct person *person);
/* What person_keep kept; EXPIRED when nobody was named. */
int32_t person_kept(const struct oauth2 *self, struct pintle_call *call, struct person *out);
/* Names the person as proved, and what is known of them. */
int32_t person_prove(const struct oauth2 *self, struct pintle_call *call,
		     const struct person *person);

/* ---- account.c: beside which other subjects ---- */

/* Whether who signs in may be led by that address: for the first time only, since an address that its owner
 * has taken away would come back, and not to an account with another subject of this provider, since an
 * address may be given to somebody else, and the account is not. */
int32_t account_may_join(const struct oauth2 *self, struct pintle_call *call, const char *email,
			 const char *sub, bool *out);
/* The provider's record: CONFLICT when a second subject would be bound. */
int32_t account_record(void *self, struct pintle_call *call, int64_t account_id, int32_t is_bound);

/* ---- claims.c, github.c: who that is ---- */

/* By id_token, with what userinfo tells besides, if it tells. DENIED when the token is not what it should be. */
int32_t claims_find(const struct oauth2 *self, struct pintle_call *call,
		    const struct endpoints *endpoints, const struct tokens *tokens,
		    const char *nonce, struct person *out);
/* By asking GitHub, which has no id_token. */
int32_t github_find(const struct oauth2 *self, struct pintle_call *call,
		    const struct endpoints *endpoints, const struct tokens *tokens,
		    struct person *out);

/* ---- flow.c: the ops ---- */

int32_t flow_begin(void *self, struct pintle_call *call);
int32_t flow_verify(void *self, struct pintle_call *call);
int32_t flow_callback(void *self, struct pintle_call *call);

#endif
