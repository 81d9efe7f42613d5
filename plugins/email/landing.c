/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that look into mails open every link, so opening ours does nothing: its button does. */
#include "email.h"

#include <pintle/html.h>
#include <pintle/url.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum text { TITLE, WARNING, BUTTON, OVER, N_TEXTS };

static const char *const texts[2][N_TEXTS] = {
	{ "邮件中的链接", "如果不是您在本设备上发起的，请关闭此页面。", "继续",
	  "链接已使用或已失效。邮件中的验证码可能仍然有效；否则请重新申请。" },
	{ "The link of your mail",
	  "If it was not you who asked for it on this device, close this page.", "Go on",
	  "This link has been used or is too old. The code in the mail may still work; else ask "
	  "for another mail." },
};

static void put_form(FILE *out, const struct pintle_host *host, struct pintle_call *call,
		     const char *const *text)
{
	(void)fprintf(out, "<p>%s: ", mail_action(host->purpose(call), host->lang(call)));
	pintle_put_html(out, host->kept(call, "email"));
	(void)fprintf(out,
		      "</p>\n<p>%s</p>\n<form method=\"post\" action=\"" LANDING_PAGE "\">\n"
		      "<input type=\"hidden\" name=\"ticket\" value=\"",
		      text[WARNING]);
	pintle_put_html(out, host->field(call, "ticket"));
	(void)fprintf(out, "\">\n<button>%s</button>\n</form>\n", text[BUTTON]);
}

static int32_t show(const struct email *self, struct pintle_call *call, int is_over)
{
	const struct pintle_host *host = self->host;
	const char *lang = host->lang(call);
	const char *const *text = texts[strcmp(lang, "zh") != 0];
	int32_t status = PINTLE_INTERNAL;
	char *page = NULL;
	size_t len;
	FILE *out = open_memstream(&page, &len);

	if (!out)
		return status;
	pintle_page_begin(out, lang, text[TITLE]);
	if (is_over)
		(void)fprintf(out, "<p>%s</p>\n", text[OVER]);
	else
		put_form(out, host, call, text);
	pintle_page_end(out);
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		status = host->page(call, is_over ? 410 : 200, "text/html; charset=utf-8", page,
				    len);
	free(page);
	return status;
}

/* EXPIRED too when its button was pressed before. */
static int32_t open_link(const struct email *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	const char *ticket = host->field(call, "ticket");
	int32_t status = ticket ? host->flow_by_ticket(call, ticket) : PINTLE_EXPIRED;

	if (status == PINTLE_OK && (host->kept(call, "grant") || !host->kept(call, "return_to")))
		return PINTLE_EXPIRED;
	return status;
}

int32_t landing_show(void *self_of_inst, struct pintle_call *call)
{
	const struct email *self = self_of_inst;
	int32_t status = open_link(self, call);

	if (status == PINTLE_OK || status == PINTLE_EXPIRED)
		return show(self, call, status == PINTLE_EXPIRED);
	return status;
}

static int32_t go_back(const struct pintle_host *host, struct pintle_call *call, const char *grant)
{
	const char *const pairs[] = { "grant", grant, "state", host->kept(call, "state"), NULL };
	const char *url = pintle_url(host, call, host->kept(call, "return_to"), '#', pairs);

	return url ? host->redirect(call, url) : PINTLE_INTERNAL;
}

int32_t landing_go_on(void *self_of_inst, struct pintle_call *call)
{
	const struct email *self = self_of_inst;
	char grant[LINK_SECRET_LEN + 1];
	int32_t status = open_link(self, call);

	if (status == PINTLE_EXPIRED)
		return show(self, call, 1);
	if (status != PINTLE_OK)
		return status;
	status = link_give(self, call, grant);
	if (status == PINTLE_OK)
		status = go_back(self->host, call, grant);
	self->host->wipe(grant, sizeof(grant));
	return status;
}
