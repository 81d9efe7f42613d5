/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that somebody reads the mail of an address: a code goes there and comes back. */
#include "email.h"

#include <pintle/code.h>
#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 60000

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
	{ "link", PINTLE_FLAG, PINTLE_OPT(struct conf, link), "no", 0, 0, NULL,
	  "Whether a mail has a link beside its code; needs server.public_url." },
	{ "reset_page", PINTLE_STRING, PINTLE_OPT(struct conf, reset_page), "/reset-password", 1,
	  1024, NULL,
	  "Where a link for a new password leads, with email and ticket in its query: a path of "
	  "this server or the URL of a page of your own." },
};

static int32_t refuse(char *err, size_t err_len, const char *name, const char *why)
{
	(void)snprintf(err, err_len, "%s: %s", name, why);
	return PINTLE_INVALID;
}

static int32_t check_mails(const struct conf *conf, char *err, size_t err_len)
{
	for (int i = 0; i < TEMPLATE_LANGS * TEMPLATE_PARTS; i++) {
		enum template_part part = (enum template_part)(i % TEMPLATE_PARTS);
		const char *text = conf->mails[i / TEMPLATE_PARTS][part];
		char why[128];
		const char *fault =
			*text ? template_fault(text, part, conf->link, why, sizeof(why)) : NULL;

		if (fault)
			return refuse(err, err_len, opts[FIRST_MAIL + i].name, fault);
	}
	return PINTLE_OK;
}

/* A link made from what a request says of its host would lead where an attacker likes. */
static int32_t check_link(const struct pintle_host *host, struct pintle_inst *inst,
			  const struct conf *conf, char *err, size_t err_len)
{
	const char *page = conf->reset_page;

	if (conf->link && !host->public_url(inst))
		return refuse(err, err_len, "link", "needs server.public_url");
	if (page[strcspn(page, "# \t\r\n")] != '\0')
		return refuse(err, err_len, "reset_page", "must have no '#' and no blanks");
	if ((*page == '/' && page[1] != '/') || strncmp(page, "https://", 8) == 0 ||
	    strncmp(page, "http://", 7) == 0)
		return PINTLE_OK;
	return refuse(err, err_len, "reset_page", "must be a path or a URL");
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	int32_t status = check_mails(conf, err, err_len);
	struct email *self;

	if (status == PINTLE_OK)
		status = check_link(host, inst, conf, err, err_len);
	if (status != PINTLE_OK)
		return status;
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->inst = inst;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct email *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *to, *link = NULL;
	char code[PINTLE_CODE_LEN + 1];
	int32_t status;

	if (host->purpose(call) >= N_PURPOSES)
		return PINTLE_FORBIDDEN;
	status = pintle_code_begin(host, call, "email", code, &to);
	if (status == PINTLE_OK && self->conf->link)
		status = link_make(self, call, to, &link);
	if (status == PINTLE_OK)
		status = mail_send_proof(self, call, to, code, link);
	host->wipe(code, sizeof(code));
	return status;
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct email *self = self_of_inst;
	const struct pintle_host *host = self->host;
	int32_t purpose = host->purpose(call);
	int32_t status = link_is_followed(self, call) ? link_verify(self, call)
						      : pintle_code_verify(host, call, "email");

	if (status != PINTLE_OK || (purpose != PINTLE_CHANGE && purpose != PINTLE_BIND))
		return status;
	return mail_tell(self, call, purpose == PINTLE_CHANGE ? NOTICE_CHANGED : NOTICE_ADDED,
			 host->kept(call, "email"));
}

/* All are told: which one it is, the host finds out when it takes it away. */
static int32_t unbind(void *self_of_inst, struct pintle_call *call)
{
	return mail_tell(self_of_inst, call, NOTICE_REMOVED, NULL);
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
	.unbind = unbind,
};

static const struct pintle_route routes[] = {
	{ "POST", "/api/v1/auth/send-email-code", PINTLE_TO_BEGIN, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Send a code to an e-mail address" },
	{ "POST", "/api/v1/auth/email-login", PINTLE_TO_VERIFY, PINTLE_LOGIN, NULL, NULL, NULL,
	  "Sign in with e-mail address and code" },
	{ "POST", "/api/v1/auth/forgot-password", PINTLE_TO_BEGIN, PINTLE_RESET, NULL, "email",
	  NULL, "Send a code for a new password to an e-mail address" },
	{ "GET", LANDING_PAGE, PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL, landing_show,
	  "The page that the link of a mail leads to" },
	{ "POST", LANDING_PAGE, PINTLE_TO_OP, PINTLE_LOGIN, NULL, NULL, landing_go_on,
	  "Follow the link of a mail" },
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
