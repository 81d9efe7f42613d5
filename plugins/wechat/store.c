/* SPDX-License-Identifier: Apache-2.0 */
/* Table wechat_users: what WeChat told of people, and whose it is. */
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
	int64_t id, uid;
	json_t *info;          /* wechat_info of the row; owned by who reads */
	struct person *person; /* or NULL */
};

static int32_t run(const struct wechat *self, struct pintle_call *call,
		   const struct pintle_query *query)
{
	struct pintle_query whole = *query;

	whole.size = sizeof(whole);
	return self->host->db_query(call, &whole);
}

/* "" is nothing. */
static struct pintle_value text_or_null(const char *text)
{
	return pintle_text(*text ? text : NULL);
}

/* ---- Writing ---- */

static int32_t take_ids(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct reader *reader = ctx;

	(void)n_cols;
	reader->id = cols[0].num;
	reader->uid = cols[1].type == PINTLE_V_NULL ? 0 : cols[1].num;
	return PINTLE_OK;
}

static int32_t find_row(const struct wechat *self, struct pintle_call *call, const char *openid,
			struct reader *reader)
{
	const struct pintle_value params[] = { pintle_text(self->conf->appid),
					       pintle_text(openid) };

	return run(self, call,
		   &(struct pintle_query){
			   .sql = "SELECT id, uid FROM wechat_users"
				  " WHERE appid = ? AND openid = ?",
			   .params = params,
			   .n_params = PINTLE_N(params),
			   .row = take_ids,
			   .ctx = reader,
		   });
}

static int32_t insert_row(const struct wechat *self, struct pintle_call *call, int64_t account_id,
			  const struct person *person)
{
	const struct pintle_value now = PINTLE_P_INT(self->host->now_ms());
	const struct pintle_value params[] = {
		PINTLE_P_INT(account_id),
		pintle_text(self->conf->appid),
		pintle_text(person->openid),
		text_or_null(person->unionid),
		pintle_text(person->nickname),
		pintle_text(person->avatar_url),
		PINTLE_P_INT(person->gender),
		pintle_text(person->country),
		pintle_text(person->province),
		pintle_text(person->city),
		pintle_text("zh_CN"),
		text_or_null(person->session_key),
		text_or_null(person->access_token),
		text_or_null(person->refresh_token),
		PINTLE_P_INT(person->expires_ms),
		now,
		now,
		now,
		now,
	};
	int32_t status = run(
		self, call,
		&(struct pintle_query){
			.sql = "INSERT INTO wechat_users (uid, appid, openid, unionid, nickname,"
			       " avatar_url, gender, country, province, city, language,"
			       " session_key, access_token, refresh_token, expires_at,"
			       " last_login_at, bind_at, created_at, updated_at)"
			       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			.params = params,
			.n_params = PINTLE_N(params),
		});

	return status == PINTLE_CONFLICT ? PINTLE_BUSY : status; /* it is there by now */
}

/* What WeChat has not told this time stays; tokens of a scope that has none go. */
static int32_t update_row(const struct wechat *self, struct pintle_call *call, int64_t account_id,
			  const struct reader *row, const struct person *person)
{
	const struct pintle_value now = PINTLE_P_INT(self->host->now_ms());
	const struct pintle_value params[] = {
		PINTLE_P_INT(account_id),
		PINTLE_P_INT(row->uid == account_id),
		now,
		text_or_null(person->unionid),
		text_or_null(person->nickname),
		text_or_null(person->avatar_url),
		PINTLE_P_INT(person->gender),
		text_or_null(person->country),
		text_or_null(person->province),
		text_or_null(person->city),
		text_or_null(person->session_key),
		text_or_null(person->access_token),
		text_or_null(person->refresh_token),
		PINTLE_P_INT(person->expires_ms),
		now,
		now,
		PINTLE_P_INT(row->id),
	};

	return run(self, call,
		   &(struct pintle_query){
			   .sql = "UPDATE wechat_users SET uid = ?,"
				  " bind_at = CASE WHEN ? = 1 THEN bind_at ELSE ? END,"
				  " unionid = COALESCE(?, unionid),"
				  " nickname = COALESCE(?, nickname),"
				  " avatar_url = COALESCE(?, avatar_url), gender = ?,"
				  " country = COALESCE(?, country),"
				  " province = COALESCE(?, province), city = COALESCE(?, city),"
				  " session_key = ?, access_token = ?, refresh_token = ?,"
				  " expires_at = ?, last_login_at = ?, updated_at = ?"
				  " WHERE id = ?",
			   .params = params,
			   .n_params = PINTLE_N(params),
		   });
}

static int32_t note_found(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)cols;
	(void)n_cols;
	*(bool *)ctx = true;
	return PINTLE_OK;
}

/* An account has one WeChat an app: a second one would be somebody else's way in. */
static int32_t refuse_second(const struct wechat *self, struct pintle_call *call,
			     int64_t account_id, const char *openid)
{
	const struct pintle_value params[] = { PINTLE_P_INT(account_id),
					       pintle_text(self->openid_ns), pintle_text(openid) };
	bool has_other = false;
	int32_t status = run(self, call,
			     &(struct pintle_query){
				     .sql = "SELECT 1 FROM user_identities"
					    " WHERE user_id = ? AND namespace = ? AND subject <> ?",
				     .params = params,
				     .n_params = PINTLE_N(params),
				     .row = note_found,
				     .ctx = &has_other,
			     });

	return status == PINTLE_OK && has_other ? PINTLE_CONFLICT : status;
}

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
	int32_t status = run(self, call,
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

static int32_t tell_account(const struct wechat *self, struct pintle_call *call, int64_t account_id)
{
	struct reader reader = { .self = self, .call = call };
	int32_t status = find_info(self, call, account_id, &reader);

	if (status == PINTLE_OK)
		status = tell_info(self, call, reader.info);
	json_decref(reader.info);
	return status;
}

int32_t store_describe(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	int32_t status = tell_account(self, call, self->host->user(call));

	return status == PINTLE_NOT_FOUND ? self->host->set_json(call, "wechat_info", "null")
					  : status;
}

/* ---- With the account ---- */

struct login_type {
	const struct wechat *self;
	struct pintle_call *call;
	int32_t status;
};

static int32_t tell_type(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct login_type *type = ctx;

	(void)n_cols;
	type->status = type->self->host->set(type->call, "login_type", cols[0].ptr);
	return type->status;
}

static int32_t tell_login_type(const struct wechat *self, struct pintle_call *call,
			       int64_t account_id)
{
	const struct pintle_value params[] = { PINTLE_P_INT(account_id) };
	struct login_type type = { .self = self, .call = call };
	int32_t status = self->host->set_int(call, "user_id", account_id);

	if (status != PINTLE_OK)
		return status;
	return run(self, call,
		   &(struct pintle_query){
			   .sql = "SELECT login_type FROM user_login_types WHERE user_id = ?",
			   .params = params,
			   .n_params = PINTLE_N(params),
			   .row = tell_type,
			   .ctx = &type,
		   });
}

static int32_t let_go(const struct wechat *self, struct pintle_call *call, int64_t account_id)
{
	const struct pintle_value params[] = { PINTLE_P_INT(self->host->now_ms()),
					       PINTLE_P_INT(account_id) };
	int32_t status = run(self, call,
			     &(struct pintle_query){
				     .sql = "UPDATE wechat_users SET uid = NULL, bind_at = NULL,"
					    " session_key = NULL, access_token = NULL,"
					    " refresh_token = NULL, expires_at = NULL,"
					    " updated_at = ? WHERE uid = ?",
				     .params = params,
				     .n_params = PINTLE_N(params),
			     });

	return status == PINTLE_OK ? tell_login_type(self, call, account_id) : status;
}

static int32_t take_over(const struct wechat *self, struct pintle_call *call, int64_t account_id,
			 const struct person *person)
{
	struct reader row = { .self = self, .call = call };
	int32_t status = find_row(self, call, person->openid, &row);

	if (status != PINTLE_OK)
		return status;
	return row.id == 0 ? insert_row(self, call, account_id, person)
			   : update_row(self, call, account_id, &row, person);
}

int32_t store_record(void *self_of_inst, struct pintle_call *call, int64_t account_id,
		     int32_t is_bound)
{
	const struct wechat *self = self_of_inst;
	bool is_bind = self->host->purpose(call) == PINTLE_BIND;
	struct person person;
	int32_t status;

	if (!is_bound)
		return let_go(self, call, account_id);
	status = person_kept(self, call, &person);
	if (status == PINTLE_OK && is_bind)
		status = refuse_second(self, call, account_id, person.openid);
	if (status == PINTLE_OK)
		status = take_over(self, call, account_id, &person);
	if (status != PINTLE_OK || !is_bind)
		return status;
	status = tell_login_type(self, call, account_id);
	return status == PINTLE_OK ? tell_account(self, call, account_id) : status;
}

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

int32_t store_keep_account(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_value params[] = { PINTLE_P_INT(self->host->user(call)) };
	struct named named = { self, call };

	return run(self, call,
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
	int32_t status = run(self, call,
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

int32_t store_renew(void *self_of_inst, struct pintle_call *call)
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
		status = take_over(self, call, account_id, &person);
	return status == PINTLE_OK ? tell_account(self, call, account_id) : status;
}
