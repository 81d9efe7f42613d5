/* SPDX-License-Identifier: Apache-2.0 */
/* Which identities lead to an account: linking and swapping. How they are taken away is account_unlink.c's. */
#include "account.h"

#include "account_rows.h"
#include "clock.h"
#include "column.h"
#include "identifier.h"
#include "transact.h"

#include <string.h>

struct owner {
	int64_t user_id;
	bool is_verified;
};

struct bond {
	int64_t id;
	const struct pintle_identity *identity;
	const char *instance, *claims_json;
};

static int32_t read_owner(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct owner *owner = ctx;

	(void)n_cols;
	owner->user_id = column_int(&cols[0]);
	owner->is_verified = cols[1].type != PINTLE_V_NULL;
	return PINTLE_OK;
}

/* user_id stays 0 when nobody has it. */
static int32_t find_owner(struct tx *tx, const struct pintle_identity *identity,
			  struct owner *owner)
{
	int32_t status = db_first(tx,
				  "SELECT user_id, verified_at FROM user_identities"
				  " WHERE namespace = ? AND subject = ?",
				  DB_PARAMS(db_text(identity->ns), db_text(identity->subject)),
				  read_owner, owner);

	return status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}

int32_t identity_refresh_copy(struct tx *tx, int64_t id, const char *ns)
{
#define COPY_SQL(column)                                                                           \
	"UPDATE users SET " column " = (SELECT i.subject FROM user_identities i"                   \
	" WHERE i.user_id = users.id AND i.namespace = '" column "'"                               \
	" AND i.verified_at IS NOT NULL ORDER BY i.id LIMIT 1) WHERE id = ?"
	static const struct {
		const char *ns, *sql;
	} copies[] = {
		{ "phone", COPY_SQL("phone") },
		{ "email", COPY_SQL("email") },
		{ "username", COPY_SQL("username") },
	};
#undef COPY_SQL

	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		if (strcmp(copies[i].ns, ns) == 0)
			return db_exec(tx, copies[i].sql, DB_PARAMS(db_int(id)), NULL, NULL);
	}
	return PINTLE_OK;
}

int32_t identity_make_way(struct tx *tx, int64_t id, const struct pintle_identity *identity)
{
	struct owner owner = { 0 };
	int32_t status = find_owner(tx, identity, &owner);

	if (status != PINTLE_OK || owner.user_id == 0 || owner.user_id == id)
		return status;
	if (owner.is_verified || !identity->is_verified)
		return PINTLE_CONFLICT;
	/* Its owner may be proving it now: then it stays, and the unique index says whose it is. */
	return db_exec(tx,
		       "DELETE FROM user_identities"
		       " WHERE namespace = ? AND subject = ? AND verified_at IS NULL",
		       DB_PARAMS(db_text(identity->ns), db_text(identity->subject)), NULL, NULL);
}

int32_t identity_add(struct tx *tx, int64_t id, const struct pintle_identity *identity,
		     const char *instance, const char *claims_json)
{
	int64_t now = clock_now_ms();
	struct pintle_value verified_at = identity->is_verified ? db_int(now) : PINTLE_P_NULL;
	int32_t status = db_exec(
		tx,
		"INSERT INTO user_identities"
		" (user_id, namespace, subject, verified_at, instance, claims, bound_at)"
		" VALUES (?, ?, ?, ?, ?, ?, ?)",
		DB_PARAMS(db_int(id), db_text(identity->ns), db_text(identity->subject),
			  verified_at, db_text(instance), db_text(claims_json), db_int(now)),
		NULL, NULL);

	return status == PINTLE_OK ? identity_refresh_copy(tx, id, identity->ns) : status;
}

/* A second proof of what the account has: it becomes verified if it was not, and its claims newer. */
static int32_t confirm_identity(struct tx *tx, const struct bond *bond)
{
	const struct pintle_identity *identity = bond->identity;
	struct pintle_value now = db_int(clock_now_ms());
	struct pintle_value verified_at = identity->is_verified ? now : PINTLE_P_NULL;
	int64_t n_changed = 0;
	int32_t status =
		db_exec(tx,
			"UPDATE user_identities"
			" SET verified_at = COALESCE(verified_at, ?),"
			" claims = COALESCE(?, claims)"
			" WHERE user_id = ? AND namespace = ? AND subject = ?",
			DB_PARAMS(verified_at, db_text(bond->claims_json), db_int(bond->id),
				  db_text(identity->ns), db_text(identity->subject)),
			&n_changed, NULL);

	/* Somebody else has proved it meanwhile, and it gave way. */
	if (status == PINTLE_OK && n_changed == 0)
		return PINTLE_BUSY;
	return status == PINTLE_OK ? identity_refresh_copy(tx, bond->id, identity->ns) : status;
}

static int32_t link_identity(struct tx *tx, void *ctx)
{
	const struct bond *bond = ctx;
	struct owner owner = { 0 };
	int32_t status = account_lock(tx, bond->id);

	if (status == PINTLE_OK)
		status = identity_make_way(tx, bond->id, bond->identity);
	if (status == PINTLE_OK)
		status = find_owner(tx, bond->identity, &owner);
	if (status != PINTLE_OK)
		return status;
	if (owner.user_id == bond->id)
		return confirm_identity(tx, bond);
	return identity_add(tx, bond->id, bond->identity, bond->instance, bond->claims_json);
}

int32_t account_link(struct tx *tx, int64_t id, const struct pintle_identity *identity,
		     const char *instance, const char *claims_json)
{
	struct bond bond = { id, identity, instance, claims_json };

	return transact(tx, link_identity, &bond);
}

/* The new one first: when it is somebody else's, the old one stays. */
static int32_t replace_identity(struct tx *tx, void *ctx)
{
	const struct bond *bond = ctx;
	const struct pintle_identity *identity = bond->identity;
	int32_t status = link_identity(tx, ctx);

	if (status != PINTLE_OK)
		return status;
	status = db_exec(
		tx,
		"DELETE FROM user_identities"
		" WHERE user_id = ? AND namespace = ? AND subject <> ?",
		DB_PARAMS(db_int(bond->id), db_text(identity->ns), db_text(identity->subject)),
		NULL, NULL);
	return status == PINTLE_OK ? identity_refresh_copy(tx, bond->id, identity->ns) : status;
}

int32_t account_replace(struct tx *tx, int64_t id, const struct pintle_identity *identity,
			const char *instance)
{
	struct bond bond = { id, identity, instance, NULL };

	return transact(tx, replace_identity, &bond);
}

int32_t account_note_identity_use(struct tx *tx, const char *ns, const char *subject,
				  int64_t now_ms)
{
	return db_exec(tx,
		       "UPDATE user_identities SET last_used_at = ?"
		       " WHERE namespace = ? AND subject = ?",
		       DB_PARAMS(db_int(now_ms), db_text(ns), db_text(subject)), NULL, NULL);
}
