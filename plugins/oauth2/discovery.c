/* SPDX-License-Identifier: Apache-2.0 */
/* OpenID Connect Discovery 1.0; what a section says itself comes first. */
#include "oauth2.h"

#include <pintle/gateway.h>
#include <pintle/redirect.h>
#include <string.h>

#define URL_MAX 1024

static bool is_url(const struct oauth2 *self, const json_t *url)
{
	const char *text = json_string_value(url);

	return text && strlen(text) <= URL_MAX && !pintle_url_fault(self->host, self->inst, text);
}

static bool may_be_url(const struct oauth2 *self, const json_t *url)
{
	return !url || is_url(self, url);
}

static const char *fault_of(const struct oauth2 *self, const json_t *json)
{
	const char *issuer = json_string_value(json_object_get(json, "issuer"));
	bool is_whole = issuer && is_url(self, json_object_get(json, "authorization_endpoint")) &&
			is_url(self, json_object_get(json, "token_endpoint")) &&
			is_url(self, json_object_get(json, "jwks_uri")) &&
			may_be_url(self, json_object_get(json, "userinfo_endpoint"));

	if (!is_whole)
		return "no discovery document";
	return strcmp(issuer, self->issuer) == 0 ? NULL : "the document of another issuer";
}

static bool lists(const json_t *list, const char *wanted)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0)
			return true;
	}
	return false;
}

/* Basic is the default, and the better one: it stands in no body. */
static bool wants_post(const struct oauth2 *self, const json_t *json)
{
	const json_t *methods = json_object_get(json, "token_endpoint_auth_methods_supported");

	if (self->conf->token_auth != AUTH_AUTO)
		return self->conf->token_auth == AUTH_POST;
	if (self->conf->preset == PRESET_GITHUB)
		return true;
	return lists(methods, "client_secret_post") && !lists(methods, "client_secret_basic");
}

/* What the section says, else what the document does. NULL without memory. */
static const char *pick(const struct oauth2 *self, struct pintle_call *call, const char *own,
			const json_t *json, const char *name)
{
	return *own ? own : pintle_member(self->host, call, json, name, URL_MAX);
}

static int32_t read_endpoints(const struct oauth2 *self, struct pintle_call *call,
			      const json_t *json, struct endpoints *out)
{
	*out = (struct endpoints){
		.authorize = pick(self, call, self->authorize_url, json, "authorization_endpoint"),
		.token = pick(self, call, self->token_url, json, "token_endpoint"),
		.userinfo = pick(self, call, self->userinfo_url, json, "userinfo_endpoint"),
		.jwks = pick(self, call, self->conf->jwks_url, json, "jwks_uri"),
		.is_post = wants_post(self, json),
		.says_issuer = json_is_true(
			json_object_get(json, "authorization_response_iss_parameter_supported")),
	};
	return out->authorize && out->token && out->userinfo && out->jwks ? PINTLE_OK
									  : PINTLE_INTERNAL;
}

/* RFC 8414 would put it before the path; OpenID Connect puts it behind, without a second slash. */
static const char *document_url(const struct oauth2 *self, struct pintle_call *call)
{
	static const char path[] = "/.well-known/openid-configuration";
	size_t len = strlen(self->issuer);
	bool has_slash = self->issuer[len - 1] == '/';

	return pintle_joined(self->host, call, self->issuer, has_slash ? path + 1 : path);
}

/* GitHub has no keys, and no document. */
static bool knows_all(const struct oauth2 *self)
{
	return self->conf->preset == PRESET_GITHUB ||
	       (*self->authorize_url && *self->token_url && *self->conf->jwks_url);
}

int32_t discovery_find(const struct oauth2 *self, struct pintle_call *call, struct endpoints *out)
{
	const char *url;
	json_t *json;
	int32_t status;

	if (knows_all(self))
		return read_endpoints(self, call, NULL, out);
	url = document_url(self, call);
	if (!url)
		return PINTLE_INTERNAL;
	status = document_get(self, call, self->discovery, url, fault_of, false, &json);
	if (status != PINTLE_OK)
		return status;
	status = read_endpoints(self, call, json, out);
	json_decref(json);
	return status;
}
