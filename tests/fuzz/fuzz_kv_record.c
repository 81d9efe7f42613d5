/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store with one record and one index entry of any bytes, as a damaged file may hold: reading, writing,
 * sweeping and deleting end well or say that it is damaged. The first byte is the length of the key in
 * the index, then come that key and the record.
 */
#include "kv_lmdb/record.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPIRY_LEN 8

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static const MDB_val key = { .mv_size = 1, .mv_data = (void *)(uintptr_t) "k" };
static struct env env;

/* A file without a name, so that nothing is left behind. */
static void open_store(void)
{
	char path[] = "/tmp/fuzz_kv_record.XXXXXX";
	MDB_txn *txn;
	int fd = mkstemp(path);

	assert(fd >= 0 && mdb_env_create(&env.mdb) == 0 && mdb_env_set_maxdbs(env.mdb, 2) == 0);
	assert(mdb_env_open(env.mdb, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0600) == 0);
	assert(mdb_txn_begin(env.mdb, NULL, 0, &txn) == 0);
	assert(mdb_dbi_open(txn, "records", MDB_CREATE, &env.records) == 0);
	assert(mdb_dbi_open(txn, "expiry", MDB_CREATE, &env.expiry) == 0);
	assert(mdb_txn_commit(txn) == 0);
	(void)close(fd);
	(void)unlink(path);
}

static bool is_expected(int rc)
{
	return rc == MDB_SUCCESS || rc == MDB_NOTFOUND || rc == MDB_CORRUPTED;
}

static void put_raw(MDB_txn *txn, MDB_dbi dbi, MDB_val at, MDB_val value)
{
	assert(mdb_put(txn, dbi, &at, &value, 0) == MDB_SUCCESS);
}

static void check_read(MDB_txn *txn, MDB_val value)
{
	struct record record;
	int rc = record_get(&env, txn, key, INT64_MIN, &record);

	assert(is_expected(rc) && (rc == MDB_CORRUPTED) == (value.mv_size < EXPIRY_LEN));
	if (rc != MDB_SUCCESS)
		return;
	assert(record.len == value.mv_size - EXPIRY_LEN);
	assert(memcmp(record.value, (char *)value.mv_data + EXPIRY_LEN, record.len) == 0);
}

static void check_write(MDB_txn *txn)
{
	const struct record fresh = { .expires_ms = 1000, .value = "v", .len = 1 };
	struct record record;
	int rc = record_put(&env, txn, key, &fresh);

	assert(is_expected(rc));
	if (rc == MDB_SUCCESS)
		assert(record_get(&env, txn, key, 999, &record) == MDB_SUCCESS && record.len == 1 &&
		       record_get(&env, txn, key, 1000, &record) == MDB_NOTFOUND);
	assert(is_expected(record_delete(&env, txn, key)));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	MDB_val index, value, nothing = { 0 };
	MDB_txn *txn;
	unsigned n;

	if (len == 0 || len - 1 < input[0])
		return 0;
	if (!env.mdb)
		open_store();
	index = (MDB_val){ .mv_size = input[0], .mv_data = (void *)(input + 1) };
	value = (MDB_val){ .mv_size = len - 1 - index.mv_size,
			   .mv_data = (void *)(input + 1 + index.mv_size) };
	assert(mdb_txn_begin(env.mdb, NULL, 0, &txn) == 0);
	put_raw(txn, env.records, key, value);
	if (index.mv_size > 0)
		put_raw(txn, env.expiry, index, nothing);
	assert(is_expected(record_check_all(&env, txn)));
	check_read(txn, value);
	check_write(txn);
	assert(is_expected(record_sweep(&env, txn, INT64_MAX, 10, &n)));
	mdb_txn_abort(txn);
	return 0;
}
