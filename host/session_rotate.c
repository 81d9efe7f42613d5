/* SPDX-License-Identifier: Apache-2.0 */
/* Spending a refresh token: one lineage of generations, each with one successor. */
#include "session.h"

#include "clock.h"
#include "session_rows.h"
#include "transact.h"
#include "utf8.h"

#include <assert.h>
#include <pintle/status.h>
#include <string.h>

#define MAX_GRACE_MS 30000
#define MAX_TRIES 8 /* swaps of a record that others write too */

struct rotation {
	const struct token_settings *token;
	const char *id;
	int64_t presented, now_ms;
	struct session_row row; /* as it is after the commit */
	int32_t verdict;        /* of what was committed */
};

/* The successor; BUSY when somebody else was faster, then everything is read again. */
static int32_t advance(struct tx *tx, struct rotation *rotation)
{
	struct session *session = &rotation->row.session;
	struct pintle_value now = db_int(rotation->now_ms);
	int64_t n_changed = 0;
	int32_t status;

	session->last_active_ms = rotation->now_ms;
	session->expires_ms = rotation->now_ms + rotation->token->refresh_ttl_ms;
	if (session->expires_ms > session->absolute_ms)
		session->expires_ms = session->absolute_ms;
	status = db_exec(tx,
			 "UPDATE user_sessions SET generation = generation + 1, rotated_at = ?,"
			 " token_expires_at = ?, refresh_expires_at = ?, last_active_at = ?,"
			 " subject_type = ?, subject_name = ?, updated_at = ?"
			 " WHERE session_id = ? AND generation = ? AND status = 'active'",
			 DB_PARAMS(now, db_int(rotation->now_ms + rotation->token->access_ttl_ms),
				   db_int(session->expires_ms), now, db_text(session->user_type),
				   db_text(session->name), now, db_text(rotation->id),
				   db_int(rotation->presented)),
			 &n_changed, NULL);
	if (status != PINTLE_OK)
		return status;
	rotation->row.generation++;
	return n_changed == 1 ? PINTLE_OK : PINTLE_BUSY;
}

/* Spent before, and not just now: two have the same token, and one of them is a thief. */
static int32_t end_family(struct tx *tx, struct rotation *rotation)
{
	rotation->verdict = PINTLE_CONFLICT;
	return db_exec(tx,
		       "UPDATE user_sessions SET status = 'revoked',"
		       " revoked_reason = 'refresh_reuse', updated_at = ?"
		       " WHERE session_id = ? AND status = 'active'",
		       DB_PARAMS(db_int(rotation->now_ms), db_text(rotation->id)), NULL, NULL);
}

static bool is_in_grace(const struct rotation *rotation)
{
	int64_t grace_ms = rotation->token->refresh_grace_ms;

	if (grace_ms > MAX_GRACE_MS)
		grace_ms = MAX_GRACE_MS;
	return rotation->presented == rotation->row.generation - 1 &&
	       rotation->now_ms - rotation->row.rotated_ms <= grace_ms;
}

static int32_t rotate(struct tx *tx, void *ctx)
{
	struct rotation *rotation = ctx;
	int32_t status = session_row_read(tx, rotation->id, &rotation->row);

	rotation->verdict = PINTLE_OK;
	if (status == PINTLE_NOT_FOUND)
		return PINTLE_DENIED;
	if (status == PINTLE_OK)
		status = session_check(&rotation->row.session, rotation->now_ms);
	if (status == PINTLE_OK)
		status = session_owner_check(tx, &rotation->row.session);
	if (status != PINTLE_OK)
		return status;
	if (rotation->presented > rotation->row.generation)
		return PINTLE_DENIED; /* of a future that SQL has lost */
	if (rotation->presented == rotation->row.generation)
		return advance(tx, rotation);
	return is_in_grace(rotation) ? PINTLE_OK : end_family(tx, rotation);
}

/* The newer of both in each member. */
static void merge(struct session *session, struct session *present)
{
	utf8_copy(present->user_type, sizeof(present->user_type), session->user_type);
	utf8_copy(present->name, sizeof(present->name), session->name);
	if (present->expires_ms < session->expires_ms)
		present->expires_ms = session->expires_ms;
	if (present->last_active_ms < session->last_active_ms)
		present->last_active_ms = session->last_active_ms;
	*session = *present;
}

/* One try: CONFLICT or NOT_FOUND when somebody else has written meanwhile. A record of another release is
 * left alone: it may be a tombstone. */
static int32_t swap_record(const struct kv *kv, struct session *session, int64_t deadline_ms,
			   struct arena *arena)
{
	char key[SESSION_ID_MAX + 2], record[SESSION_RECORD_MAX];
	struct session newer;
	struct kv_result present;
	struct pintle_kv_request request;
	int64_t ttl_ms;
	int32_t status;

	session_key(session->id, key);
	request = kv_get(key);
	status = kv_do(kv, &request, deadline_ms, arena, &present);
	if (status != PINTLE_OK && status != PINTLE_NOT_FOUND)
		return status;
	if (status == PINTLE_OK) {
		if (!session_decode(&newer, present.value, present.value_len))
			return PINTLE_OK;
		if (newer.status != SESSION_ACTIVE)
			return PINTLE_DENIED;
		merge(session, &newer);
	}
	ttl_ms = session->expires_ms - clock_now_ms();
	if (ttl_ms <= 0)
		return PINTLE_DENIED;
	request = kv_add(key, record, session_encode(session, record), ttl_ms);
	if (status == PINTLE_OK) {
		request.op = PINTLE_KV_SWAP;
		request.expect = present.value;
		request.expect_len = present.value_len;
	}
	return kv_do(kv, &request, deadline_ms, NULL, NULL);
}

/* Compared and swapped, never set: the record may have become a tombstone since the commit. */
static int32_t refresh_record(const struct kv *kv, struct session *session, int64_t deadline_ms,
			      struct arena *arena)
{
	int32_t status = PINTLE_CONFLICT;

	for (int i = 0; i < MAX_TRIES; i++) {
		status = swap_record(kv, session, deadline_ms, arena);
		if (status != PINTLE_CONFLICT && status != PINTLE_NOT_FOUND)
			return status;
	}
	return PINTLE_BUSY;
}

/* Now, or before: then its tombstone may be what an earlier try could not write. */
static bool is_revoked(const struct rotation *rotation, int32_t status)
{
	return status == PINTLE_CONFLICT ||
	       (status == PINTLE_DENIED && rotation->row.session.status == SESSION_REVOKED);
}

int32_t session_rotate(const struct kv *kv, struct tx *tx, const struct settings *settings,
		       struct arena *arena, const char *id, int64_t generation, struct session *out,
		       int64_t *generation_out)
{
	struct rotation rotation = {
		.token = &settings->token,
		.id = id,
		.presented = generation,
		.now_ms = clock_now_ms(),
	};
	struct session *session = &rotation.row.session;
	struct session_ids ids = { &session->id, 1 };
	int32_t status;

	assert(!tx->open);
	status = transact(tx, rotate, &rotation);
	if (status == PINTLE_OK)
		status = rotation.verdict;
	if (is_revoked(&rotation, status)) {
		int32_t buried = session_bury(kv, settings, &ids, tx->deadline_ms);

		return buried == PINTLE_OK ? status : buried;
	}
	if (status == PINTLE_OK)
		status = refresh_record(kv, session, tx->deadline_ms, arena);
	if (status != PINTLE_OK)
		return status;
	*out = *session;
	*generation_out = rotation.row.generation;
	return PINTLE_OK;
}
