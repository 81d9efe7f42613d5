/* SPDX-License-Identifier: Apache-2.0 */
/* GitHub's interface for OAuth apps, which are no OpenID Connect. */
#include "oauth2.h"
#include "upstream.h"

#include <inttypes.h>
#include <pintle/redirect.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 2048
#define ACCEPT "Accept: application/vnd.github+json"

/* The number stays, the name may become another's. */
static int32_t read_user(const struct oauth2 *self, struct pintle_call *call, const json_t *user,
			 struct person *out)
{
	const struct pintle_host *host = self->host;
	json_int_t id = json_integer_value(json_object_get(user, "id"));
	char *sub = host->alloc(call, 24);

	if (!sub)
		return PINTLE_INTERNAL;
	if (id <= 0)
		return upstream_senseless(self, call, 200, "nobody");
	(void)snprintf(sub, 24, "%" JSON_INTEGER_FORMAT, id);
	out->sub = sub;
	out->nickname = pintle_member(host, call, user, "name", TEXT_MAX);
	if (out->nickname && !*out->nickname)
		out->nickname = pintle_member(host, call, user, "login", TEXT_MAX);
	out->avatar_url = pintle_member(host, call, user, "avatar_url", TEXT_MAX);
	return out->nickname && out->avatar_url ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t ask_user(const struct oauth2 *self, struct pintle_call *call, const char *url,
			const char *token, struct person *out)
{
	const struct upstream_request request = { .url = url, .token = token, .accept = ACCEPT };
	struct upstream_answer answer;
	int32_t status = upstream_ask(self, call, &request, &answer);

	if (status != PINTLE_OK)
		return status;
	status = answer.code == 200 ? read_user(self, call, answer.json, out)
				    : upstream_senseless(self, call, answer.code, "no user");
	json_decref(answer.json);
	return status;
}

static int32_t read_emails(const struct oauth2 *self, struct pintle_call *call, const json_t *list,
			   struct person *out)
{
	const json_t *entry;
	size_t i;

	if (!json_is_array(list))
		return upstream_senseless(self, call, 200, "no list of addresses");
	json_array_foreach(list, i, entry) {
		if (!json_is_true(json_object_get(entry, "primary")) ||
		    !json_is_true(json_object_get(entry, "verified")))
			continue;
		out->email = pintle_member(self->host, call, entry, "email", TEXT_MAX);
		out->is_email_verified = true;
		return out->email ? PINTLE_OK : PINTLE_INTERNAL;
	}
	return PINTLE_OK;
}

/* 404: the person has not let us see addresses, and has none for us. 403 says so as well, or that we ask too
 * much: where an address decides who it is, that is no answer. */
static bool has_none(const struct oauth2 *self, int32_t code)
{
	return code == 404 || (code == 403 && !self->conf->links_email);
}

static int32_t ask_emails(const struct oauth2 *self, struct pintle_call *call, const char *url,
			  const char *token, struct person *out)
{
	const struct upstream_request request = {
		.url = pintle_joined(self->host, call, url, "/emails"),
		.token = token,
		.accept = ACCEPT,
	};
	struct upstream_answer answer;
	int32_t status;

	if (!request.url)
		return PINTLE_INTERNAL;
	status = upstream_ask(self, call, &request, &answer);
	if (status != PINTLE_OK)
		return status;
	if (answer.code == 200)
		status = read_emails(self, call, answer.json, out);
	else if (!has_none(self, answer.code))
		status = upstream_senseless(self, call, answer.code, "no list of addresses");
	json_decref(answer.json);
	return status;
}

int32_t github_find(const struct oauth2 *self, struct pintle_call *call,
		    const struct endpoints *endpoints, const struct tokens *tokens,
		    struct person *out)
{
	int32_t status;

	*out = (struct person){ "", "", "", "", false };
	status = ask_user(self, call, endpoints->userinfo, tokens->access, out);
	return status == PINTLE_OK
		       ? ask_emails(self, call, endpoints->userinfo, tokens->access, out)
		       : status;
}
