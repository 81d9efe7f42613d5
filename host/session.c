/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions while they live: opened, looked up, listed. How they end is session_end.c's. */
#include "session.h"

#include "clock.h"
#include "column.h"
#include "rng.h"
#include "session_rows.h"
#include "utf8.h"

#include <assert.h>
#include <pintle/status.h>
#include <string.h>

#define MAX_ENDED 1000000  /* rows; more sessions than anybody has */
#define BURIED_AT_ONCE 200 /* tombstones on their way: others need the store too */

/* ---- Rows ---- */

int32_t session_ids_add(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct session_collector *collector = ctx;
	struct session_ids *ids = collector->ids;

	(void)n_cols;
	if (ids->n_ids == collector->n_room) {
		size_t n_room = collector->n_room ? 2 * collector->n_room : 8;
		void *moved = arena_alloc(collector->arena, n_room * sizeof(*ids->ids));

		if (ids->n_ids > 0)
			memcpy(moved, ids->ids, ids->n_ids * sizeof(*ids->ids));
		ids->ids = moved;
		collector->n_room = n_room;
	}
	utf8_copy(ids->ids[ids->n_ids++], SESSION_ID_MAX, column_text(&cols[0]));
	return PINTLE_OK;
}

static int32_t status_of(const char *name)
{
	if (name && strcmp(name, "active") == 0)
		return SESSION_ACTIVE;
	return name && strcmp(name, "expired") == 0 ? SESSION_EXPIRED : SESSION_REVOKED;
}

static int32_t read_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct session_row *row = ctx;
	struct session *session = &row->session;

	assert(n_cols == 17);
	*row = (struct session_row){
		.session = {
			.status = status_of(column_text(&cols[1])),
			.subject_id = column_int(&cols[3]),
			.permission_epoch = column_int(&cols[10]),
			.created_ms = column_int(&cols[11]),
			.expires_ms = column_int(&cols[12]),
			.absolute_ms = column_int(&cols[13]),
			.last_active_ms = column_int(&cols[14]),
		},
		.generation = column_int(&cols[15]),
		.rotated_ms = column_int(&cols[16]),
	};
	utf8_copy(session->id, sizeof(session->id), column_text(&cols[0]));
	utf8_copy(session->realm, sizeof(session->realm), column_text(&cols[2]));
	utf8_copy(session->uuid, sizeof(session->uuid), column_text(&cols[4]));
	utf8_copy(session->user_type, sizeof(session->user_type), column_text(&cols[5]));
	utf8_copy(session->name, sizeof(session->name), column_text(&cols[6]));
	utf8_copy(session->platform, sizeof(session->platform), column_text(&cols[7]));
	utf8_copy(session->roles, sizeof(session->roles), column_text(&cols[8]));
	utf8_copy(session->permissions, sizeof(session->permissions), column_text(&cols[9]));
	return PINTLE_OK;
}

int32_t session_row_read(struct tx *tx, const char *id, struct session_row *out)
{
	return db_first(tx,
			"SELECT session_id, status, realm, subject_id, subject_uuid, subject_type,"
			" subject_name, platform, roles, permissions, permission_epoch, created_at,"
			" refresh_expires_at, absolute_expires_at, last_active_at, generation,"
			" rotated_at FROM user_sessions WHERE session_id = ?",
			DB_PARAMS(db_text(id)), read_row, out);
}

int32_t session_owner_check(struct tx *tx, struct session *session)
{
	struct account account;
	int32_t status;

	if (strcmp(session->realm, SESSION_REALM_USER) != 0)
		return PINTLE_OK;
	status = account_by_id(tx, session->subject_id, &account);
	if (status == PINTLE_NOT_FOUND || (status == PINTLE_OK && account.status != PINTLE_ACTIVE))
		return PINTLE_DENIED;
	if (status == PINTLE_OK) {
		utf8_copy(session->user_type, sizeof(session->user_type), account.user_type);
		utf8_copy(session->name, sizeof(session->name), account.name);
	}
	return status;
}

/* ---- Opening ---- */

/* 0: no such platform. */
static int64_t platform_limit(const struct session_settings *settings, const char *platform)
{
	if (strcmp(platform, "app") == 0)
		return settings->max_app;
	if (strcmp(platform, "web") == 0)
		return settings->max_web;
	return strcmp(platform, "oa") == 0 ? settings->max_oa : 0;
}

/* Ends all but the newest n_kept live sessions of the platform. */
static int32_t end_oldest(struct tx *tx, const struct session *session, int64_t n_kept,
			  struct arena *arena, struct session_ids *ended)
{
	struct session_collector collector = { .arena = arena, .ids = ended };
	struct pintle_value now = db_int(session->created_ms);
	int32_t status = db_each(
		tx,
		"SELECT session_id FROM user_sessions WHERE realm = ? AND subject_id = ?"
		" AND status = 'active' AND platform = ? AND refresh_expires_at > ?"
		" ORDER BY last_active_at DESC, id DESC LIMIT ? OFFSET ?",
		DB_PARAMS(db_text(session->realm), db_int(session->subject_id),
			  db_text(session->platform), now, db_int(MAX_ENDED), db_int(n_kept)),
		session_ids_add, &collector);

	for (size_t i = 0; status == PINTLE_OK && i < ended->n_ids; i++)
		status = db_exec(tx,
				 "UPDATE user_sessions SET status = 'revoked',"
				 " revoked_reason = 'limit', updated_at = ? WHERE session_id = ?",
				 DB_PARAMS(now, db_text(ended->ids[i])), NULL, NULL);
	return status;
}

static struct pintle_value fitted(struct arena *arena, const char *text, size_t max)
{
	char *copy;

	if (!text)
		return PINTLE_P_NULL;
	copy = arena_alloc(arena, max + 1);
	utf8_copy(copy, max + 1, text);
	return db_text(copy);
}

static int32_t insert_row(struct tx *tx, struct arena *arena, const struct session *session,
			  const struct device *device, int64_t token_expires_ms)
{
	struct pintle_value now = db_int(session->created_ms);

	return db_exec(
		tx,
		"INSERT INTO user_sessions (realm, subject_id, session_id, subject_uuid,"
		" subject_type, subject_name, roles, permissions, permission_epoch, platform,"
		" device_id, device_type, app_version, user_agent, ip_address, generation,"
		" rotated_at, token_expires_at, refresh_expires_at, absolute_expires_at,"
		" last_active_at, created_at, updated_at)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		DB_PARAMS(db_text(session->realm), db_int(session->subject_id),
			  db_text(session->id), db_text(session->uuid), db_text(session->user_type),
			  db_text(session->name), db_text(session->roles),
			  db_text(session->permissions), db_int(session->permission_epoch),
			  db_text(session->platform), fitted(arena, device->device_id, 128),
			  fitted(arena, device->device_type, 64),
			  fitted(arena, device->app_version, 64),
			  fitted(arena, device->user_agent, 512), fitted(arena, device->ip, 46),
			  db_int(SESSION_FIRST_GENERATION), now, db_int(token_expires_ms),
			  db_int(session->expires_ms), db_int(session->absolute_ms), now, now, now),
		NULL, NULL);
}

int32_t session_insert(struct tx *tx, const struct settings *settings, struct arena *arena,
		       const struct device *device, struct session *session,
		       struct session_ids *ended)
{
	const struct token_settings *token = &settings->token;
	const char *platform = device->platform ? device->platform : "web";
	int64_t n_max = platform_limit(&settings->session, platform), now = clock_now_ms();
	int32_t status;

	assert(tx->open);
	*ended = (struct session_ids){ 0 };
	if (n_max == 0)
		return PINTLE_INVALID;
	if (!rng_id(session->id))
		return PINTLE_INTERNAL;
	utf8_copy(session->platform, sizeof(session->platform), platform);
	session->status = SESSION_ACTIVE;
	session->created_ms = session->last_active_ms = now;
	session->absolute_ms = now + token->absolute_ttl_ms;
	session->expires_ms = now + token->refresh_ttl_ms;
	if (session->expires_ms > session->absolute_ms)
		session->expires_ms = session->absolute_ms;
	status = end_oldest(tx, session, n_max - 1, arena, ended);
	if (status != PINTLE_OK)
		return status;
	return insert_row(tx, arena, session, device, now + token->access_ttl_ms);
}

/* ---- The record ---- */

static int64_t life_of(const struct session *session, int64_t now)
{
	return (session->status == SESSION_ACTIVE ? session->expires_ms : session->absolute_ms) -
	       now;
}

/* What writes a record, and the memory it is in. */
struct writing {
	char key[SESSION_ID_MAX + 2], record[SESSION_RECORD_MAX];
	struct pintle_kv_request request;
};

static void write_record(struct writing *writing, const struct session *session, int32_t op,
			 int64_t ttl_ms)
{
	session_key(session->id, writing->key);
	writing->request = kv_set(writing->key, writing->record,
				  session_encode(session, writing->record), ttl_ms);
	writing->request.op = op;
}

/* Writes the record where none is; CONFLICT with the present one in *present. */
static int32_t add_record(const struct kv *kv, const struct session *session, int64_t deadline_ms,
			  struct arena *arena, struct kv_result *present)
{
	int64_t ttl_ms = life_of(session, clock_now_ms());
	struct writing writing;

	if (ttl_ms <= 0)
		return PINTLE_OK;
	write_record(&writing, session, PINTLE_KV_ADD, ttl_ms);
	return kv_do(kv, &writing.request, deadline_ms, arena, present);
}

/* Added, not set: a revocation may have come between the commit and this. */
void session_put_record(struct kv_list *list, const struct session *session)
{
	int64_t ttl_ms = life_of(session, clock_now_ms());
	struct writing writing;

	if (ttl_ms <= 0)
		return;
	write_record(&writing, session, PINTLE_KV_ADD, ttl_ms);
	kv_list_add(list, &writing.request);
}

static void write_tombstone(struct writing *writing, const char *id, int64_t ttl_ms)
{
	struct session tombstone = {
		.status = SESSION_REVOKED,
		.absolute_ms = clock_now_ms() + ttl_ms,
	};

	utf8_copy(tombstone.id, sizeof(tombstone.id), id);
	write_record(writing, &tombstone, PINTLE_KV_SET, ttl_ms);
}

/* A tombstone need not know the session's own end: whoever outlives it is revoked in SQL as well. */
void session_put_tombstones(struct kv_list *list, const struct settings *settings,
			    const struct session_ids *ended)
{
	struct writing writing;

	for (size_t i = 0; i < ended->n_ids; i++) {
		write_tombstone(&writing, ended->ids[i], settings->token.absolute_ttl_ms);
		kv_list_add(list, &writing.request);
	}
}

int32_t session_bury(const struct kv *kv, const struct settings *settings,
		     const struct session_ids *ended, int64_t deadline_ms)
{
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < ended->n_ids; i += BURIED_AT_ONCE) {
		size_t n_left = ended->n_ids - i;
		const struct session_ids some = { ended->ids + i, n_left < BURIED_AT_ONCE
									  ? n_left
									  : BURIED_AT_ONCE };
		struct arena arena = { 0 };
		struct kv_list list = { .arena = &arena };

		session_put_tombstones(&list, settings, &some);
		status = kv_do_list(kv, &list, deadline_ms);
		arena_fini(&arena);
	}
	return status;
}

static int32_t read_truth(struct tx *tx, const char *id, struct session *out)
{
	struct session_row row;
	int32_t status = session_row_read(tx, id, &row);

	if (status != PINTLE_OK)
		return status;
	status = session_owner_check(tx, &row.session);
	if (status == PINTLE_DENIED)
		row.session.status = SESSION_REVOKED;
	else if (status != PINTLE_OK)
		return status;
	*out = row.session;
	return PINTLE_OK;
}

/*
 * Adding never beats a tombstone, but a store that was emptied meanwhile has none any more: what ended
 * between the reading of SQL and the adding is seen by reading once more.
 */
static int32_t confirm_added(const struct kv *kv, struct tx *tx, struct session *added)
{
	int64_t ttl_ms = life_of(added, clock_now_ms());
	struct writing writing;
	struct session now;
	int32_t status = read_truth(tx, added->id, &now);

	if (status == PINTLE_OK && now.status == SESSION_ACTIVE)
		return PINTLE_OK;
	if (status != PINTLE_OK && status != PINTLE_NOT_FOUND)
		return status;
	added->status = SESSION_REVOKED;
	write_tombstone(&writing, added->id, ttl_ms > 0 ? ttl_ms : 1);
	return kv_do(kv, &writing.request, tx->deadline_ms, NULL, NULL);
}

static int32_t rebuild(const struct kv *kv, struct tx *tx, struct arena *arena, const char *id,
		       struct session *out)
{
	struct kv_result present;
	struct session newer;
	int32_t status = read_truth(tx, id, out);

	if (status != PINTLE_OK)
		return status;
	status = add_record(kv, out, tx->deadline_ms, arena, &present);
	if (status == PINTLE_OK && out->status == SESSION_ACTIVE)
		return confirm_added(kv, tx, out);
	if (status != PINTLE_CONFLICT)
		return status;
	if (session_decode(&newer, present.value, present.value_len))
		*out = newer;
	return PINTLE_OK;
}

/* A record that cannot be read was written by another release: SQL answers, and it is left alone. */
int32_t session_load_looked(const struct kv *kv, struct tx *tx, struct arena *arena, const char *id,
			    const struct kv_op *look, struct session *out)
{
	if (look->status == PINTLE_NOT_FOUND)
		return rebuild(kv, tx, arena, id, out);
	if (look->status != PINTLE_OK ||
	    session_decode(out, look->result.value, look->result.value_len))
		return look->status;
	return read_truth(tx, id, out);
}

int32_t session_load(const struct kv *kv, struct tx *tx, struct arena *arena, const char *id,
		     struct session *out)
{
	char key[SESSION_ID_MAX + 2];
	struct kv_op look;

	if (strlen(id) >= SESSION_ID_MAX)
		return PINTLE_NOT_FOUND;
	session_key(id, key);
	look.request = kv_get(key);
	(void)kv_do_all(kv, &look, 1, tx->deadline_ms, arena);
	return session_load_looked(kv, tx, arena, id, &look, out);
}

/* In kv only the record that was read is touched: one that changed since is newer, or a tombstone. */
int32_t session_touch(const struct kv *kv, struct tx *tx, const struct session *session,
		      int64_t now_ms)
{
	char key[SESSION_ID_MAX + 2], before[SESSION_RECORD_MAX], after[SESSION_RECORD_MAX];
	struct session touched = *session;
	struct pintle_kv_request request = { .size = sizeof(request), .op = PINTLE_KV_SWAP };
	int32_t status = db_exec(tx,
				 "UPDATE user_sessions SET last_active_at = ?"
				 " WHERE session_id = ? AND status = 'active'",
				 DB_PARAMS(db_int(now_ms), db_text(session->id)), NULL, NULL);

	if (status != PINTLE_OK)
		return status;
	touched.last_active_ms = now_ms;
	session_key(session->id, key);
	request.key = key;
	request.key_len = strlen(key);
	request.expect = before;
	request.expect_len = session_encode(session, before);
	request.value = after;
	request.value_len = session_encode(&touched, after);
	status = kv_do(kv, &request, tx->deadline_ms, NULL, NULL);
	return status == PINTLE_CONFLICT || status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}
