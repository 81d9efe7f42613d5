/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner of an account may write into it: everything is checked before anything is written. */
#include "account.h"

#include "account_rows.h"
#include "clock.h"
#include "column.h"
#include "identifier.h"
#include "json.h"
#include "transact.h"
#include "utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_YEAR 1850

struct field;

/* The value to store in *out, lent from json; or the reason why not. */
typedef const char *check_fn(const struct field *field, const json_t *json,
			     struct pintle_value *out);

struct field {
	const char *name; /* of the member and of the column */
	check_fn *check;
	int32_t limit; /* code points, or degrees */
};

/* Controls, line separators, and marks that turn the direction of what follows. */
static bool is_control(int32_t point)
{
	return point < 0x20 || (point >= 0x7F && point <= 0x9F) ||
	       (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

/* An empty text is stored as NULL, like null. */
static const char *text_of(const json_t *json, struct pintle_value *out)
{
	const char *text = json_is_string(json) ? json_string_value(json) : NULL;

	*out = text && *text ? db_text(text) : PINTLE_P_NULL;
	return text || json_is_null(json) ? NULL : "format";
}

static const char *check_text(const struct field *field, const json_t *json,
			      struct pintle_value *out)
{
	const char *reason = text_of(json, out), *at = out->ptr;
	int32_t point, n_points = 0;

	while (at && (point = utf8_next(&at)) != 0) {
		if (is_control(point))
			return "format";
		if (++n_points > field->limit)
			return "too_long";
	}
	return reason;
}

/* A path from one '/' on, or a URL of the web; browsers take a backslash for a slash. */
static bool is_picture_address(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (!isgraph((unsigned char)*at) || strchr("\\\"<>^`{|}", *at))
			return false;
	}
	if (text[0] == '/')
		return text[1] != '/';
	if (strncmp(text, "https://", 8) == 0)
		return isalnum((unsigned char)text[8]) || text[8] == '[';
	return strncmp(text, "http://", 7) == 0 &&
	       (isalnum((unsigned char)text[7]) || text[7] == '[');
}

static const char *check_avatar(const struct field *field, const json_t *json,
				struct pintle_value *out)
{
	const char *reason = check_text(field, json, out);

	if (!reason && out->ptr && !is_picture_address(out->ptr))
		return "format";
	return reason;
}

static const char *check_gender(const struct field *field, const json_t *json,
				struct pintle_value *out)
{
	const char *reason = check_text(field, json, out);
	const char *gender;

	if (reason)
		return reason;
	gender = out->ptr ? out->ptr : "unknown";
	if (strcmp(gender, "male") != 0 && strcmp(gender, "female") != 0 &&
	    strcmp(gender, "unknown") != 0)
		return "format";
	*out = db_text(gender);
	return NULL;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* YYYY-MM-DD, a day of the calendar. */
static bool is_date(const char *text)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;

	if (strlen(text) != 10)
		return false;
	for (int i = 0; i < 10; i++) {
		if (i == 4 || i == 7 ? text[i] != '-' : !isdigit((unsigned char)text[i]))
			return false;
	}
	year = atoi(text);
	month = atoi(text + 5);
	day = atoi(text + 8);
	if (year < FIRST_YEAR || month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && is_leap(year));
}

static const char *check_birthday(const struct field *field, const json_t *json,
				  struct pintle_value *out)
{
	const char *reason = check_text(field, json, out);
	char today[CLOCK_TEXT_MAX];

	if (reason || !out->ptr)
		return reason;
	clock_text(clock_now_ms(), today);
	return is_date(out->ptr) && strncmp(out->ptr, today, 10) <= 0 ? NULL : "format";
}

static const char *check_degrees(const struct field *field, const json_t *json,
				 struct pintle_value *out)
{
	double degrees = json_number_value(json);

	*out = PINTLE_P_NULL;
	if (json_is_null(json))
		return NULL;
	if (!json_is_number(json) || degrees > field->limit || degrees < -field->limit)
		return "format";
	out->type = PINTLE_V_REAL;
	out->real = (double)(int64_t)(degrees * 1e6 + (degrees < 0 ? -0.5 : 0.5)) / 1e6;
	return NULL;
}

static const struct field fields[] = {
	{ "nickname", check_text, 50 },      { "avatar", check_avatar, 255 },
	{ "gender", check_gender, 10 },      { "birthday", check_birthday, 10 },
	{ "province", check_text, 50 },      { "city", check_text, 50 },
	{ "county", check_text, 50 },        { "address", check_text, 200 },
	{ "longitude", check_degrees, 180 }, { "latitude", check_degrees, 90 },
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* Members that exist and are not the owner's to write; a trailing * stands for any end. */
static const char *const forbidden[] = {
	"id",       "uuid",       "user_id",     "user_type",  "role",
	"roles",    "permission", "permissions", "status",     "balance",
	"credit_*", "is_*",       "total_*",     "login_*",    "last_login_*",
	"phone",    "phone_*",    "email",       "email_*",    "real_name",
	"id_card*", "created_at", "updated_at",  "deleted_at", "verified*",
};

static const char *forbidden_member(const json_t *patch)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)patch, name, value) {
		for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
			size_t len = strcspn(forbidden[i], "*");
			bool is_prefix = forbidden[i][len] == '*';

			if (strncmp(name, forbidden[i], len) == 0 && (is_prefix || !name[len]))
				return name;
		}
	}
	return NULL;
}

/* ---- Writing ---- */

struct change {
	int64_t id;
	char sql[512];
	struct pintle_value params[N_FIELDS + 2];
	uint32_t n_params;
	char username[IDENTIFIER_MAX]; /* empty: not to be set */
	const char *field, *reason;
};

static int32_t refuse(struct change *change, const char *field, const char *reason)
{
	change->field = field;
	change->reason = reason;
	return PINTLE_INVALID;
}

static int32_t collect_fields(struct change *change, const json_t *patch)
{
	size_t len = (size_t)snprintf(change->sql, sizeof(change->sql), "UPDATE users SET ");

	for (size_t i = 0; i < N_FIELDS; i++) {
		const json_t *value = json_object_get(patch, fields[i].name);
		const char *reason;

		if (!value)
			continue;
		reason = fields[i].check(&fields[i], value, &change->params[change->n_params]);
		if (reason)
			return refuse(change, fields[i].name, reason);
		change->n_params++;
		len += (size_t)snprintf(change->sql + len, sizeof(change->sql) - len, "%s = ?, ",
					fields[i].name);
	}
	(void)snprintf(change->sql + len, sizeof(change->sql) - len,
		       "updated_at = ? WHERE id = ? AND status <> 'deleted'");
	change->params[change->n_params++] = db_int(clock_now_ms());
	change->params[change->n_params++] = db_int(change->id);
	return PINTLE_OK;
}

static int32_t collect_username(struct change *change, const json_t *patch)
{
	if (!json_object_get(patch, "username"))
		return PINTLE_OK;
	if (!identifier_canonical("username", json_text_member(patch, "username"),
				  change->username))
		return refuse(change, "username", "format");
	return PINTLE_OK;
}

static int32_t read_username(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)n_cols;
	utf8_copy(ctx, IDENTIFIER_MAX, column_text(&cols[0]));
	return PINTLE_OK;
}

/* A name is public and nobody proves it; it is chosen once, so that it stays one person's. */
static int32_t set_username(struct tx *tx, struct change *change)
{
	struct pintle_identity identity = {
		.size = sizeof(identity),
		.is_verified = 1,
		.ns = "username",
		.subject = change->username,
	};
	char present[IDENTIFIER_MAX] = "";
	int32_t status = account_lock(tx, change->id);

	if (status == PINTLE_OK)
		status = db_first(tx, "SELECT username FROM users WHERE id = ?",
				  DB_PARAMS(db_int(change->id)), read_username, present);
	if (status != PINTLE_OK || strcmp(present, change->username) == 0)
		return status;
	if (present[0])
		return refuse(change, "username", "not_allowed");
	status = account_link(tx, change->id, &identity, NULL, NULL);
	return status == PINTLE_CONFLICT ? refuse(change, "username", "taken") : status;
}

static int32_t write_change(struct tx *tx, void *ctx)
{
	struct change *change = ctx;
	int64_t n_changed = 0;
	int32_t status = PINTLE_OK;

	if (change->username[0])
		status = set_username(tx, change);
	if (status == PINTLE_OK)
		status = db_exec(tx, change->sql, change->params, change->n_params, &n_changed,
				 NULL);
	if (status == PINTLE_OK && n_changed == 0)
		return PINTLE_NOT_FOUND;
	return status;
}

static int32_t collect(struct change *change, const json_t *patch)
{
	const char *denied = forbidden_member(patch);
	int32_t status = denied ? refuse(change, denied, "not_allowed") : PINTLE_OK;

	if (status == PINTLE_OK)
		status = collect_fields(change, patch);
	return status == PINTLE_OK ? collect_username(change, patch) : status;
}

int32_t account_check_profile(const json_t *patch, const char **field_out, const char **reason_out)
{
	struct change change = { 0 };
	int32_t status = collect(&change, patch);

	*field_out = change.field;
	*reason_out = change.reason;
	return status;
}

int32_t account_update_profile(struct tx *tx, int64_t id, const json_t *patch,
			       const char **field_out, const char **reason_out)
{
	struct change change = { .id = id };
	int32_t status = collect(&change, patch);

	if (status == PINTLE_OK)
		status = transact(tx, write_change, &change);
	*field_out = change.field;
	*reason_out = change.reason;
	return status;
}
