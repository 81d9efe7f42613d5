/* SPDX-License-Identifier: Apache-2.0 */
/* The page that the link of a mail leads to, for who has no page of their own: a form, and what came of it. */
#include "password.h"

#include <pintle/html.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKET_MAX 128

enum text {
	TITLE,
	ADDRESS,
	SECRET,
	RULE,
	BUTTON,
	DONE,
	SIGN_IN,
	OVER,
	SAME,
	NOBODY,
	FROZEN,
	N_TEXTS
};

static const char *const texts[2][N_TEXTS] = {
	{ "设置新密码", "邮箱", "新密码",
	  "太常见的、与邮箱相近的和正在使用的密码不能用。最少字符数：", "保存",
	  "密码已更换，所有设备均已退出登录。", "去登录", "链接已失效，请重新申请。",
	  "密码没有更换：不能使用正在使用或刚用过的密码。此链接已失效，请重新申请。",
	  "没有使用此邮箱的账号。", "此账号已被冻结。" },
	{ "Set a new password", "E-mail address", "New password",
	  "Not a common one, nor like your address, nor the present one. Least length: ", "Save",
	  "The password is changed, and you are signed out everywhere.", "Sign in",
	  "This link has been used or is too old. Ask for another.",
	  "Nothing was changed: it is the present password or a recent one. Ask for another link.",
	  "No account uses this address.", "This account is frozen." },
};

static const char *const *texts_of(const struct pintle_host *host, struct pintle_call *call)
{
	return texts[strcmp(host->lang(call), "zh") != 0];
}

/* ---- Writing ---- */

static void put_form(FILE *out, const struct password *self, struct pintle_call *call, int is_again)
{
	const struct pintle_host *host = self->host;
	const char *const *text = texts_of(host, call);
	long long least = (long long)self->conf->min_length;

	(void)fprintf(out, "<form method=\"post\" action=\"" PASSWORD_PAGE "\">\n<label>%s\n",
		      text[ADDRESS]);
	(void)fputs(
		"<input type=\"email\" name=\"email\" autocomplete=\"username\" readonly value=\"",
		out);
	pintle_put_html(out, host->field(call, "email"));
	(void)fputs("\"></label>\n<input type=\"hidden\" name=\"ticket\" value=\"", out);
	pintle_put_html(out, host->field(call, "ticket"));
	(void)fprintf(out,
		      "\">\n<label>%s\n<input type=\"password\" name=\"new_password\" "
		      "autocomplete=\"new-password\" required minlength=\"%lld\"></label>\n"
		      "<p%s>%s%lld</p>\n<button>%s</button>\n</form>\n",
		      text[SECRET], least, is_again ? " role=\"alert\"" : "", text[RULE], least,
		      text[BUTTON]);
}

/* A page is a form or a sentence; with a way on after the good one. */
static int32_t show(const struct password *self, struct pintle_call *call, int32_t http_status,
		    enum text what)
{
	const struct pintle_host *host = self->host;
	const char *const *text = texts_of(host, call);
	int32_t status = PINTLE_INTERNAL;
	char *page = NULL;
	size_t len;
	FILE *out = open_memstream(&page, &len);

	if (!out)
		return status;
	pintle_page_begin(out, host->lang(call), text[TITLE]);
	if (what == RULE)
		put_form(out, self, call, http_status != 200);
	else
		(void)fprintf(out, "<p>%s</p>\n", text[what]);
	if (what == DONE)
		(void)fprintf(out, "<p><a href=\"/login\">%s</a></p>\n", text[SIGN_IN]);
	pintle_page_end(out);
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		status = host->page(call, http_status, "text/html; charset=utf-8", page, len);
	free(page);
	return status;
}

/* ---- The ops ---- */

static int has_link(const struct pintle_host *host, struct pintle_call *call)
{
	const char *email = host->field(call, "email"), *ticket = host->field(call, "ticket");

	return email && host->canonical(call, "email", email) && ticket && *ticket &&
	       strlen(ticket) <= TICKET_MAX;
}

int32_t password_page(void *self_of_inst, struct pintle_call *call)
{
	const struct password *self = self_of_inst;

	return has_link(self->host, call) ? show(self, call, 200, RULE)
					  : show(self, call, 410, OVER);
}

int32_t password_page_sent(void *self_of_inst, struct pintle_call *call)
{
	const struct password *self = self_of_inst;
	int32_t status = PINTLE_EXPIRED;

	if (has_link(self->host, call))
		status = password_reset_check(self, call);
	if (status == PINTLE_INVALID)
		return show(self, call, 422, RULE); /* the link is as good as before */
	if (status == PINTLE_OK)
		status = password_reset(self_of_inst, call);
	switch (status) {
	case PINTLE_OK:
		return show(self, call, 200, DONE);
	case PINTLE_INVALID:
		return show(self, call, 422, SAME);
	case PINTLE_DENIED:
	case PINTLE_EXPIRED:
		return show(self, call, 410, OVER);
	case PINTLE_NOT_FOUND:
		return show(self, call, 404, NOBODY);
	case PINTLE_FORBIDDEN:
		return show(self, call, 403, FROZEN);
	default:
		return status;
	}
}
