/* SPDX-License-Identifier: Apache-2.0 */
/* Signs people in by an OpenID Connect provider, or by GitHub; the descriptor and its options. */
#include "oauth2.h"

#include <pintle/basic.h>
#include <pintle/gateway.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GITHUB "https://github.com"

static const struct pintle_opt opts[] = {
	{ "preset", PINTLE_CHOICE, PINTLE_OPT(struct conf, preset), "oidc", 0, 0,
	  "oidc google github",
	  "oidc: the issuer of your choice; google and github know where they are and what they do "
	  "in their own way." },
	{ "issuer", PINTLE_STRING, PINTLE_OPT(struct conf, issuer), "", 0, ISSUER_MAX, NULL,
	  "The issuer, exactly as its discovery document spells it: needed with preset oidc, and "
	  "for a GitHub of your own, where it is https://host as people see it." },
	{ "client_id", PINTLE_STRING, PINTLE_OPT(struct conf, client_id), NULL, 1, 255, NULL,
	  "The client's id at the provider." },
	{ "client_secret", PINTLE_SECRET, PINTLE_OPT(struct conf, client_secret), "", 0, 255, NULL,
	  "The client's secret; empty: a public client, which the provider knows by PKCE alone." },
	{ "scope", PINTLE_STRING, PINTLE_OPT(struct conf, scope), "", 0, 512, NULL,
	  "What is asked for, openid among it; empty: 'openid email profile', with github "
	  "'read:user user:email'." },
	{ "token_auth", PINTLE_CHOICE, PINTLE_OPT(struct conf, token_auth), "auto", 0, 0,
	  "auto basic post",
	  "How the secret goes to the provider: in a header, in the form, or as the discovery "
	  "document says." },
	{ "hosted_domain", PINTLE_STRING, PINTLE_OPT(struct conf, hosted_domain), "", 0, 253, NULL,
	  "Only people of this Google Workspace domain get in; empty: everybody." },
	{ "link_email", PINTLE_FLAG, PINTLE_OPT(struct conf, links_email), "no", 0, 0, NULL,
	  "Who signs in for the first time gets the account that has the e-mail address which the "
	  "provider says it has verified; say yes only for a provider you would trust with that." },
	{ "authorize_url", PINTLE_STRING, PINTLE_OPT(struct conf, authorize_url), "", 0, 1024, NULL,
	  "Where browsers go, instead of what the discovery document or the preset says." },
	{ "token_url", PINTLE_STRING, PINTLE_OPT(struct conf, token_url), "", 0, 1024, NULL,
	  "Where a code becomes tokens, likewise." },
	{ "userinfo_url", PINTLE_STRING, PINTLE_OPT(struct conf, userinfo_url), "", 0, 1024, NULL,
	  "Where the profile is, likewise; with github the addresses are below it, in /emails." },
	{ "jwks_url", PINTLE_STRING, PINTLE_OPT(struct conf, jwks_url), "", 0, 1024, NULL,
	  "Where the issuer's keys are, likewise; unused with github." },
	{ "ca_file", PINTLE_STRING, PINTLE_OPT(struct conf, ca_file), "", 0, 1024, NULL,
	  "Certificates to trust instead of the system's." },
	{ "upstream_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, timeout_ms), "4s", 100,
	  60000, NULL,
	  "How long one question to the provider may take; a sign-in asks up to five." },
};

/* ---- Presets ---- */

static const struct preset {
	const char *issuer, *issuer_too, *scope;
	const char *authorize_url, *token_url, *userinfo_url;
	const char *label_zh, *label_en;
} presets[] = {
	[PRESET_OIDC] = { .issuer = "", .scope = "openid email profile" },
	[PRESET_GOOGLE] = { .issuer = "https://accounts.google.com",
			    .issuer_too = "accounts.google.com",
			    .scope = "openid email profile",
			    .label_zh = "Google",
			    .label_en = "Google" },
	[PRESET_GITHUB] = { .issuer = GITHUB,
			    .scope = "read:user user:email",
			    .authorize_url = GITHUB "/login/oauth/authorize",
			    .token_url = GITHUB "/login/oauth/access_token",
			    .userinfo_url = "https://api.github.com/user",
			    .label_zh = "GitHub",
			    .label_en = "GitHub" },
};

static const char *first_of(const char *own, const char *fallback)
{
	return *own || !fallback ? own : fallback;
}

static const char *issuer_of(const struct conf *conf)
{
	return first_of(conf->issuer, presets[conf->preset].issuer);
}

/* ---- What is wrong with a section ---- */

/* Two installations of GitHub give the same numbers to different people: who names the places of one must say
 * which it is, and the other way round. */
static bool is_half_github(const struct conf *conf)
{
	const char *const own[] = { conf->issuer, conf->authorize_url, conf->token_url,
				    conf->userinfo_url };
	size_t n_own = 0;

	for (size_t i = 0; i < PINTLE_N(own); i++)
		n_own += *own[i] ? 1 : 0;
	return conf->preset == PRESET_GITHUB && n_own > 0 && n_own < PINTLE_N(own);
}

static const char *issuer_fault(const struct pintle_host *host, struct pintle_inst *inst,
				const struct conf *conf)
{
	const char *issuer = issuer_of(conf);

	if (!*issuer)
		return "must be set with preset oidc";
	if (is_half_github(conf))
		return "must be set, with authorize_url, token_url and userinfo_url, for a GitHub "
		       "of your own";
	/* It stands in a namespace, where a '*' would be a pattern. */
	return strpbrk(issuer, "?#* ") ? "must be a URL without query"
				       : pintle_url_fault(host, inst, issuer);
}

static const char *url_fault(const struct pintle_host *host, struct pintle_inst *inst,
			     const char *url)
{
	return *url ? pintle_url_fault(host, inst, url) : NULL;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + len, word))
		if ((at == text || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

/* An issuer that is not asked for it gives no id_token. */
static const char *scope_fault(const struct conf *conf)
{
	if (!*conf->scope || conf->preset == PRESET_GITHUB)
		return NULL;
	return has_word(conf->scope, "openid") ? NULL : "must hold openid";
}

/* A header has less room than a form, and both parts grow when they are encoded. */
static const char *secret_fault(const struct conf *conf)
{
	size_t len = strlen(conf->client_id) + strlen(conf->client_secret);
	bool fits = 3 * len + 1 < PINTLE_CREDENTIALS_MAX;
	bool is_form = conf->token_auth == AUTH_POST ||
		       (conf->preset == PRESET_GITHUB && conf->token_auth == AUTH_AUTO);

	if (!*conf->client_secret && conf->preset != PRESET_OIDC)
		return "must be set";
	return fits || is_form ? NULL
			       : "is too long, with client_id, for a header: set token_auth = post";
}

static int32_t check(const struct pintle_host *host, struct pintle_inst *inst,
		     const struct conf *conf, char *err, size_t err_len)
{
	const struct {
		const char *option, *fault;
	} checks[] = {
		{ "issuer", issuer_fault(host, inst, conf) },
		{ "client_secret", secret_fault(conf) },
		{ "scope", scope_fault(conf) },
		{ "hosted_domain", *conf->hosted_domain && conf->preset == PRESET_GITHUB
					   ? "is a claim of id_tokens, which GitHub has none of"
					   : NULL },
		{ "authorize_url", url_fault(host, inst, conf->authorize_url) },
		{ "token_url", url_fault(host, inst, conf->token_url) },
		{ "userinfo_url", url_fault(host, inst, conf->userinfo_url) },
		{ "jwks_url", url_fault(host, inst, conf->jwks_url) },
		{ "server.public_url",
		  host->public_url(inst) ? NULL
					 : "must be set: the provider sends people back to it" },
	};

	for (size_t i = 0; i < PINTLE_N(checks); i++) {
		if (!checks[i].fault)
			continue;
		(void)snprintf(err, err_len, "%s %s", checks[i].option, checks[i].fault);
		return PINTLE_INVALID;
	}
	return PINTLE_OK;
}

/* ---- An instance ---- */

static void close_instance(void *self_of_inst)
{
	struct oauth2 *self = self_of_inst;

	document_free(self->discovery);
	document_free(self->keys);
	free(self);
}

static void choose(struct oauth2 *self, const struct conf *conf)
{
	const struct preset *preset = &presets[conf->preset];

	self->conf = conf;
	self->issuer = issuer_of(conf);
	self->scope = first_of(conf->scope, preset->scope);
	self->authorize_url = first_of(conf->authorize_url, preset->authorize_url);
	self->token_url = first_of(conf->token_url, preset->token_url);
	self->userinfo_url = first_of(conf->userinfo_url, preset->userinfo_url);
	self->issuer_too = preset->issuer_too;
	(void)snprintf(self->ns, sizeof(self->ns), "oidc:%s", self->issuer);
}

static int32_t describe(const struct oauth2 *self)
{
	const struct preset *preset = &presets[self->conf->preset];
	static const char *const email[] = { "email", NULL };
	const char *const namespaces[] = { self->ns, NULL };
	const struct pintle_description description = { .size = sizeof(description),
							.namespaces = namespaces,
							.vouches = self->conf->links_email ? email
											   : NULL,
							.label_zh = preset->label_zh,
							.label_en = preset->label_en };

	return self->host->describe_instance(self->inst, &description);
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf, void **self_out, char *err, size_t err_len)
{
	int32_t status = check(host, inst, conf, err, err_len);
	struct oauth2 *self;

	if (status != PINTLE_OK)
		return status;
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->inst = inst;
	choose(self, conf);
	self->discovery = document_new();
	self->keys = document_new();
	status = self->discovery && self->keys ? describe(self) : PINTLE_INTERNAL;
	if (status == PINTLE_OK)
		*self_out = self;
	else
		close_instance(self);
	return status;
}

/* ---- The descriptor ---- */

static const char *const namespaces[] = { "oidc:*", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "单点登录",
	.label_en = "Single sign-on",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	.begin = flow_begin,
	.verify = flow_verify,
	.bind = flow_verify,
	.callback = flow_callback,
	.record = account_record,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "oauth2",
	.version = "0.1.0",
	.summary = "Sign-in by OpenID Connect, Google or GitHub",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = close_instance,
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
