/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and their identities. What an account shows of itself is account_profile.c's. */
#include "account.h"

#include "account_rows.h"
#include "clock.h"
#include "column.h"
#include "rng.h"
#include "transact.h"
#include "utf8.h"

#include <string.h>

#define ACCOUNT_COLUMNS                                                                            \
	"u.id, u.uuid, u.status, u.user_type, u.nickname, u.real_name, u.signed_out_at"

static const char *const status_names[] = { "active", "frozen", "deleted" };

static int32_t status_of(const char *name)
{
	for (int32_t i = PINTLE_ACTIVE; i < PINTLE_DELETED; i++) {
		if (name && strcmp(name, status_names[i]) == 0)
			return i;
	}
	return PINTLE_DELETED;
}

static int32_t read_account(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct account *account = ctx;
	const char *name = column_text(&cols[4]);

	(void)n_cols;
	if (!name || !*name)
		name = column_text(&cols[5]);
	*account = (struct account){ .id = column_int(&cols[0]),
				     .status = status_of(column_text(&cols[2])),
				     .signed_out_ms = column_int(&cols[6]) };
	utf8_copy(account->uuid, sizeof(account->uuid), column_text(&cols[1]));
	utf8_copy(account->user_type, sizeof(account->user_type), column_text(&cols[3]));
	utf8_copy(account->name, sizeof(account->name), name);
	return PINTLE_OK;
}

int32_t account_find(struct tx *tx, const char *ns, const char *subject, bool must_be_verified,
		     struct account *out)
{
	return db_first(tx,
			"SELECT " ACCOUNT_COLUMNS " FROM user_identities i"
			" JOIN users u ON u.id = i.user_id"
			" WHERE i.namespace = ? AND i.subject = ?"
			" AND (i.verified_at IS NOT NULL OR ? = 0)",
			DB_PARAMS(db_text(ns), db_text(subject), db_int(must_be_verified)),
			read_account, out);
}

int32_t account_by_id(struct tx *tx, int64_t id, struct account *out)
{
	return db_first(tx, "SELECT " ACCOUNT_COLUMNS " FROM users u WHERE u.id = ?",
			DB_PARAMS(db_int(id)), read_account, out);
}

int32_t account_by_uuid(struct tx *tx, const char *uuid, struct account *out)
{
	return db_first(tx, "SELECT " ACCOUNT_COLUMNS " FROM users u WHERE u.uuid = ?",
			DB_PARAMS(db_text(uuid)), read_account, out);
}

int32_t account_lock(struct tx *tx, int64_t id)
{
	int64_t n_changed = 0;
	int32_t status = db_exec(tx,
				 "UPDATE users SET updated_at = ?"
				 " WHERE id = ? AND status <> 'deleted'",
				 DB_PARAMS(db_int(clock_now_ms()), db_int(id)), &n_changed, NULL);

	if (status == PINTLE_OK && n_changed == 0)
		return PINTLE_NOT_FOUND;
	return status;
}

/* ---- A new account ---- */

struct creation {
	const struct pintle_identity *identity;
	const char *instance, *claims_json, *user_type;
	struct account *out;
};

static int32_t insert_user(struct tx *tx, const struct creation *creation)
{
	int64_t now = clock_now_ms();
	struct account *account = creation->out;

	*account = (struct account){ .status = PINTLE_ACTIVE };
	if (!rng_uuid(account->uuid))
		return PINTLE_INTERNAL;
	utf8_copy(account->user_type, sizeof(account->user_type), creation->user_type);
	return db_exec(tx,
		       "INSERT INTO users (uuid, user_type, created_at, updated_at)"
		       " VALUES (?, ?, ?, ?)",
		       DB_PARAMS(db_text(account->uuid), db_text(account->user_type), db_int(now),
				 db_int(now)),
		       NULL, &account->id);
}

/* The owner is looked for before anything is written: a CONFLICT leaves a caller's transaction as it
 * was. Where two transactions can both find none, the unique index decides. */
static int32_t create(struct tx *tx, void *ctx)
{
	const struct creation *creation = ctx;
	int32_t status = identity_make_way(tx, 0, creation->identity);

	if (status != PINTLE_OK)
		return status;
	status = insert_user(tx, creation);
	if (status != PINTLE_OK)
		return status;
	status = identity_add(tx, creation->out->id, creation->identity, creation->instance,
			      creation->claims_json);
	if (status == PINTLE_CONFLICT) {
		int32_t undone = db_exec(tx, "DELETE FROM users WHERE id = ?",
					 DB_PARAMS(db_int(creation->out->id)), NULL, NULL);

		return undone == PINTLE_OK ? PINTLE_CONFLICT : undone;
	}
	return status;
}

bool account_type_ok(const struct account_settings *settings, const char *user_type)
{
	for (const char *const *type = settings->user_types; *type; type++) {
		if (strcmp(*type, user_type) == 0)
			return true;
	}
	return false;
}

int32_t account_create(struct tx *tx, const struct account_settings *settings,
		       const struct pintle_identity *identity, const char *instance,
		       const char *claims_json, const char *user_type, struct account *out)
{
	struct creation creation = {
		.identity = identity,
		.instance = instance,
		.claims_json = claims_json,
		.user_type = user_type ? user_type : settings->user_types[0],
		.out = out,
	};

	if (!account_type_ok(settings, creation.user_type))
		return PINTLE_INVALID;
	return transact(tx, create, &creation);
}

/* ---- Its state ---- */

struct status_change {
	int64_t id;
	int32_t status;
};

static int32_t delete_account(struct tx *tx, int64_t id)
{
	int64_t now = clock_now_ms();
	int32_t status = db_exec(tx, "DELETE FROM user_identities WHERE user_id = ?",
				 DB_PARAMS(db_int(id)), NULL, NULL);

	if (status != PINTLE_OK)
		return status;
	return db_exec(tx,
		       "UPDATE users SET status = 'deleted', deleted_at = ?, updated_at = ?,"
		       " phone = NULL, email = NULL, username = NULL WHERE id = ?",
		       DB_PARAMS(db_int(now), db_int(now), db_int(id)), NULL, NULL);
}

static int32_t change_status(struct tx *tx, void *ctx)
{
	const struct status_change *change = ctx;
	int32_t status = account_lock(tx, change->id);

	if (status != PINTLE_OK)
		return status;
	if (change->status == PINTLE_DELETED)
		return delete_account(tx, change->id);
	return db_exec(tx, "UPDATE users SET status = ? WHERE id = ?",
		       DB_PARAMS(db_text(status_names[change->status]), db_int(change->id)), NULL,
		       NULL);
}

int32_t account_set_status(struct tx *tx, int64_t id, int32_t status)
{
	struct status_change change = { id, status };

	if (status < PINTLE_ACTIVE || status > PINTLE_DELETED)
		return PINTLE_INVALID;
	return transact(tx, change_status, &change);
}

/* COALESCE keeps the index of status out of it: MariaDB would take two locks in an order of its own, and
 * sign-ins of one account would be deadlocks. */
#define NOTE_LOGIN                                                                                 \
	"UPDATE users SET last_login_time = ?, last_login_ip = ?, login_count = login_count + 1"   \
	" WHERE id = ? AND COALESCE(status, '') = 'active' AND signed_out_at <= ?"
#define HAS_IDENTITY                                                                               \
	" AND EXISTS (SELECT 1 FROM user_identities i WHERE i.user_id = users.id"                  \
	" AND i.namespace = ? AND i.subject = ? AND i.verified_at IS NOT NULL)"

int32_t account_note_login(struct tx *tx, int64_t id, const struct login *login)
{
	const struct pintle_identity *identity = login->identity;
	const struct pintle_value params[] = {
		db_int(login->at_ms),
		db_text(login->ip),
		db_int(id),
		db_int(login->began_ms),
		db_text(identity ? identity->ns : NULL),
		db_text(identity ? identity->subject : NULL),
	};
	int64_t n_changed = 0;
	int32_t status = db_exec(tx, identity ? NOTE_LOGIN HAS_IDENTITY : NOTE_LOGIN, params,
				 identity ? 6 : 4, &n_changed, NULL);

	return status == PINTLE_OK && n_changed == 0 ? PINTLE_BUSY : status;
}

int32_t account_note_signed_out(struct tx *tx, int64_t id)
{
	return db_exec(tx, "UPDATE users SET signed_out_at = ? WHERE id = ?",
		       DB_PARAMS(db_int(clock_now_ms()), db_int(id)), NULL, NULL);
}
