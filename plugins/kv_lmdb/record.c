/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <endian.h>
#include <string.h>

#define HEAD 8 /* the expiry, big-endian: in the index it is the order too */
#define INDEX_MAX (HEAD + PINTLE_KV_KEY_MAX)

static int64_t read_expiry(const void *bytes)
{
	uint64_t big;

	memcpy(&big, bytes, sizeof(big));
	return (int64_t)be64toh(big);
}

static void write_expiry(void *bytes, int64_t expires_ms)
{
	uint64_t big = htobe64((uint64_t)expires_ms);

	memcpy(bytes, &big, sizeof(big));
}

static MDB_val index_key(unsigned char bytes[INDEX_MAX], MDB_val key, int64_t expires_ms)
{
	write_expiry(bytes, expires_ms);
	memcpy(bytes + HEAD, key.mv_data, key.mv_size);
	return (MDB_val){ .mv_size = HEAD + key.mv_size, .mv_data = bytes };
}

/* With expired ones. */
static int get_any(struct env *env, MDB_txn *txn, MDB_val key, struct record *out)
{
	MDB_val found;
	int rc = mdb_get(txn, env->records, &key, &found);

	if (rc != MDB_SUCCESS)
		return rc;
	if (found.mv_size < HEAD)
		return MDB_CORRUPTED;
	out->expires_ms = read_expiry(found.mv_data);
	out->value = (const char *)found.mv_data + HEAD;
	out->len = found.mv_size - HEAD;
	return MDB_SUCCESS;
}

int record_get(struct env *env, MDB_txn *txn, MDB_val key, int64_t now_ms, struct record *out)
{
	int rc = get_any(env, txn, key, out);

	return rc == MDB_SUCCESS && out->expires_ms <= now_ms ? MDB_NOTFOUND : rc;
}

static int unindex(struct env *env, MDB_txn *txn, MDB_val key, int64_t expires_ms)
{
	unsigned char bytes[INDEX_MAX];
	MDB_val at = index_key(bytes, key, expires_ms);
	int rc = mdb_del(txn, env->expiry, &at, NULL);

	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

static int put_index(struct env *env, MDB_txn *txn, MDB_val key, int64_t expires_ms)
{
	unsigned char bytes[INDEX_MAX];
	MDB_val at = index_key(bytes, key, expires_ms), nothing = { 0 };

	return mdb_put(txn, env->expiry, &at, &nothing, 0);
}

int record_put(struct env *env, MDB_txn *txn, MDB_val key, const struct record *record)
{
	MDB_val room = { .mv_size = HEAD + record->len };
	struct record old;
	bool is_indexed = false;
	int rc = get_any(env, txn, key, &old);

	if (rc == MDB_SUCCESS) {
		is_indexed = old.expires_ms == record->expires_ms;
		if (!is_indexed)
			rc = unindex(env, txn, key, old.expires_ms);
	} else if (rc == MDB_NOTFOUND) {
		rc = MDB_SUCCESS;
	}
	if (rc == MDB_SUCCESS && !is_indexed)
		rc = put_index(env, txn, key, record->expires_ms);
	if (rc == MDB_SUCCESS)
		rc = mdb_put(txn, env->records, &key, &room, MDB_RESERVE);
	if (rc != MDB_SUCCESS)
		return rc;
	write_expiry(room.mv_data, record->expires_ms);
	if (record->len > 0)
		memcpy((char *)room.mv_data + HEAD, record->value, record->len);
	return MDB_SUCCESS;
}

int record_delete(struct env *env, MDB_txn *txn, MDB_val key)
{
	struct record old;
	int rc = get_any(env, txn, key, &old);

	if (rc == MDB_SUCCESS)
		rc = unindex(env, txn, key, old.expires_ms);
	if (rc == MDB_SUCCESS)
		rc = mdb_del(txn, env->records, &key, NULL);
	return rc;
}

int record_sweep(struct env *env, MDB_txn *txn, int64_t now_ms, unsigned max, unsigned *n_out)
{
	MDB_cursor *cursor;
	MDB_val at, nothing, key;
	int rc = mdb_cursor_open(txn, env->expiry, &cursor);

	*n_out = 0;
	if (rc != MDB_SUCCESS)
		return rc;
	while (*n_out < max) {
		rc = mdb_cursor_get(cursor, &at, &nothing, MDB_FIRST);
		if (rc == MDB_SUCCESS && at.mv_size <= HEAD)
			rc = MDB_CORRUPTED;
		if (rc != MDB_SUCCESS || read_expiry(at.mv_data) > now_ms)
			break;
		key = (MDB_val){ .mv_size = at.mv_size - HEAD,
				 .mv_data = (char *)at.mv_data + HEAD };
		rc = mdb_del(txn, env->records, &key, NULL);
		if (rc == MDB_SUCCESS)
			rc = mdb_cursor_del(cursor, 0);
		if (rc != MDB_SUCCESS)
			break;
		(*n_out)++;
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

typedef bool check_fn(MDB_val key, MDB_val value);

static bool is_record(MDB_val key, MDB_val value)
{
	return key.mv_size <= PINTLE_KV_KEY_MAX && value.mv_size >= HEAD &&
	       value.mv_size <= HEAD + PINTLE_KV_VALUE_MAX && read_expiry(value.mv_data) > 0;
}

static bool is_index(MDB_val key, MDB_val value)
{
	return key.mv_size > HEAD && key.mv_size <= INDEX_MAX && value.mv_size == 0;
}

static int check(MDB_txn *txn, MDB_dbi dbi, check_fn *is_right, size_t *n_out)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, dbi, &cursor);

	*n_out = 0;
	if (rc != MDB_SUCCESS)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
		if (!is_right(key, value)) {
			rc = MDB_CORRUPTED;
			break;
		}
		(*n_out)++;
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

int record_check_all(struct env *env, MDB_txn *txn)
{
	size_t n_records, n_indexed = 0;
	int rc = check(txn, env->records, is_record, &n_records);

	if (rc == MDB_SUCCESS)
		rc = check(txn, env->expiry, is_index, &n_indexed);
	if (rc == MDB_SUCCESS && n_records != n_indexed)
		rc = MDB_CORRUPTED;
	return rc;
}
