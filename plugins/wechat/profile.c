/* SPDX-License-Identifier: Apache-2.0 */
/* What an account shows of its WeChat, and how that is renewed. */
#include "wechat.h"

#include <jansson.h>
#include <pintle/helpers.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEAL_LABEL "wechat"
#define TIME_MAX 32

struct reader {
	const struct wechat *self;
	struct pintle_call *call;
	int64_t id;
	json_t *info;          /* wechat_info of the row; owned by who reads */
	struct person *person; /* or NULL */
};

/* ---- Reading ---- */

/* The columns of read_info, and of read_tokens after them. */
#define INFO_COLUMNS                                                                               \
	"w.id, w.openid, w.nickname, w.avatar_url, w.gender, w.country, w.province, w.city,"       \
	" w.bind_at"
#define TOKEN_COLUMNS ", w.access_token, w.refresh_token, w.expires_at"

static void time_text(int64_t ms, char out[TIME_MAX])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t len;

	(void)gmtime_r(&seconds, &tm);
	len = strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + len, TIME_MAX - len, ".%03dZ", (int)(ms % 1000));
}

static int32_t read_info(struct reader *reader, const struct pintle_value *cols)
{
	char bound[TIME_MAX];

	time_text(cols[8].type == PINTLE_V_NULL ? 0 : cols[8].num, bound);
	reader->id = cols[0].num;
	json_decref(reader->info);
	reader->info = json_pack("{s:I, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "wechat_user_id",
				 (json_int_t)cols[0].num, "openid", cols[1].ptr, "nickname",
				 cols[2].ptr, "avatar_url", cols[3].ptr, "gender",
				 (json_int_t)cols[4].num, "country", cols[5].ptr, "province",
				 cols[6].ptr, "city", cols[7].ptr, "bind_at", bound);
	return reader->info ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t take_info(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)n_cols;
	return read_info(ctx, cols);
}

static const char *copy_col(const struct reader *reader, const struct pintle_value *col)
{
	char *copy;

	if (col->type == PINTLE_V_NULL)
		return "";
	copy = reader->self->host->alloc(reader->call, col->len + 1);
	return copy ? memcpy(copy, col->ptr, col->len) : NULL;
}

static int32_t take_tokens(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct reader *reader = ctx;
	struct person *person = reader->person;

	(void)n_cols;
	reader->id = cols[0].num;
	person->openid = copy_col(reader, &cols[1]);
	person->access_token = copy_col(reader, &cols[9]);
	person->refresh_token = copy_col(reader, &cols[10]);
	person->expires_ms = cols[11].type == PINTLE_V_NULL ? 0 : cols[11].num;
	return person->openid && person->access_token && person->refresh_token ? PINTLE_OK
									       : PINTLE_INTERNAL;
}

/* The row the account has signed in with last. */
static int32_t find_info(const struct wechat *self, struct pintle_call *call, int64_t account_id,
			 struct reader *reader)
{
	const struct pintle_value params[] = { PINTLE_P_INT(account_id) };
	int32_t status =
		store_run(self, call,
			  &(struct pintle_query){
				  .sql = "SELECT " INFO_COLUMNS " FROM wechat_users w"
					 " WHERE w.uid = ?"
					 " ORDER BY w.last_login_at DESC, w.id DESC LIMIT 1",
				  .params = params,
				  .n_params = PINTLE_N(params),
				  .row = take_info,
				  .ctx = reader,
			  });

	return status == PINTLE_OK && !reader->info ? PINTLE_NOT_FOUND : status;
}

static int32_t tell_info(const struct wechat *self, struct pintle_call *call, const json_t *info)
{
	char *text = json_dumps(info, JSON_COMPACT);
	int32_t status = text ? self->host->set_json(call, "wechat_info", text) : PINTLE_INTERNAL;

	free(text);
	return status;
}

int32_t profile_tell(const struct wechat *self, struct pintle_call *call, int64_t account_id)
{
	struct reader reader = { .self = self, .call = call };
	int32_t status = find_info(self, call, account_id, &reader);

	if (status == PINTLE_OK)
		status = tell_info(self, call, reader.info);
	json_decref(reader.info);
	return status;
}

int32_t profile_describe(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	int32_t status = profile_tell(self, call, self->host->user(call));

	return status == PINTLE_NOT_FOUND ? self->host->set_json(call, "wechat_info", "null")
					  : status;
}

/* ---- Of a binding ---- */

struct named {
	const struct wechat *self;
	struct pintle_call *call;
};

/* As little as its owner knows it by: the end of a number, or a nickname. */
static int32_t keep_name(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	const struct named *named = ctx;
	char name[128] = "?";

	(void)n_cols;
	if (cols[0].type != PINTLE_V_NULL && cols[0].len > 4)
		(void)snprintf(name, sizeof(name), "****%s", cols[0].ptr + cols[0].len - 4);
	else if (cols[1].type != PINTLE_V_NULL && cols[1].len < sizeof(name))
		(void)snprintf(name, sizeof(name), "%s", cols[1].ptr);
	return named->self->host->keep(named->call, "account", name);
}

int32_t profile_keep_account(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_value params[] = { PINTLE_P_INT(self->host->user(call)) };
	struct named named = { self, call };

	return store_run(self, call,
			 &(struct pintle_query){
				 .sql = "SELECT phone, COALESCE(username, nickname) FROM users"
					" WHERE id = ?",
				 .params = params,
				 .n_params = PINTLE_N(params),
				 .row = keep_name,
				 .ctx = &named,
			 });
}

/* ---- Once more from WeChat ---- */

static int32_t open_secret(const struct wechat *self, struct pintle_call *call, const char **secret)
{
	return **secret ? self->host->open(call, SEAL_LABEL, *secret, secret) : PINTLE_OK;
}

static int32_t load_person(const struct wechat *self, struct pintle_call *call,
			   struct reader *reader)
{
	const struct pintle_value params[] = { PINTLE_P_INT(self->host->user(call)),
					       pintle_text(self->conf->appid) };
	int32_t status =
		store_run(self, call,
			  &(struct pintle_query){
				  .sql = "SELECT " INFO_COLUMNS TOKEN_COLUMNS
					 " FROM wechat_users w WHERE w.uid = ? AND w.appid = ?"
					 " ORDER BY w.last_login_at DESC, w.id DESC LIMIT 1",
				  .params = params,
				  .n_params = PINTLE_N(params),
				  .row = take_tokens,
				  .ctx = reader,
			  });

	if (status == PINTLE_OK && reader->id == 0)
		status = PINTLE_NOT_FOUND;
	if (status == PINTLE_OK)
		status = open_secret(self, call, &reader->person->access_token);
	return status == PINTLE_OK ? open_secret(self, call, &reader->person->refresh_token)
				   : status;
}

int32_t profile_renew(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	struct person person = { .openid = "",
				 .unionid = "",
				 .nickname = "",
				 .avatar_url = "",
				 .country = "",
				 .province = "",
				 .city = "",
				 .session_key = "" };
	struct reader reader = { .self = self, .call = call, .person = &person };
	int64_t account_id = self->host->user(call);
	int32_t status = load_person(self, call, &reader);

	if (status == PINTLE_OK)
		status = upstream_renew(self, call, &person);
	if (status == PINTLE_OK)
		status = person_keep(self, call, &person);
	if (status == PINTLE_OK)
		status = person_kept(self, call, &person); /* sealed and tidy */
	if (status == PINTLE_OK)
		status = store_renew(self, call, reader.id, &person);
	return status == PINTLE_OK ? profile_tell(self, call, account_id) : status;
}
