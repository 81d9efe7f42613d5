/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs of a sign-in. */
#include "wechat.h"

#include <pintle/url.h>
#include <stdio.h>
#include <string.h>

/* ---- Ours ---- */

static const char *joined(const struct wechat *self, struct pintle_call *call, const char *first,
			  const char *second)
{
	size_t len = strlen(first) + strlen(second) + 1;
	char *text = self->host->alloc(call, len);

	if (text)
		(void)snprintf(text, len, "%s%s", first, second);
	return text;
}

const char *url_callback(const struct wechat *self, struct pintle_call *call)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/api/v1/auth/%s/callback",
		       self->host->inst_name(self->inst));
	return joined(self, call, self->host->public_url(self->inst), path);
}

const char *url_scan(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/w/%s/%s", self->host->inst_name(self->inst), ticket);
	return joined(self, call, self->host->public_url(self->inst), path);
}

/* ---- WeChat's ---- */

/* In the documented order, which WeChat's page on the phone insists on. */
const char *url_authorize(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	static const char *const scopes[] = { "snsapi_userinfo", "snsapi_base" };
	bool is_phone = self->conf->mode == MODE_QR;
	const char *callback = url_callback(self, call);
	const char *const pairs[] = { "appid",
				      self->conf->appid,
				      "redirect_uri",
				      callback,
				      "response_type",
				      "code",
				      "scope",
				      is_phone ? scopes[self->conf->scope] : "snsapi_login",
				      "state",
				      ticket,
				      NULL };
	const char *base = joined(self, call, self->conf->page_url,
				  is_phone ? "/connect/oauth2/authorize" : "/connect/qrconnect");
	const char *url = callback && base ? pintle_url(self->host, call, base, '?', pairs) : NULL;

	return url ? joined(self, call, url, "#wechat_redirect") : NULL;
}
