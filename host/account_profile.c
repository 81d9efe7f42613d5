/* SPDX-License-Identifier: Apache-2.0 */
/* What an account shows of itself, masked. */
#include "account.h"

#include "clock.h"
#include "column.h"
#include "identifier.h"
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <pintle/status.h>
#include <stdio.h>

/* How a column is shown; a NULL is null, whatever it is. */
typedef json_t *show_fn(const struct pintle_value *col);

struct member {
	const char *name;
	show_fn *show;
};

static json_t *show_int(const struct pintle_value *col)
{
	return json_integer(column_int(col));
}

static json_t *show_flag(const struct pintle_value *col)
{
	return json_boolean(column_int(col) != 0);
}

static json_t *show_real(const struct pintle_value *col)
{
	return json_real(col->type == PINTLE_V_REAL ? col->real : (double)column_int(col));
}

static json_t *show_text(const struct pintle_value *col)
{
	return json_string(column_text(col));
}

static json_t *show_time(const struct pintle_value *col)
{
	char text[CLOCK_TEXT_MAX];

	clock_text(column_int(col), text);
	return json_string(text);
}

static json_t *json_masked(const char *ns, const char *subject)
{
	char masked[IDENTIFIER_MAX];

	mask_subject(ns, subject, masked);
	return json_string(masked);
}

static json_t *show_masked(const char *ns, const struct pintle_value *col)
{
	return json_masked(ns, col->ptr);
}

static json_t *show_phone(const struct pintle_value *col)
{
	return show_masked("phone", col);
}

static json_t *show_email(const struct pintle_value *col)
{
	return show_masked("email", col);
}

static json_t *show_name(const struct pintle_value *col)
{
	return show_masked("name", col);
}

/* After the id, one member a line: its name in JSON, where it comes from, how it is shown. */
#define PROFILE_MEMBERS(X)                                                                         \
	X("uuid", "u.uuid", show_text)                                                             \
	X("username", "u.username", show_text)                                                     \
	X("phone", "u.phone", show_phone)                                                          \
	X("email", "u.email", show_email)                                                          \
	X("nickname", "u.nickname", show_text)                                                     \
	X("user_type", "u.user_type", show_text)                                                   \
	X("status", "u.status", show_text)                                                         \
	X("real_name", "u.real_name", show_name)                                                   \
	X("avatar", "u.avatar", show_text)                                                         \
	X("avatar_url", "u.avatar", show_text)                                                     \
	X("gender", "u.gender", show_text)                                                         \
	X("birthday", "u.birthday", show_text)                                                     \
	X("province", "u.province", show_text)                                                     \
	X("city", "u.city", show_text)                                                             \
	X("county", "u.county", show_text)                                                         \
	X("address", "u.address", show_text)                                                       \
	X("longitude", "u.longitude", show_real)                                                   \
	X("latitude", "u.latitude", show_real)                                                     \
	X("is_real_name_verified", "u.is_real_name_verified", show_flag)                           \
	X("is_bank_card_verified", "u.is_bank_card_verified", show_flag)                           \
	X("is_credit_verified", "u.is_credit_verified", show_flag)                                 \
	X("balance", "u.balance", show_int)                                                        \
	X("credit_score", "u.credit_score", show_int)                                              \
	X("credit_level", "u.credit_level", show_text)                                             \
	X("total_orders", "u.total_orders", show_int)                                              \
	X("total_spent", "u.total_spent", show_int)                                                \
	X("last_login_at", "u.last_login_time", show_time)                                         \
	X("last_login_time", "u.last_login_time", show_time)                                       \
	X("login_count", "u.login_count", show_int)                                                \
	X("created_at", "u.created_at", show_time)                                                 \
	X("updated_at", "u.updated_at", show_time)
#define BRIEF_MEMBERS(X)                                                                           \
	X("uuid", "u.uuid", show_text)                                                             \
	X("phone", "u.phone", show_phone)                                                          \
	X("user_type", "u.user_type", show_text)                                                   \
	X("real_name", "u.real_name", show_name)                                                   \
	X("avatar", "u.avatar", show_text)
#define AS_COLUMN(name, column, show) ", " column
#define AS_MEMBER(name, column, show) { name, show },

static const struct member profile_members[] = { { "id", show_int },
						 { "login_type", show_text },
						 PROFILE_MEMBERS(AS_MEMBER) };
static const struct member brief_members[] = { { "id", show_int }, BRIEF_MEMBERS(AS_MEMBER) };

struct shown {
	const struct member *members;
	size_t n_members;
	json_t *object;
};

static int32_t show_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct shown *shown = ctx;

	assert(n_cols == shown->n_members);
	shown->object = json_object();
	for (size_t i = 0; i < n_cols; i++) {
		const struct member *member = &shown->members[i];
		json_t *value =
			cols[i].type == PINTLE_V_NULL ? json_null() : member->show(&cols[i]);

		if (json_object_set_new(shown->object, member->name, value) != 0)
			return PINTLE_INTERNAL;
	}
	return PINTLE_OK;
}

static int32_t hand_over(int32_t status, json_t *json, json_t **out)
{
	*out = NULL;
	if (status == PINTLE_OK)
		*out = json;
	else
		json_decref(json);
	return status;
}

int32_t account_profile(struct tx *tx, int64_t id, json_t **out)
{
	struct shown shown = {
		.members = profile_members,
		.n_members = sizeof(profile_members) / sizeof(profile_members[0]),
	};
	/* The view gets the id as a parameter: a join would make SQLite build all of it first. */
	int32_t status = db_first(
		tx,
		"SELECT u.id, (SELECT login_type FROM user_login_types"
		" WHERE user_id = ?)" PROFILE_MEMBERS(AS_COLUMN) " FROM users u WHERE u.id = ?",
		DB_PARAMS(db_int(id), db_int(id)), show_row, &shown);

	return hand_over(status, shown.object, out);
}

int32_t account_brief(struct tx *tx, int64_t id, json_t **out)
{
	struct shown shown = {
		.members = brief_members,
		.n_members = sizeof(brief_members) / sizeof(brief_members[0]),
	};
	int32_t status =
		db_first(tx, "SELECT u.id" BRIEF_MEMBERS(AS_COLUMN) " FROM users u WHERE u.id = ?",
			 DB_PARAMS(db_int(id)), show_row, &shown);

	return hand_over(status, shown.object, out);
}

/* ---- Identities ---- */

struct identities {
	const struct way_in *usable;
	json_t *list;
};

static const char *provider_of(const struct identities *identities, const char *ns,
			       const char *instance)
{
	const struct way_in *way = account_way_in(identities->usable, ns, instance);

	return way ? way->instance : instance;
}

/* What its provider calls the person: something to recognise it by, where the subject says nothing. */
static json_t *name_of(const struct pintle_value *claims_col)
{
	const char *text = column_text(claims_col), *why = NULL, *name;
	json_t *claims = text ? json_parse(text, strlen(text), &why) : NULL, *shown = NULL;

	name = json_text_member(claims, "nickname");
	if (name)
		shown = json_string(name);
	else if (json_text_member(claims, "email"))
		shown = json_masked("email", json_text_member(claims, "email"));
	json_decref(claims);
	return shown ? shown : json_null();
}

void account_identity_id(int64_t row_id, char out[ACCOUNT_IDENTITY_ID_MAX])
{
	(void)snprintf(out, ACCOUNT_IDENTITY_ID_MAX, "%" PRId64, row_id);
}

/* Columns: instance, namespace, subject, verified_at, bound_at, last_used_at, claims, id. */
static int32_t show_identity(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct identities *identities = ctx;
	const char *ns = cols[1].ptr,
		   *provider = provider_of(identities, ns, column_text(&cols[0]));
	json_t *last_used = json_null();
	char id[ACCOUNT_IDENTITY_ID_MAX];

	(void)n_cols;
	account_identity_id(column_int(&cols[7]), id);
	if (cols[5].type != PINTLE_V_NULL)
		last_used = show_time(&cols[5]);
	if (json_array_append_new(identities->list,
				  json_pack("{s:s s:s? s:s s:o s:o s:b s:o s:o}", "id", id,
					    "provider", provider, "namespace", ns, "subject",
					    show_masked(ns, &cols[2]), "name", name_of(&cols[6]),
					    "verified", cols[3].type != PINTLE_V_NULL, "bound_at",
					    show_time(&cols[4]), "last_used_at", last_used)) != 0)
		return PINTLE_INTERNAL;
	return PINTLE_OK;
}

int32_t account_identities(struct tx *tx, int64_t id, const struct way_in *usable, json_t **out)
{
	struct identities identities = { usable, json_array() };
	int32_t status = db_each(
		tx,
		"SELECT instance, namespace, subject, verified_at, bound_at, last_used_at, claims,"
		" id FROM user_identities WHERE user_id = ? ORDER BY id",
		DB_PARAMS(db_int(id)), show_identity, &identities);

	return hand_over(status, identities.list, out);
}
