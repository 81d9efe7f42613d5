/* SPDX-License-Identifier: Apache-2.0 */
#include "neighbours.h"

#include "clock.h"
#include "column.h"
#include "key_dir.h"

#include <pintle/status.h>
#include <stdlib.h>
#include <string.h>

#define ID_FILE "host.id"
#define TOKEN_KEY "h:token"
#define TOKEN_TTL_MS (INT64_C(30) * 86400000)
#define LOCK_NAME "kv_hosts"
#define ALIVE_MS (2 * 60000)
#define TIMEOUT_MS 5000
#define LEAVE_MS 500

/* ---- Who we are ---- */

static bool make_id(const struct key_dir *keys, char out[RNG_ID_LEN + 1], struct err *err)
{
	if (!rng_id(out))
		return err_set(err, "%s/" ID_FILE ": no random bytes", keys->path);
	return key_dir_write(keys, ID_FILE, out, RNG_ID_LEN, err);
}

static bool read_id(const struct key_dir *keys, char out[RNG_ID_LEN + 1], struct err *err)
{
	size_t len;
	char *text = key_dir_read(keys, ID_FILE, &len, err);
	bool ok = text && len == RNG_ID_LEN;

	if (ok)
		memcpy(out, text, RNG_ID_LEN + 1);
	else if (text)
		(void)err_set(err, "%s/" ID_FILE ": not what this program wrote", keys->path);
	free(text);
	return ok;
}

bool neighbours_init(struct neighbours *self, const struct seal *seal, const char *state_dir,
		     struct err *err)
{
	struct key_dir keys;
	bool ok;

	seal_blind(seal, "neighbours", "keys", self->keys_print);
	if (!key_dir_open(&keys, state_dir, err))
		return false;
	ok = key_dir_has(&keys, ID_FILE) ? read_id(&keys, self->host_id, err)
					 : make_id(&keys, self->host_id, err);
	key_dir_close(&keys);
	return ok;
}

/* ---- Which store we see ---- */

/* The present token lives on; who loses the race to make it takes the winner's. */
static int32_t read_token(const struct kv *kv, struct arena *arena, const char **out)
{
	int64_t deadline_ms = clock_mono_ms() + TIMEOUT_MS;
	struct kv_result found = { 0 };
	char fresh[RNG_ID_LEN + 1];
	struct pintle_kv_request request = kv_add(TOKEN_KEY, fresh, RNG_ID_LEN, TOKEN_TTL_MS);
	int32_t status;

	if (!rng_id(fresh))
		return PINTLE_INTERNAL;
	status = kv_do(kv, &request, deadline_ms, arena, &found);
	*out = status == PINTLE_OK ? arena_strdup(arena, fresh) : found.value;
	if (status != PINTLE_CONFLICT)
		return status;
	request = kv_set(TOKEN_KEY, found.value, found.value_len, TOKEN_TTL_MS);
	request.op = PINTLE_KV_SWAP;
	request.expect = found.value;
	request.expect_len = found.value_len;
	return kv_do(kv, &request, deadline_ms, arena, NULL);
}

/* ---- Who else is there ---- */

static struct tx alone(const struct neighbours *self)
{
	return (struct tx){ .db = self->db, .deadline_ms = clock_mono_ms() + TIMEOUT_MS };
}

static int32_t insert_own(const struct neighbours *self, const char *token)
{
	struct tx tx = alone(self);

	return db_exec(&tx,
		       "INSERT INTO kv_hosts (kv_token, seen_at, keys_print, signs_kid, host_id)"
		       " VALUES (?, ?, ?, ?, ?)",
		       DB_PARAMS(db_text(token), db_int(clock_now_ms()), db_text(self->keys_print),
				 db_text(keyring_current(self->keyring)->kid),
				 db_text(self->host_id)),
		       NULL, NULL);
}

static int32_t write_own(const struct neighbours *self, const char *token)
{
	struct tx tx = alone(self);
	int64_t n_changed = 0;
	int32_t status = db_exec(
		&tx,
		"UPDATE kv_hosts SET kv_token = ?, seen_at = ?, keys_print = ?,"
		" signs_kid = ? WHERE host_id = ?",
		DB_PARAMS(db_text(token), db_int(clock_now_ms()), db_text(self->keys_print),
			  db_text(keyring_current(self->keyring)->kid), db_text(self->host_id)),
		&n_changed, NULL);

	return status != PINTLE_OK || n_changed > 0 ? status : insert_own(self, token);
}

/* Whether this host has said so already; else the store has lost its memory, and the others may not
 * know it yet. */
static int32_t has_said(const struct neighbours *self, const char *token, bool *out)
{
	struct tx tx = alone(self);
	int32_t status =
		db_first(&tx, "SELECT host_id FROM kv_hosts WHERE host_id = ? AND kv_token = ?",
			 DB_PARAMS(db_text(self->host_id), db_text(token)), NULL, NULL);

	*out = status == PINTLE_OK;
	return status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}

/* What is wrong about another host that is alive. */
struct look {
	const struct neighbours *self;
	const char *token;
	const char *wrong;
};

static int32_t look_at(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct look *look = ctx;
	const char *keys_print = column_text(&cols[1]), *kid = column_text(&cols[2]);

	(void)n_cols;
	if (strcmp(column_text(&cols[0]), look->token) != 0)
		look->wrong = "[storage] kv: another host uses this SQL store with another "
			      "key-value store; hosts that share the one must share the other";
	else if (keys_print[0] && strcmp(keys_print, look->self->keys_print) != 0)
		look->wrong = "[keys] secrets: another host uses this SQL store with other master "
			      "keys; set the same ones, or copy keys/master";
	else if (kid[0] && !keyring_find(look->self->keyring, kid))
		look->wrong = "[token]: another host signs with a key that this one does not have; "
			      "set the same jwt_secret, or copy keys/es256-*.pem";
	return look->wrong ? PINTLE_CONFLICT : PINTLE_OK;
}

/* CONFLICT and why when another host, alive, does not fit. */
static int32_t look_around(const struct neighbours *self, const char *token, const char **wrong)
{
	struct tx tx = alone(self);
	struct look look = { .self = self, .token = token };
	int32_t status =
		db_each(&tx,
			"SELECT kv_token, keys_print, signs_kid FROM kv_hosts"
			" WHERE host_id <> ? AND seen_at > ?",
			DB_PARAMS(db_text(self->host_id), db_int(clock_now_ms() - ALIVE_MS)),
			look_at, &look);

	*wrong = look.wrong;
	return status;
}

/* store: the one that was asked last. */
static bool is_good(int32_t status, const char *store, const char *wrong, struct err *err)
{
	if (status == PINTLE_OK)
		return true;
	if (status == PINTLE_CONFLICT && wrong)
		return err_set(err, "%s (a host that was killed counts for %d more minutes)", wrong,
			       ALIVE_MS / 60000);
	return err_set(err,
		       "[storage] %s: the store does not answer, so the hosts that share it are "
		       "not known",
		       store);
}

/* Two hosts that start at once see each other: one row is there before the other looks. */
bool neighbours_join(const struct neighbours *self, struct err *err)
{
	const struct pintle_db *ops = self->db->ops;
	struct arena arena = { 0 };
	const char *token, *wrong = NULL;
	void *lock = NULL;
	int32_t status = read_token(self->kv, &arena, &token);
	const char *store = status == PINTLE_OK ? "db" : "kv";

	if (status == PINTLE_OK)
		status = ops->lock(self->db->self, LOCK_NAME, TIMEOUT_MS, &lock);
	if (status == PINTLE_OK)
		status = look_around(self, token, &wrong);
	if (status == PINTLE_OK)
		status = write_own(self, token);
	if (lock)
		ops->unlock(self->db->self, lock);
	arena_fini(&arena);
	return is_good(status, store, wrong, err);
}

/* Where the store has lost its memory, the others are looked at the next time: they know it by then. */
bool neighbours_renew(const struct neighbours *self, struct err *err)
{
	struct arena arena = { 0 };
	const char *token, *wrong = NULL;
	bool is_known = false;
	int32_t status = read_token(self->kv, &arena, &token);
	const char *store = status == PINTLE_OK ? "db" : "kv";

	if (status == PINTLE_OK)
		status = has_said(self, token, &is_known);
	if (status == PINTLE_OK)
		status = write_own(self, token);
	if (status == PINTLE_OK && is_known)
		status = look_around(self, token, &wrong);
	arena_fini(&arena);
	return is_good(status, store, wrong, err);
}

bool neighbours_alone(const struct neighbours *self, struct err *err)
{
	struct tx tx = alone(self);
	int32_t status = db_first(
		&tx, "SELECT host_id FROM kv_hosts WHERE host_id <> ? AND seen_at > ?",
		DB_PARAMS(db_text(self->host_id), db_int(clock_now_ms() - ALIVE_MS)), NULL, NULL);

	if (status == PINTLE_NOT_FOUND)
		return true;
	if (status != PINTLE_OK)
		return err_set(err, "it does not answer, so the hosts that use it are not known");
	return err_set(err, "another host uses it (one that was killed counts for %d more minutes)",
		       ALIVE_MS / 60000);
}

void neighbours_leave(const struct neighbours *self)
{
	struct tx tx = { .db = self->db, .deadline_ms = clock_mono_ms() + LEAVE_MS };

	(void)db_exec(&tx, "DELETE FROM kv_hosts WHERE host_id = ?",
		      DB_PARAMS(db_text(self->host_id)), NULL, NULL);
}
