/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs of a sign-in. */
#include "wechat.h"

#include <stdio.h>
#include <string.h>

/* ---- Writing ---- */

static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz0123456789-_.~";

static size_t encoded_len(const char *text)
{
	size_t len = 0;

	for (; *text; text++)
		len += strchr(unreserved, *text) ? 1 : 3;
	return len;
}

static char *put_text(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len);
	return at + len;
}

/* All but the unreserved characters of RFC 3986. */
static char *put_encoded(char *at, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (strchr(unreserved, *text)) {
			*at++ = *text;
			continue;
		}
		*at++ = '%';
		*at++ = digits[byte >> 4];
		*at++ = digits[byte & 15];
	}
	return at;
}

const char *url_build(const struct wechat *self, struct pintle_call *call, const char *base,
		      char separator, const char *const *pairs, const char *fragment)
{
	size_t len = strlen(base) + (fragment ? strlen(fragment) + 1 : 0) + 1;
	char *url, *at;

	for (const char *const *pair = pairs; *pair; pair += 2)
		len += strlen(pair[0]) + encoded_len(pair[1]) + 2;
	url = self->host->alloc(call, len);
	if (!url)
		return NULL;
	at = put_text(url, base);
	for (const char *const *pair = pairs; *pair; pair += 2) {
		*at++ = pair == pairs ? separator : '&';
		at = put_text(at, pair[0]);
		*at++ = '=';
		at = put_encoded(at, pair[1]);
	}
	if (fragment) {
		*at++ = '#';
		at = put_text(at, fragment);
	}
	*at = '\0';
	return url;
}

/* ---- Ours ---- */

static const char *const no_pairs[] = { NULL };

const char *url_callback(const struct wechat *self, struct pintle_call *call)
{
	char base[1280];

	(void)snprintf(base, sizeof(base), "%s/api/v1/auth/%s/callback",
		       self->host->public_url(self->inst), self->host->inst_name(self->inst));
	return url_build(self, call, base, '?', no_pairs, NULL);
}

const char *url_scan(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	char base[1280];

	(void)snprintf(base, sizeof(base), "%s/w/%s/%s", self->host->public_url(self->inst),
		       self->host->inst_name(self->inst), ticket);
	return url_build(self, call, base, '?', no_pairs, NULL);
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
				      callback ? callback : "",
				      "response_type",
				      "code",
				      "scope",
				      is_phone ? scopes[self->conf->scope] : "snsapi_login",
				      "state",
				      ticket,
				      NULL };
	char base[384];

	if (!callback)
		return NULL;
	(void)snprintf(base, sizeof(base), "%s/connect/%s", self->conf->page_url,
		       is_phone ? "oauth2/authorize" : "qrconnect");
	return url_build(self, call, base, '?', pairs, "wechat_redirect");
}
