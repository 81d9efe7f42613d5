/* SPDX-License-Identifier: Apache-2.0 */
#include "email.h"

#include <pintle/helpers.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS 60000

const char *mail_action(int32_t purpose, const char *lang)
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

static int lang_index(const char *lang)
{
	return strcmp(lang, "zh") == 0 ? TEMPLATE_ZH : TEMPLATE_EN;
}

static void wipe_and_free(const struct pintle_host *host, char *text)
{
	if (text)
		host->wipe(text, strlen(text));
	free(text);
}

/* Fills the three parts into message, which needs all else, and sends it. */
static int32_t send_filled(const struct email *self, struct pintle_call *call,
			   const char *const texts[TEMPLATE_PARTS], const struct template_var *vars,
			   struct pintle_message *message)
{
	const struct pintle_host *host = self->host;
	char *parts[TEMPLATE_PARTS];
	int32_t status = PINTLE_INTERNAL;

	for (int i = 0; i < TEMPLATE_PARTS; i++)
		parts[i] = template_fill(texts[i], (enum template_part)i, vars);
	message->subject = parts[TEMPLATE_SUBJECT];
	message->text = parts[TEMPLATE_TEXT];
	message->html = parts[TEMPLATE_HTML];
	if (message->subject && message->text && message->html)
		status = host->send(call, self->conf->group, message);
	for (int i = 0; i < TEMPLATE_PARTS; i++)
		wipe_and_free(host, parts[i]);
	return status;
}

/* ---- The mail of a begin ---- */

static void choose_texts(const struct email *self, int which, const char *out[TEMPLATE_PARTS])
{
	for (int i = 0; i < TEMPLATE_PARTS; i++) {
		const char *own = self->conf->mails[which][i];

		out[i] = *own ? own : templates_builtin[self->conf->link][which][i];
	}
}

/* Rounded down: what is said is true. */
static long long minutes_of(const struct email *self)
{
	long long minutes = self->host->flow_ttl_ms(self->inst) / MINUTE_MS;

	return minutes > 0 ? minutes : 1;
}

int32_t mail_send_proof(const struct email *self, struct pintle_call *call, const char *to,
			const char *code, const char *link)
{
	const struct pintle_host *host = self->host;
	const char *lang = host->lang(call), *texts[TEMPLATE_PARTS];
	/* Without a link the list ends before it. */
	const char *const message_vars[] = { "code", code, link ? "link" : NULL, link, NULL };
	int32_t purpose = host->purpose(call);
	char minutes[24];
	const struct template_var vars[] = {
		{ "code", code },       { "link", link ? link : "" },
		{ "email", to },        { "action", mail_action(purpose, lang) },
		{ "minutes", minutes }, { NULL, NULL }
	};
	struct pintle_message message = {
		.size = sizeof(message),
		.purpose = purpose,
		.to = to,
		.template_name = pintle_purpose_word(purpose),
		.vars = message_vars,
		.lang = lang,
	};

	(void)snprintf(minutes, sizeof(minutes), "%lld", minutes_of(self));
	choose_texts(self, lang_index(lang), texts);
	return send_filled(self, call, texts, vars, &message);
}

/* ---- Notices ---- */

#define TOLD_MAX 4 /* addresses of one account that are told */

struct known {
	const char *fresh; /* NULL: none comes */
	int is_known;
	char addresses[TOLD_MAX][256]; /* all but fresh */
	size_t n;
};

static int32_t take_address(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct known *known = ctx;

	if (n_cols != 1)
		return PINTLE_INTERNAL;
	if (known->fresh && strcmp(cols[0].ptr, known->fresh) == 0)
		known->is_known = 1;
	else if (known->n < TOLD_MAX && cols[0].len < sizeof(known->addresses[0]))
		(void)snprintf(known->addresses[known->n++], sizeof(known->addresses[0]), "%s",
			       cols[0].ptr);
	return PINTLE_OK;
}

/* The oldest first: whoever adds more of them keeps no notice from those before. */
static int32_t find_known(const struct email *self, struct pintle_call *call, struct known *known)
{
	const struct pintle_value params[] = { PINTLE_P_INT(self->host->user(call)) };
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "SELECT subject FROM user_identities"
		       " WHERE user_id = ? AND namespace = 'email' ORDER BY bound_at, id",
		.params = params,
		.n_params = 1,
		.row = take_address,
		.ctx = known,
	};

	return self->host->db_query(call, &query);
}

static int32_t tell(const struct email *self, struct pintle_call *call, enum template_notice notice,
		    const char *to)
{
	static const char *const names[TEMPLATE_NOTICES] = { "changed", "added", "removed" };
	const char *lang = self->host->lang(call);
	const struct template_var vars[] = { { "email", to }, { NULL, NULL } };
	struct pintle_message message = {
		.size = sizeof(message),
		.purpose = self->host->purpose(call),
		.to = to,
		.template_name = names[notice],
		.lang = lang,
		.flags = PINTLE_MESSAGE_NOTICE,
	};

	return send_filled(self, call, templates_notices[notice][lang_index(lang)], vars, &message);
}

int32_t mail_tell(const struct email *self, struct pintle_call *call, enum template_notice notice,
		  const char *fresh)
{
	struct known known = { .fresh = fresh };
	int32_t status = find_known(self, call, &known);

	if (status != PINTLE_OK || (known.is_known && notice == NOTICE_ADDED))
		return status;
	for (size_t i = 0; i < known.n; i++)
		if (tell(self, call, notice, known.addresses[i]) != PINTLE_OK)
			self->host->detail(call, "an address of the account could not be told");
	return PINTLE_OK;
}
