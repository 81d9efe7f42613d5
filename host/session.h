/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: the row in user_sessions is the truth, the kv record "s:<id>" is what every request looks
 * at. Revoking commits in SQL first and then writes a tombstone; a missing record is rebuilt from SQL
 * by add-if-absent, so that a rebuild never beats a revocation.
 */
#ifndef SESSION_H
#define SESSION_H

#include "account.h"
#include "db.h"
#include "kv.h"
#include "settings.h"

#include <stdint.h>

#define SESSION_ID_MAX 64
#define SESSION_FIRST_GENERATION 0 /* of the refresh token that comes with a new session */

enum session_status { SESSION_ACTIVE, SESSION_EXPIRED, SESSION_REVOKED };

/* The kv record, decoded. */
struct session {
	char id[SESSION_ID_MAX];
	int32_t status;
	char realm[16]; /* "user", "staff" */
	int64_t subject_id;
	char uuid[40], user_type[32], name[128], platform[8];
	char roles[256], permissions[1024]; /* comma separated */
	int64_t permission_epoch;
	int64_t created_ms, expires_ms, absolute_ms, last_active_ms;
};

struct device {
	const char *platform; /* "app", "web", "oa" */
	const char *device_id, *device_type, *app_version, *user_agent, *ip;
	bool keeps_cookie; /* a browser: it gets a cookie and no tokens */
};

/* Ids of sessions whose tombstones must be written after the commit. */
struct session_ids {
	char (*ids)[SESSION_ID_MAX];
	size_t n_ids;
};

/* Binary record, versioned; decode refuses what it does not know. [any] */
#define SESSION_RECORD_MAX 2048
size_t session_encode(const struct session *session, char out[SESSION_RECORD_MAX]);
bool session_decode(struct session *session, const void *bytes, size_t len);
void session_key(const char *id, char out[SESSION_ID_MAX + 2]);
/* OK, or DENIED when it ended (expired, revoked). */
int32_t session_check(const struct session *session, int64_t now_ms);
bool session_has_permission(const struct session *session, const char *permission);

/*
 * [worker] Inside the sign-in transaction: inserts the row, ends the oldest ones beyond the platform's
 * limit (ids into ended, in the arena). The caller has filled realm, subject_id, uuid, user_type, name,
 * roles, permissions and permission_epoch; the rest is made here. INVALID: no such platform; NULL is "web".
 */
int32_t session_insert(struct tx *tx, const struct settings *settings, struct arena *arena,
		       const struct device *device, struct session *session,
		       struct session_ids *ended);
/* [worker] For after the commit: the record, and tombstones of the ended. */
void session_put_record(struct kv_list *list, const struct session *session);
void session_put_tombstones(struct kv_list *list, const struct settings *settings,
			    const struct session_ids *ended);
int32_t session_bury(const struct kv *kv, const struct settings *settings,
		     const struct session_ids *ended, int64_t deadline_ms);
/* [worker] The record from kv, rebuilt from SQL when missing; NOT_FOUND when there is no such session. look:
 * what a get of its key gave. */
int32_t session_load(const struct kv *kv, struct tx *tx, struct arena *arena, const char *id,
		     struct session *out);
int32_t session_load_looked(const struct kv *kv, struct tx *tx, struct arena *arena, const char *id,
			    const struct kv_op *look, struct session *out);

/* [worker] Revocations, outside any transaction: SQL, then tombstones, then return; OK when already ended.
 * A fault may mean that only SQL knows: asking again writes the missing tombstones. NOT_FOUND: no such
 * session. */
int32_t session_revoke(const struct kv *kv, struct tx *tx, const struct settings *settings,
		       const char *id, const char *reason);
/* One of the account's own; NOT_FOUND when it is somebody else's. */
int32_t session_revoke_own(const struct kv *kv, struct tx *tx, const struct settings *settings,
			   const char *realm, int64_t subject_id, const char *id,
			   const char *reason);
/* All of the account but except (NULL: none); the number in n_out (may be NULL). */
int32_t session_revoke_all(const struct kv *kv, struct tx *tx, const struct settings *settings,
			   struct arena *arena, const char *realm, int64_t subject_id,
			   const char *except, const char *reason, int64_t *n_out);
/* The first half of it, as a step of the caller's transaction: ended (in the arena) must be buried after the
 * commit. */
int32_t session_end_all(struct tx *tx, struct arena *arena, const char *realm, int64_t subject_id,
			const char *reason, struct session_ids *ended);

/*
 * [worker] Spends generation of a refresh token, outside any transaction. OK: *generation_out is the successor, committed; the
 * same successor again within the grace. DENIED: ended. CONFLICT: reuse; the session has been revoked.
 */
int32_t session_rotate(const struct kv *kv, struct tx *tx, const struct settings *settings,
		       struct arena *arena, const char *id, int64_t generation, struct session *out,
		       int64_t *generation_out);
/* [worker] last_active_at in both stores. */
int32_t session_touch(const struct kv *kv, struct tx *tx, const struct session *session,
		      int64_t now_ms);
/* [{session_id, platform, device_id, …, is_current}] of the active ones. */
int32_t session_list(struct tx *tx, const char *realm, int64_t subject_id, const char *current,
		     json_t **out);

#endif
