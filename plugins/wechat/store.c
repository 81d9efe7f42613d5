/* SPDX-License-Identifier: Apache-2.0 */
/* Writing wechat_users, in step with the accounts. */
#include "wechat.h"

#include <pintle/helpers.h>

int32_t store_run(const struct wechat *self, struct pintle_call *call,
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

/* ---- Rows ---- */

struct row {
	int64_t id, uid; /* 0: none */
	bool is_renewed; /* read again, not signed in with */
};

static int32_t take_ids(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct row *row = ctx;

	(void)n_cols;
	row->id = cols[0].num;
	row->uid = cols[1].type == PINTLE_V_NULL ? 0 : cols[1].num;
	return PINTLE_OK;
}

static int32_t find_row(const struct wechat *self, struct pintle_call *call, const char *openid,
			struct row *row)
{
	const struct pintle_value params[] = { pintle_text(self->conf->appid),
					       pintle_text(openid) };

	return store_run(self, call,
			 &(struct pintle_query){
				 .sql = "SELECT id, uid FROM wechat_users"
					" WHERE appid = ? AND openid = ?",
				 .params = params,
				 .n_params = PINTLE_N(params),
				 .row = take_ids,
				 .ctx = row,
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
	int32_t status = store_run(
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

/* What WeChat has not told this time stays; tokens of a scope that has none go. NOT_FOUND when the row
 * has become another account's since it was read. */
static int32_t update_row(const struct wechat *self, struct pintle_call *call, int64_t account_id,
			  const struct row *row, const struct person *person)
{
	const struct pintle_value now = PINTLE_P_INT(self->host->now_ms());
	struct pintle_db_result result = { .size = sizeof(result) };
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
		row->is_renewed ? (struct pintle_value)PINTLE_P_NULL : now,
		now,
		PINTLE_P_INT(row->id),
		PINTLE_P_INT(row->uid),
	};
	int32_t status = store_run(
		self, call,
		&(struct pintle_query){
			.sql = "UPDATE wechat_users SET uid = ?,"
			       " bind_at = CASE WHEN ? = 1 THEN bind_at ELSE ? END,"
			       " unionid = COALESCE(?, unionid),"
			       " nickname = COALESCE(?, nickname),"
			       " avatar_url = COALESCE(?, avatar_url), gender = ?,"
			       " country = COALESCE(?, country),"
			       " province = COALESCE(?, province), city = COALESCE(?, city),"
			       " session_key = ?, access_token = ?, refresh_token = ?,"
			       " expires_at = ?, last_login_at = COALESCE(?, last_login_at),"
			       " updated_at = ? WHERE id = ? AND COALESCE(uid, 0) = ?",
			.params = params,
			.n_params = PINTLE_N(params),
			.result = &result,
		});

	return status == PINTLE_OK && result.n_changed == 0 ? PINTLE_NOT_FOUND : status;
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
	int32_t status =
		store_run(self, call,
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
	return store_run(self, call,
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
	int32_t status =
		store_run(self, call,
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

/* Writes what person_kept gave, as the account's. */
static int32_t take_over(const struct wechat *self, struct pintle_call *call, int64_t account_id,
			 const struct person *person)
{
	struct row row = { 0 };
	int32_t status = find_row(self, call, person->openid, &row);

	if (status != PINTLE_OK)
		return status;
	if (row.id == 0)
		return insert_row(self, call, account_id, person);
	status = update_row(self, call, account_id, &row, person);
	return status == PINTLE_NOT_FOUND ? PINTLE_BUSY : status;
}

int32_t store_renew(const struct wechat *self, struct pintle_call *call, int64_t row_id,
		    const struct person *person)
{
	const struct row row = { .id = row_id, .uid = self->host->user(call), .is_renewed = true };

	return update_row(self, call, row.uid, &row, person);
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
	return status == PINTLE_OK ? profile_tell(self, call, account_id) : status;
}
