/* SPDX-License-Identifier: Apache-2.0 */
#include "cookie.h"

#include "ascii.h"
#include "clock.h"
#include "host.h"
#include "origin.h"
#include "request.h"

#include <strings.h>

void cookie_rules_make(struct cookie_rules *rules, const struct settings *settings)
{
	const struct server_settings *server = &settings->server;

	rules->is_secure =
		(server->public_url && strncasecmp(server->public_url, "https://", 8) == 0) ||
		(server->listen_tls && *server->listen_tls);
	/* Browsers refuse the prefix without Secure, and Secure over plain HTTP. */
	rules->name = rules->is_secure ? "__Host-pintle" : "pintle";
	rules->is_allowed = rules->is_secure || server->mode == MODE_DEVELOPMENT ||
			    settings_is_loopback(settings);
}

/* ---- Reading ---- */

/* The next "name=value" of *rest, which is moved behind it. */
static struct slice next_pair(struct slice *rest)
{
	const char *end = memchr(rest->ptr, ';', rest->len);
	struct slice pair = { rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len };

	rest->ptr += pair.len + (end != NULL);
	rest->len -= pair.len + (end != NULL);
	return ascii_trim(pair);
}

/* The value under name; nothing when it is there twice, since somebody has added one. */
static struct slice find(struct slice cookies, const char *name)
{
	struct slice found = { NULL, 0 };
	size_t len = strlen(name);

	while (cookies.len > 0) {
		struct slice pair = next_pair(&cookies);

		if (pair.len <= len || pair.ptr[len] != '=' || memcmp(pair.ptr, name, len) != 0)
			continue;
		if (found.ptr)
			return (struct slice){ NULL, 0 };
		found = (struct slice){ pair.ptr + len + 1, pair.len - len - 1 };
	}
	return found;
}

static bool changes_something(const struct request *request)
{
	enum http_method method = request->http->head.method;

	return method != HTTP_GET && method != HTTP_HEAD;
}

enum cookie_verdict cookie_read(const struct request *request, char sid_out[SESSION_ID_MAX])
{
	const struct host *host = request->host;
	struct slice cookies = http_head_get(&request->http->head, "cookie"), value;

	if (!cookies.ptr || !host->cookie.is_allowed)
		return COOKIE_NONE;
	value = find(cookies, host->cookie.name);
	if (!value.ptr || !token_cookie_read(host->seal, value.ptr, value.len, sid_out))
		return COOKIE_NONE;
	return changes_something(request) && !origin_is_own_page(request) ? COOKIE_CROSS_SITE
									  : COOKIE_OK;
}

/* ---- Writing ---- */

bool cookie_read_wish(struct request *request, bool *wanted_out)
{
	const json_t *wish = json_object_get(request->fields, "cookie");

	*wanted_out = json_is_true(wish);
	if (wish && !json_is_boolean(wish) && !json_is_null(wish))
		answer_invalid(request, "cookie", "type");
	else if (*wanted_out && !request->host->cookie.is_allowed)
		answer_invalid(request, "cookie", "not_allowed");
	else if (*wanted_out && !origin_is_own_page(request))
		answer_error(request, "cross_site");
	else
		return true;
	return false;
}

static void write_cookie(struct request *request, const char *name, const char *value,
			 int64_t max_age_s)
{
	answer_header(request, "Set-Cookie",
		      arena_printf(&request->arena,
				   "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s", name,
				   value, (long long)max_age_s,
				   request->host->cookie.is_secure ? "; Secure" : ""));
}

void cookie_set(struct request *request, const struct session *session)
{
	char value[TOKEN_COOKIE_MAX];

	token_cookie_make(request->host->seal, session->id, value);
	write_cookie(request, request->host->cookie.name, value,
		     (session->expires_ms - clock_now_ms()) / 1000);
}

void cookie_clear(struct request *request)
{
	write_cookie(request, request->host->cookie.name, "", 0);
}

/* ---- What an instance lets a browser bring along ---- */

static const char *name_of(struct arena *arena, const struct request *request, const char *instance)
{
	return arena_printf(arena, "%s-%s", request->host->cookie.name, instance);
}

bool cookie_is_text(const char *text, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_.";

	for (size_t i = 0; i < len; i++)
		if (!memchr(letters, text[i], sizeof(letters) - 1))
			return false;
	return len > 0 && len <= COOKIE_TEXT_MAX;
}

void cookie_remember(struct request *request, const char *instance, const char *text)
{
	write_cookie(request, name_of(&request->arena, request, instance), text,
		     request->host->settings->limits.flow_ttl_ms / 1000);
}

const char *cookie_remembered(struct arena *arena, const struct request *request,
			      const char *instance)
{
	struct slice cookies = http_head_get(&request->http->head, "cookie"), value;

	value = cookies.ptr ? find(cookies, name_of(arena, request, instance)) : cookies;
	return value.ptr && cookie_is_text(value.ptr, value.len)
		       ? arena_copy(arena, value.ptr, value.len)
		       : NULL;
}
