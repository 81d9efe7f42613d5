/* SPDX-License-Identifier: Apache-2.0 */
/* Signs people in by WeChat; the descriptor and its options. */
#include "wechat.h"
#include "schema.h"

#include <pintle/gateway.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pintle_opt opts[] = {
	{ "method", PINTLE_CHOICE, PINTLE_OPT(struct conf, mode), "website", 0, 0,
	  "website qr mini",
	  "website: WeChat's page with its QR code (a website app); qr: a QR code of our own that "
	  "WeChat opens, with a confirmation on the phone (a service account); mini: the code of a "
	  "mini program." },
	{ "appid", PINTLE_STRING, PINTLE_OPT(struct conf, appid), NULL, 1, 64, NULL,
	  "The app's id at WeChat." },
	{ "secret", PINTLE_SECRET, PINTLE_OPT(struct conf, secret), NULL, 1, 128, NULL,
	  "The app's secret." },
	{ "platform", PINTLE_STRING, PINTLE_OPT(struct conf, platform), "", 0, 64, NULL,
	  "A name for the Open Platform account that the app is bound to, the same in all sections "
	  "of it: people are known by their unionid in all its apps. Empty: it is bound to none." },
	{ "scope", PINTLE_CHOICE, PINTLE_OPT(struct conf, scope), "userinfo", 0, 0, "userinfo base",
	  "With method qr: userinfo asks for nickname and picture; base asks nothing and gets the "
	  "openid alone." },
	{ "api_url", PINTLE_STRING, PINTLE_OPT(struct conf, api_url), "https://api.weixin.qq.com",
	  8, 256, NULL,
	  "Where WeChat's interface is; https, or http to this machine or in development." },
	{ "page_url", PINTLE_STRING, PINTLE_OPT(struct conf, page_url),
	  "https://open.weixin.qq.com", 8, 256, NULL, "Where WeChat's pages are, for browsers." },
	{ "upstream_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, timeout_ms), "4s", 100,
	  60000, NULL, "How long one question to WeChat may take; a sign-in asks two." },
	{ "ca_file", PINTLE_STRING, PINTLE_OPT(struct conf, ca_file), "", 0, 1024, NULL,
	  "Certificates to trust instead of the system's." },
};

/* What stands in a namespace must be plain. */
static bool is_word(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_.";

	return text[strspn(text, letters)] == '\0';
}

static int32_t check(const struct pintle_host *host, struct pintle_inst *inst,
		     const struct conf *conf, char *err, size_t err_len)
{
	const char *option = "api_url", *fault = pintle_endpoint_fault(host, inst, conf->api_url);

	if (!fault) {
		option = "page_url";
		fault = pintle_endpoint_fault(host, inst, conf->page_url);
	}
	if (!fault && !is_word(conf->appid)) {
		option = "appid";
		fault = "must be letters and digits";
	}
	if (!fault && !is_word(conf->platform)) {
		option = "platform";
		fault = "must be letters and digits";
	}
	if (!fault && conf->mode != MODE_MINI && !host->public_url(inst)) {
		option = "server.public_url";
		fault = "must be set: WeChat sends people back to it";
	}
	if (fault)
		(void)snprintf(err, err_len, "%s %s", option, fault);
	return fault ? PINTLE_INVALID : PINTLE_OK;
}

static int32_t describe(const struct wechat *self)
{
	const char *const namespaces[] = { self->openid_ns,
					   *self->unionid_ns ? self->unionid_ns : NULL, NULL };
	const struct pintle_description description = { .size = sizeof(description),
							.flags = self->conf->mode == MODE_MINI
									 ? PINTLE_NO_BEGIN
									 : 0,
							.namespaces = namespaces };

	return self->host->describe_instance(self->inst, &description);
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	int32_t status = check(host, inst, conf, err, err_len);
	struct wechat *self;

	if (status != PINTLE_OK)
		return status;
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->inst = inst;
	self->conf = conf;
	(void)snprintf(self->openid_ns, sizeof(self->openid_ns), "wechat:openid:%s", conf->appid);
	if (*conf->platform)
		(void)snprintf(self->unionid_ns, sizeof(self->unionid_ns), "wechat:unionid:%s",
			       conf->platform);
	status = describe(self);
	if (status == PINTLE_OK)
		*self_out = self;
	else
		free(self);
	return status;
}

/* ---- The descriptor ---- */

static const char *const namespaces[] = { "wechat:openid:*", "wechat:unionid:*", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.flags = PINTLE_DIRECT | PINTLE_WHOLE,
	.label_zh = "微信",
	.label_en = "WeChat",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	.begin = flow_begin,
	.verify = flow_verify,
	.bind = flow_verify,
	.callback = flow_callback,
	.describe = profile_describe,
	.record = store_record,
};

static const struct pintle_route routes[] = {
	{ "POST", "/api/auth/wechat/qr-code", PINTLE_TO_BEGIN, -1, NULL, NULL, NULL,
	  "Open a sign-in by WeChat" },
	{ "GET", "/api/v1/auth/wechat/qr", PINTLE_TO_BEGIN, -1, NULL, NULL, NULL,
	  "Open a sign-in by WeChat" },
	{ "GET", "/api/auth/wechat/status/{session_id}", PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL,
	  flow_status, "How far a sign-in by WeChat is" },
	{ "GET", "/api/v1/auth/wechat/status/{state}", PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL,
	  flow_status, "How far a sign-in by WeChat is" },
	{ "POST", "/api/auth/wechat/confirm", PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL, flow_confirm,
	  "The phone's answer, or the opener's giving up" },
	{ "POST", "/api/user/bind-wechat", PINTLE_TO_BIND, PINTLE_BIND, NULL, NULL, NULL,
	  "Add the WeChat that was proved" },
	{ "POST", "/api/user/unbind-wechat", PINTLE_TO_UNBIND, PINTLE_BIND, NULL, NULL, NULL,
	  "Take WeChat away" },
	{ "POST", "/api/v1/user/wechat/renew", PINTLE_TO_OP, PINTLE_LOGIN, "self", NULL,
	  profile_renew, "Read nickname and picture from WeChat again" },
	{ "GET", "/w/{provider}/{ticket}", PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL, phone_scan,
	  "What the QR code says, for the phone" },
	{ "POST", "/w/{provider}/{ticket}", PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL, phone_post,
	  "The answer of the phone's page" },
	{ "GET", "/w/{provider}/{ticket}/qr.svg", PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL, flow_svg,
	  "The QR code as SVG" },
	{ "GET", "/w/{provider}/{ticket}/qr.png", PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL, flow_png,
	  "The QR code as PNG" },
};

static const char *const flow_names[] = { "/api/auth/wechat/qr-code",
					  "session_id",
					  "/api/v1/auth/wechat/qr",
					  "state",
					  "/api/user/bind-wechat",
					  "session_id",
					  NULL };

static const struct pintle_api api = {
	.size = sizeof(api),
	PINTLE_ROUTES(routes),
	.flow_names = flow_names,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "wechat",
	.version = "0.1.0",
	.summary = "Sign-in by WeChat",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	PINTLE_MIGRATIONS(schema),
	.open = open_instance,
	.close = free,
	.provider = &provider,
	.api = &api,
};

PINTLE_PLUGIN(plugin)
