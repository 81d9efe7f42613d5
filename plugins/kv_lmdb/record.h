/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records inside a transaction of LMDB: a value behind its expiry, and an index by expiry for the
 * sweeper. Functions return LMDB's codes. An expired record is MDB_NOTFOUND.
 */
#ifndef RECORD_H
#define RECORD_H

#include "env.h"

struct record {
	int64_t expires_ms;
	const void *value; /* lent from the transaction until it writes or ends */
	size_t len;
};

int record_get(struct env *env, MDB_txn *txn, MDB_val key, int64_t now_ms, struct record *out);
int record_put(struct env *env, MDB_txn *txn, MDB_val key, const struct record *record);
int record_delete(struct env *env, MDB_txn *txn, MDB_val key);
/* Deletes up to max expired records. */
int record_sweep(struct env *env, MDB_txn *txn, int64_t now_ms, unsigned max, unsigned *n_out);
/* Reads everything once; MDB_CORRUPTED when something cannot be what we wrote. */
int record_check_all(struct env *env, MDB_txn *txn);

#endif
