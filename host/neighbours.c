/* SPDX-License-Identifier: Apache-2.0 */
#include "neighbours.h"

#include "clock.h"
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

bool neighbours_init(struct neighbours *self, const struct db *db, const struct kv *kv,
		     const char *state_dir, struct err *err)
{
	struct key_dir keys;
	bool ok;

	*self = (struct neighbours){ .db = db, .kv = kv };
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

static int32_t write_own(const struct neighbours *self, const char *token)
{
	struct tx tx = alone(self);
	struct pintle_value now = db_int(clock_now_ms());
	int64_t n_changed = 0;
	int32_t status =
		db_exec(&tx, "UPDATE kv_hosts SET kv_token = ?, seen_at = ? WHERE host_id = ?",
			DB_PARAMS(db_text(token), now, db_text(self->host_id)), &n_changed, NULL);

	if (status != PINTLE_OK || n_changed > 0)
		return status;
	return db_exec(&tx, "INSERT INTO kv_hosts (kv_token, seen_at, host_id) VALUES (?, ?, ?)",
		       DB_PARAMS(db_text(token), now, db_text(self->host_id)), NULL, NULL);
}

/* CONFLICT when another host, alive, sees another token. */
static int32_t look_around(const struct neighbours *self, const char *token)
{
	struct tx tx = alone(self);
	int32_t status = db_first(
		&tx,
		"SELECT host_id FROM kv_hosts WHERE host_id <> ? AND kv_token <> ? AND seen_at > ?",
		DB_PARAMS(db_text(self->host_id), db_text(token),
			  db_int(clock_now_ms() - ALIVE_MS)),
		NULL, NULL);

	if (status == PINTLE_NOT_FOUND)
		return PINTLE_OK;
	return status == PINTLE_OK ? PINTLE_CONFLICT : status;
}

static bool is_good(int32_t status, struct err *err)
{
	if (status == PINTLE_OK)
		return true;
	if (status == PINTLE_CONFLICT)
		return err_set(err,
			       "[storage] kv: another host uses this SQL store with another "
			       "key-value store; hosts that share the one must share the other "
			       "(a host that has stopped counts for %d more minutes)",
			       ALIVE_MS / 60000);
	return err_set(err, "[storage]: a store does not answer, so the hosts that share it are "
			    "not known");
}

/* Two hosts that start at once see each other: one row is there before the other looks. */
bool neighbours_join(const struct neighbours *self, struct err *err)
{
	const struct pintle_db *ops = self->db->ops;
	struct arena arena = { 0 };
	const char *token;
	void *lock = NULL;
	int32_t status = read_token(self->kv, &arena, &token);

	if (status == PINTLE_OK)
		status = ops->lock(self->db->self, LOCK_NAME, TIMEOUT_MS, &lock);
	if (status == PINTLE_OK)
		status = look_around(self, token);
	if (status == PINTLE_OK)
		status = write_own(self, token);
	if (lock)
		ops->unlock(self->db->self, lock);
	arena_fini(&arena);
	return is_good(status, err);
}

bool neighbours_renew(const struct neighbours *self, struct err *err)
{
	struct arena arena = { 0 };
	const char *token;
	int32_t status = read_token(self->kv, &arena, &token);

	if (status == PINTLE_OK)
		status = write_own(self, token);
	if (status == PINTLE_OK)
		status = look_around(self, token);
	arena_fini(&arena);
	return is_good(status, err);
}
