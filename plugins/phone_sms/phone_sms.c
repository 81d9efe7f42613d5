/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that somebody holds a phone number: a code goes there and comes back. */
#include <pintle/code.h>
#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 512
#define N_TEMPLATES 5

struct conf {
	const char *group;
	const char *const *templates; /* one a purpose, in the order of enum pintle_purpose */
	const char *text_zh, *text_en;
};

struct phone_sms {
	const struct pintle_host *host;
	const struct conf *conf;
};

static const struct pintle_opt opts[] = {
	{ "group", PINTLE_STRING, PINTLE_OPT(struct conf, group), "sms", 1, 47, NULL,
	  "The group of senders that carries the codes." },
	{ "templates", PINTLE_LIST, PINTLE_OPT(struct conf, templates),
	  "login, register, bind, reset, change", N_TEMPLATES, N_TEMPLATES, NULL,
	  "Names of the gateway's templates for login, register, bind, reset and change, in this "
	  "order." },
	{ "text_zh", PINTLE_STRING, PINTLE_OPT(struct conf, text_zh),
	  "您的验证码是 {code}，请勿告诉他人。", 1, 400, NULL,
	  "Chinese text for gateways without templates; {code} stands for the code." },
	{ "text_en", PINTLE_STRING, PINTLE_OPT(struct conf, text_en),
	  "Your code is {code}. Do not tell it to anybody.", 1, 400, NULL,
	  "English text for gateways without templates; {code} stands for the code." },
};

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	struct phone_sms *self;

	(void)inst;
	if (!strstr(conf->text_zh, "{code}") || !strstr(conf->text_en, "{code}")) {
		(void)snprintf(err, err_len, "text_zh and text_en must contain {code}");
		return PINTLE_INVALID;
	}
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

static int32_t send_code(const struct phone_sms *self, struct pintle_call *call, const char *phone,
			 const char *code)
{
	const struct pintle_host *host = self->host;
	const char *lang = host->lang(call), *const vars[] = { "code", code, NULL };
	const char *text = strcmp(lang, "zh") == 0 ? self->conf->text_zh : self->conf->text_en;
	const char *place = strstr(text, "{code}");
	int32_t status, purpose = host->purpose(call);
	char whole[TEXT_MAX];
	struct pintle_message message = {
		.size = sizeof(message),
		.purpose = purpose,
		.to = phone,
		.template_name = self->conf->templates[purpose],
		.vars = vars,
		.text = whole,
		.lang = lang,
	};

	(void)snprintf(whole, sizeof(whole), "%.*s%s%s", (int)(place - text), text, code,
		       place + strlen("{code}"));
	status = host->send(call, self->conf->group, &message);
	host->wipe(whole, sizeof(whole));
	return status == PINTLE_FORBIDDEN ? host->invalid(call, "phone", "country") : status;
}

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct phone_sms *self = self_of_inst;
	const struct pintle_host *host = self->host;
	char code[PINTLE_CODE_LEN + 1];
	const char *phone;
	int32_t status;

	if (host->purpose(call) >= N_TEMPLATES)
		return PINTLE_FORBIDDEN; /* no second factor */
	status = pintle_code_begin(host, call, "phone", code, &phone);
	if (status == PINTLE_OK)
		status = send_code(self, call, phone, code);
	host->wipe(code, sizeof(code));
	return status;
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct phone_sms *self = self_of_inst;

	return pintle_code_verify(self->host, call, "phone");
}

static const struct pintle_input inputs[] = {
	{ "phone", "手机号", "Phone number", "tel", NULL, 0, 1 },
	{ "code", "验证码", "Code", "text", "[0-9]{6}", 1, 1 },
};

static const char *const namespaces[] = { "phone", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "短信验证码",
	.label_en = "Code by SMS",
	.namespaces = namespaces,
	.denied = "invalid_code",
	PINTLE_INPUTS(inputs),
	.begin = begin,
	.verify = verify,
	.bind = verify,
};

static const struct pintle_route routes[] = {
	{ "POST", "/api/v1/auth/send-sms-code", PINTLE_TO_BEGIN, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Send a code to a phone number" },
	{ "POST", "/api/send-code", PINTLE_TO_BEGIN, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Send a code to a phone number" },
	{ "POST", "/api/v1/auth/phone-login", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Sign in with phone number and code" },
	{ "POST", "/api/v1/auth/login", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, "code", NULL,
	  "Sign in with phone number and code" },
	{ "POST", "/api/login", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Sign in with phone number and code" },
	{ "POST", "/api/v1/auth/forgot-password", PINTLE_TO_BEGIN, PINTLE_RESET, NULL, "phone",
	  NULL, "Send a code for a new password to a phone number" },
};

static const struct pintle_api api = {
	.size = sizeof(api),
	PINTLE_ROUTES(routes),
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "phone_sms",
	.version = "0.1.0",
	.summary = "Sign-in with a code sent to a phone number",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.provider = &provider,
	.api = &api,
};

PINTLE_PLUGIN(plugin)
