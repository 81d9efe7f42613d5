/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs of a sign-in. */
#include "wechat.h"

#include <pintle/redirect.h>
#include <stdio.h>
#include <string.h>

/* ---- Ours ---- */

const char *url_scan(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/w/%s/%s", self->host->inst_name(self->inst), ticket);
	return pintle_joined(self->host, call, self->host->public_url(self->inst), path);
}

/* ---- WeChat's ---- */

/* In the documented order, which WeChat's page on the phone insists on. */
const char *url_authorize(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	static const char *const scopes[] = { "snsapi_userinfo", "snsapi_base" };
	bool is_phone = self->conf->mode == MODE_QR;
	const char *callback = pintle_callback_url(self->host, self->inst, call);
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
	const char *base =
		pintle_joined(self->host, call, self->conf->page_url,
			      is_phone ? "/connect/oauth2/authorize" : "/connect/qrconnect");
	const char *url = callback && base ? pintle_url(self->host, call, base, '?', pairs) : NULL;

	return url ? pintle_joined(self->host, call, url, "#wechat_redirect") : NULL;
}
