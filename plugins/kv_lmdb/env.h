/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LMDB environment: opened at first use, made anew after a reboot or when it is broken and nobody
 * else has it open. [any]
 */
#ifndef ENV_H
#define ENV_H

#include <limits.h>
#include <lmdb.h>
#include <pintle/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define ENV_EPOCH_MAX 64
#define ENV_SPARE_READS 64

struct env {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	char dir[PATH_MAX];
	int64_t max_size;
	int64_t max_readers;
	_Atomic int64_t quiet_until_ms;
	atomic_bool is_open;

	pthread_mutex_t mutex; /* guards the opening and the spare reads */
	int guard_fd;          /* locked while the environment is in use */
	MDB_env *mdb;
	MDB_dbi records, expiry;
	char epoch[ENV_EPOCH_MAX];
	MDB_txn *spare[ENV_SPARE_READS]; /* finished reads, whose reader slots are used again */
	size_t n_spare;
};

/* False when path is too long. */
bool env_init(struct env *env, const char *state_dir, const char *path);
void env_fini(struct env *env);
/* OK once open; UNAVAILABLE else, and tried again at the next call. */
int32_t env_ready(struct env *env);
/* A read, and its end. */
int env_read_begin(struct env *env, MDB_txn **txn_out);
void env_read_end(struct env *env, MDB_txn *txn);
/* What a result code of LMDB means; faults are logged, and a broken file is marked for renewal. */
int32_t env_status(struct env *env, int rc);
/* A fault for the operator, at most one line a second. */
void env_fault(struct env *env, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
