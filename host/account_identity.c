/* SPDX-License-Identifier: Apache-2.0 */
/* Which identities lead to an account: linking, unlinking, swapping, listing. */
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

struct linking {
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

/* The display copy in users: the oldest verified identity of its kind. */
static int32_t refresh_copy(struct tx *tx, int64_t id, const char *ns)
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

	return status == PINTLE_OK ? refresh_copy(tx, id, identity->ns) : status;
}

/* A second proof of what the account has: it becomes verified if it was not, and its claims newer. */
static int32_t confirm_identity(struct tx *tx, const struct linking *linking)
{
	const struct pintle_identity *identity = linking->identity;
	struct pintle_value now = db_int(clock_now_ms());
	struct pintle_value verified_at = identity->is_verified ? now : PINTLE_P_NULL;
	int64_t n_changed = 0;
	int32_t status =
		db_exec(tx,
			"UPDATE user_identities"
			" SET verified_at = COALESCE(verified_at, ?),"
			" claims = COALESCE(?, claims)"
			" WHERE user_id = ? AND namespace = ? AND subject = ?",
			DB_PARAMS(verified_at, db_text(linking->claims_json), db_int(linking->id),
				  db_text(identity->ns), db_text(identity->subject)),
			&n_changed, NULL);

	/* Somebody else has proved it meanwhile, and it gave way. */
	if (status == PINTLE_OK && n_changed == 0)
		return PINTLE_BUSY;
	return status == PINTLE_OK ? refresh_copy(tx, linking->id, identity->ns) : status;
}

static int32_t link_identity(struct tx *tx, void *ctx)
{
	const struct linking *linking = ctx;
	struct owner owner = { 0 };
	int32_t status = account_lock(tx, linking->id);

	if (status == PINTLE_OK)
		status = identity_make_way(tx, linking->id, linking->identity);
	if (status == PINTLE_OK)
		status = find_owner(tx, linking->identity, &owner);
	if (status != PINTLE_OK)
		return status;
	if (owner.user_id == linking->id)
		return confirm_identity(tx, linking);
	return identity_add(tx, linking->id, linking->identity, linking->instance,
			    linking->claims_json);
}

int32_t account_link(struct tx *tx, int64_t id, const struct pintle_identity *identity,
		     const char *instance, const char *claims_json)
{
	struct linking linking = { id, identity, instance, claims_json };

	return transact(tx, link_identity, &linking);
}

/* The new one first: when it is somebody else's, the old one stays. */
static int32_t replace_identity(struct tx *tx, void *ctx)
{
	const struct linking *linking = ctx;
	const struct pintle_identity *identity = linking->identity;
	int32_t status = link_identity(tx, ctx);

	if (status != PINTLE_OK)
		return status;
	status = db_exec(
		tx,
		"DELETE FROM user_identities"
		" WHERE user_id = ? AND namespace = ? AND subject <> ?",
		DB_PARAMS(db_int(linking->id), db_text(identity->ns), db_text(identity->subject)),
		NULL, NULL);
	return status == PINTLE_OK ? refresh_copy(tx, linking->id, identity->ns) : status;
}

int32_t account_replace(struct tx *tx, int64_t id, const struct pintle_identity *identity,
			const char *instance)
{
	struct linking linking = { id, identity, instance, NULL };

	return transact(tx, replace_identity, &linking);
}

int32_t account_note_identity_use(struct tx *tx, const char *ns, const char *subject,
				  int64_t now_ms)
{
	return db_exec(tx,
		       "UPDATE user_identities SET last_used_at = ?"
		       " WHERE namespace = ? AND subject = ?",
		       DB_PARAMS(db_int(now_ms), db_text(ns), db_text(subject)), NULL, NULL);
}

/* ---- Unlinking ---- */

struct unlinking {
	int64_t id;
	const char *ns, *subject;
	const struct way_in *usable;
	bool is_there;           /* the identity is the account's */
	bool has_direct_way;     /* another one signs in by itself */
	bool has_confirming_way; /* another one signs in once the account is named */
	bool has_name;           /* another one names the account */
};

static bool accepts(const struct way_in *way, const char *ns, const char *instance)
{
	size_t len = strlen(way->ns);

	if (len == 0 || way->ns[len - 1] != '*')
		return strcmp(way->ns, ns) == 0;
	return instance && strncmp(way->ns, ns, len - 1) == 0 &&
	       strcmp(way->instance, instance) == 0;
}

const struct way_in *account_way_in(const struct way_in *usable, const char *ns,
				    const char *instance)
{
	const struct way_in *found = NULL;

	for (; usable && usable->ns; usable++) {
		if (!accepts(usable, ns, instance))
			continue;
		if (instance && strcmp(usable->instance, instance) == 0)
			return usable;
		if (!found)
			found = usable;
	}
	return found;
}

/* Columns: namespace, subject, verified_at, uuid, instance. */
static int32_t weigh_identity(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct unlinking *unlinking = ctx;
	const char *ns = cols[0].ptr, *subject = cols[1].ptr;
	const char *instance = column_text(&cols[4]);
	bool is_confirming = strcmp(subject, cols[3].ptr) == 0;

	(void)n_cols;
	if (strcmp(ns, unlinking->ns) == 0 && strcmp(subject, unlinking->subject) == 0) {
		unlinking->is_there = true;
		return PINTLE_OK;
	}
	if (cols[2].type == PINTLE_V_NULL)
		return PINTLE_OK;
	if (!is_confirming)
		unlinking->has_name = true;
	if (!account_way_in(unlinking->usable, ns, instance))
		return PINTLE_OK;
	if (is_confirming)
		unlinking->has_confirming_way = true;
	else
		unlinking->has_direct_way = true;
	return PINTLE_OK;
}

/* The lock comes first, so that of two parallel unlinks the second sees what the first has left. */
static int32_t unlink_identity(struct tx *tx, void *ctx)
{
	struct unlinking *unlinking = ctx;
	int32_t status = account_lock(tx, unlinking->id);

	if (status != PINTLE_OK)
		return status;
	unlinking->is_there = false;
	unlinking->has_direct_way = unlinking->has_confirming_way = unlinking->has_name = false;
	status = db_each(tx,
			 "SELECT i.namespace, i.subject, i.verified_at, u.uuid, i.instance"
			 " FROM user_identities i JOIN users u ON u.id = i.user_id"
			 " WHERE i.user_id = ?",
			 DB_PARAMS(db_int(unlinking->id)), weigh_identity, unlinking);
	if (status != PINTLE_OK)
		return status;
	if (!unlinking->is_there)
		return PINTLE_NOT_FOUND;
	if (!unlinking->has_direct_way && !(unlinking->has_confirming_way && unlinking->has_name))
		return PINTLE_CONFLICT;
	status = db_exec(tx,
			 "DELETE FROM user_identities"
			 " WHERE user_id = ? AND namespace = ? AND subject = ?",
			 DB_PARAMS(db_int(unlinking->id), db_text(unlinking->ns),
				   db_text(unlinking->subject)),
			 NULL, NULL);
	return status == PINTLE_OK ? refresh_copy(tx, unlinking->id, unlinking->ns) : status;
}

int32_t account_unlink(struct tx *tx, int64_t id, const char *ns, const char *subject,
		       const struct way_in *usable)
{
	struct unlinking unlinking = { .id = id, .ns = ns, .subject = subject, .usable = usable };

	return transact(tx, unlink_identity, &unlinking);
}
