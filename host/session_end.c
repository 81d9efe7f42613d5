/* SPDX-License-Identifier: Apache-2.0 */
/* How sessions are revoked: SQL first, which holds whatever happens next, then tombstones. When one of
 * these could not be written the answer is a fault, and asking again writes it. */
#include "session.h"

#include "clock.h"
#include "session_rows.h"
#include "transact.h"

#include <assert.h>
#include <pintle/status.h>
#include <string.h>

struct ending {
	const char *id;
	const char *realm; /* NULL: whoever's it is */
	int64_t subject_id;
	const char *reason;
};

static int32_t end_one(struct tx *tx, void *ctx)
{
	const struct ending *ending = ctx;
	struct session_row row;
	int32_t status = session_row_read(tx, ending->id, &row);

	if (status != PINTLE_OK)
		return status;
	if (ending->realm && (strcmp(row.session.realm, ending->realm) != 0 ||
			      row.session.subject_id != ending->subject_id))
		return PINTLE_NOT_FOUND;
	return db_exec(
		tx,
		"UPDATE user_sessions SET status = 'revoked', revoked_reason = ?,"
		" updated_at = ? WHERE session_id = ? AND status = 'active'",
		DB_PARAMS(db_text(ending->reason), db_int(clock_now_ms()), db_text(ending->id)),
		NULL, NULL);
}

/* Also buries what had ended before: an earlier try may have failed between the two stores. */
static int32_t end_and_bury(const struct kv *kv, struct tx *tx, const struct settings *settings,
			    struct ending *ending)
{
	char id[1][SESSION_ID_MAX] = { "" };
	const struct session_ids ids = { id, 1 };
	size_t len = strlen(ending->id);
	int32_t status;

	assert(!tx->open);
	if (len >= SESSION_ID_MAX)
		return PINTLE_NOT_FOUND;
	memcpy(id[0], ending->id, len);
	status = transact(tx, end_one, ending);
	return status == PINTLE_OK ? session_bury(kv, settings, &ids, tx->deadline_ms) : status;
}

int32_t session_revoke(const struct kv *kv, struct tx *tx, const struct settings *settings,
		       const char *id, const char *reason)
{
	struct ending ending = { .id = id, .reason = reason };

	return end_and_bury(kv, tx, settings, &ending);
}

int32_t session_revoke_own(const struct kv *kv, struct tx *tx, const struct settings *settings,
			   const char *realm, int64_t subject_id, const char *id,
			   const char *reason)
{
	struct ending ending = { id, realm, subject_id, reason };

	return end_and_bury(kv, tx, settings, &ending);
}

struct ending_all {
	const char *realm;
	int64_t subject_id;
	const char *except, *reason;
	struct arena *arena;
	struct session_ids ids;
	int64_t n_ended;
};

static int32_t end_all(struct tx *tx, void *ctx)
{
	struct ending_all *ending = ctx;
	struct session_collector collector = { .arena = ending->arena, .ids = &ending->ids };
	struct pintle_value now = db_int(clock_now_ms());
	int32_t status;

	ending->ids = (struct session_ids){ 0 };
	if (strcmp(ending->realm, SESSION_REALM_USER) == 0) {
		status = account_note_signed_out(tx, ending->subject_id);
		if (status != PINTLE_OK)
			return status;
	}
	status = db_exec(tx,
			 "UPDATE user_sessions SET status = 'revoked', revoked_reason = ?,"
			 " updated_at = ? WHERE realm = ? AND subject_id = ?"
			 " AND status = 'active' AND session_id <> ?",
			 DB_PARAMS(db_text(ending->reason), now, db_text(ending->realm),
				   db_int(ending->subject_id), db_text(ending->except)),
			 &ending->n_ended, NULL);
	if (status != PINTLE_OK)
		return status;
	return db_each(tx,
		       "SELECT session_id FROM user_sessions WHERE realm = ? AND subject_id = ?"
		       " AND status <> 'active' AND session_id <> ? AND absolute_expires_at > ?",
		       DB_PARAMS(db_text(ending->realm), db_int(ending->subject_id),
				 db_text(ending->except), now),
		       session_ids_add, &collector);
}

int32_t session_end_all(struct tx *tx, struct arena *arena, const char *realm, int64_t subject_id,
			const char *reason, struct session_ids *ended)
{
	struct ending_all ending = {
		.realm = realm,
		.subject_id = subject_id,
		.except = "",
		.reason = reason,
		.arena = arena,
	};
	int32_t status = transact(tx, end_all, &ending);

	*ended = ending.ids;
	return status;
}

int32_t session_revoke_all(const struct kv *kv, struct tx *tx, const struct settings *settings,
			   struct arena *arena, const char *realm, int64_t subject_id,
			   const char *except, const char *reason, int64_t *n_out)
{
	struct ending_all ending = {
		.realm = realm,
		.subject_id = subject_id,
		.except = except ? except : "",
		.reason = reason,
		.arena = arena,
	};
	int32_t status;

	assert(!tx->open);
	status = transact(tx, end_all, &ending);
	if (status != PINTLE_OK)
		return status;
	if (n_out)
		*n_out = ending.n_ended;
	return session_bury(kv, settings, &ending.ids, tx->deadline_ms);
}
