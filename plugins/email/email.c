/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that somebody reads the mail of an address: a code goes there and comes back. */
#include "templates.h"

#include <pintle/code.h>
#include <pintle/helpers.h>
#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_PURPOSES 5 /* login to change; a mail is no second factor */
#define TEXT_MAX 60000

struct conf {
	const char *group, *mails[TEMPLATE_LANGS][TEMPLATE_PARTS];
};

struct email {
	const struct pintle_host *host;
	const struct conf *conf;
};

#define MAIL(name, lang, part, help)                                                               \
	{                                                                                          \
		name, PINTLE_STRING, PINTLE_OPT(struct conf, mails[lang][part]), "", 0, TEXT_MAX,  \
			NULL, help                                                                 \
	}

#define FIRST_MAIL 1 /* in opts; the mails follow in the order of conf.mails */

static const struct pintle_opt opts[] = {
	{ "group", PINTLE_STRING, PINTLE_OPT(struct conf, group), "mail", 1, 47, NULL,
	  "The group of senders that carries the codes." },
	MAIL("subject_zh", TEMPLATE_ZH, TEMPLATE_SUBJECT,
	     "The subject of a Chinese mail, with {{action}} and {{email}}; empty: the one built "
	     "in."),
	MAIL("text_zh", TEMPLATE_ZH, TEMPLATE_TEXT,
	     "A Chinese mail as plain text, with {{code}}: @file; empty: the one built in."),
	MAIL("html_zh", TEMPLATE_ZH, TEMPLATE_HTML,
	     "A Chinese mail as a page, with {{code}}: @file; empty: the one built in."),
	MAIL("subject_en", TEMPLATE_EN, TEMPLATE_SUBJECT, "The subject of an English mail."),
	MAIL("text_en", TEMPLATE_EN, TEMPLATE_TEXT, "An English mail as plain text."),
	MAIL("html_en", TEMPLATE_EN, TEMPLATE_HTML, "An English mail as a page."),
};

static int32_t check_mails(const struct conf *conf, char *err, size_t err_len)
{
	for (int i = 0; i < TEMPLATE_LANGS * TEMPLATE_PARTS; i++) {
		enum template_part part = (enum template_part)(i % TEMPLATE_PARTS);
		const char *text = conf->mails[i / TEMPLATE_PARTS][part];
		char why[128];
		const char *fault = *text ? template_fault(text, part, why, sizeof(why)) : NULL;

		if (!fault)
			continue;
		(void)snprintf(err, err_len, "%s: %s", opts[FIRST_MAIL + i].name, fault);
		return PINTLE_INVALID;
	}
	return PINTLE_OK;
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	int32_t status = check_mails(conf, err, err_len);
	struct email *self;

	(void)inst;
	if (status != PINTLE_OK)
		return status;
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

static const char *action_of(int32_t purpose, const char *lang)
{
	static const char *const actions[N_PURPOSES][2] = {
		{ "登录", "sign in" },
		{ "注册", "sign up" },
		{ "绑定邮箱", "add this address to your account" },
		{ "重置密码", "reset your password" },
		{ "更换邮箱", "make this the address of your account" },
	};

	return actions[purpose][strcmp(lang, "zh") != 0];
}

static char *fill(const struct email *self, const char *lang, enum template_part part,
		  const struct template_var *vars)
{
	int which = strcmp(lang, "zh") == 0 ? TEMPLATE_ZH : TEMPLATE_EN;
	const char *own = self->conf->mails[which][part];

	return template_fill(*own ? own : templates_builtin[which][part], part, vars);
}

static void wipe_and_free(const struct pintle_host *host, char *text)
{
	if (text)
		host->wipe(text, strlen(text));
	free(text);
}

static int32_t send_code(const struct email *self, struct pintle_call *call, const char *to,
			 const char *code)
{
	const struct pintle_host *host = self->host;
	const char *lang = host->lang(call), *const message_vars[] = { "code", code, NULL };
	int32_t purpose = host->purpose(call), status = PINTLE_INTERNAL;
	const struct template_var vars[] = { { "code", code },
					     { "email", to },
					     { "action", action_of(purpose, lang) },
					     { NULL, NULL } };
	char *parts[TEMPLATE_PARTS];
	struct pintle_message message = {
		.size = sizeof(message),
		.purpose = purpose,
		.to = to,
		.template_name = pintle_purpose_word(purpose),
		.vars = message_vars,
		.lang = lang,
	};

	for (int i = 0; i < TEMPLATE_PARTS; i++)
		parts[i] = fill(self, lang, (enum template_part)i, vars);
	message.subject = parts[TEMPLATE_SUBJECT];
	message.text = parts[TEMPLATE_TEXT];
	message.html = parts[TEMPLATE_HTML];
	if (message.subject && message.text && message.html)
		status = host->send(call, self->conf->group, &message);
	for (int i = 0; i < TEMPLATE_PARTS; i++)
		wipe_and_free(host, parts[i]);
	return status;
}

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct email *self = self_of_inst;
	const struct pintle_host *host = self->host;
	char code[PINTLE_CODE_LEN + 1];
	const char *to;
	int32_t status;

	if (host->purpose(call) >= N_PURPOSES)
		return PINTLE_FORBIDDEN; /* no second factor */
	status = pintle_code_begin(host, call, "email", code, &to);
	if (status == PINTLE_OK)
		status = send_code(self, call, to, code);
	host->wipe(code, sizeof(code));
	return status;
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct email *self = self_of_inst;

	return pintle_code_verify(self->host, call, "email");
}

static const struct pintle_input inputs[] = {
	{ "email", "邮箱", "E-mail address", "email", NULL, 0, 1 },
	{ "code", "验证码", "Code", "text", "[0-9]{6}", 1, 1 },
};

static const char *const namespaces[] = { "email", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "邮箱验证码",
	.label_en = "Code by e-mail",
	.namespaces = namespaces,
	.denied = "invalid_code",
	PINTLE_INPUTS(inputs),
	.begin = begin,
	.verify = verify,
	.bind = verify,
};

static const struct pintle_route routes[] = {
	{ "POST", "/api/v1/auth/send-email-code", PINTLE_TO_BEGIN, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Send a code to an e-mail address" },
	{ "POST", "/api/v1/auth/email-login", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Sign in with e-mail address and code" },
	{ "POST", "/api/v1/auth/forgot-password", PINTLE_TO_BEGIN, PINTLE_RESET, NULL, "email",
	  NULL, "Send a code for a new password to an e-mail address" },
};

static const struct pintle_api api = {
	.size = sizeof(api),
	PINTLE_ROUTES(routes),
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "email",
	.version = "0.1.0",
	.summary = "Sign-in with a code sent to an e-mail address",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.provider = &provider,
	.api = &api,
};

PINTLE_PLUGIN(plugin)
