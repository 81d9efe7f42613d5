/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the owner of an account that it has a new password, in case it was not them. */
#include "password.h"

#include <pintle/helpers.h>

#include <stdio.h>
#include <string.h>

#define ADDRESS_MAX 256

static const struct {
	const char *subject, *text;
} notices[2] = {
	{ "您的账号有了新密码",
	  "您好：\n\n您的账号设置了新密码。\n如果不是您本人操作，请立即重置密码并联系我们。\n" },
	{ "Your account has a new password", "Hello,\n\nyour account has a new password.\n"
					     "If it was not you, reset it and tell us at once.\n" },
};

static int32_t take_address(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	if (n_cols != 1)
		return PINTLE_INTERNAL;
	(void)snprintf(ctx, ADDRESS_MAX, "%s", cols[0].ptr);
	return PINTLE_OK;
}

static int32_t find_address(const struct pintle_host *host, struct pintle_call *call,
			    int64_t user_id, char address[ADDRESS_MAX])
{
	const struct pintle_value params[] = { PINTLE_P_INT(user_id) };
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "SELECT subject FROM user_identities WHERE user_id = ?"
		       " AND namespace = 'email' AND verified_at IS NOT NULL"
		       " ORDER BY bound_at LIMIT 1",
		.params = params,
		.n_params = 1,
		.row = take_address,
		.ctx = address,
	};

	return host->db_query(call, &query);
}

void notice_send(const struct password *self, struct pintle_call *call, int64_t user_id)
{
	const struct pintle_host *host = self->host;
	const char *lang = host->lang(call);
	int which = strcmp(lang, "zh") != 0;
	char address[ADDRESS_MAX] = "";
	const struct pintle_message message = {
		.size = sizeof(message),
		.purpose = host->purpose(call),
		.to = address,
		.template_name = "password",
		.subject = notices[which].subject,
		.text = notices[which].text,
		.lang = lang,
		.flags = PINTLE_MESSAGE_NOTICE,
	};
	int32_t status;

	if (!*self->conf->notices)
		return;
	status = find_address(host, call, user_id, address);
	if (status == PINTLE_OK && *address)
		status = host->send(call, self->conf->notices, &message);
	if (status != PINTLE_OK)
		host->detail(call, "the owner could not be told of the new password");
}
