/* SPDX-License-Identifier: Apache-2.0 */
#include "env.h"

#include "guard.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET_MS 1000
/* Deleting copies pages first, so a map filled to the last page could never be emptied. */
#define RESERVE (1 << 20)
#define LONGEST_STRAY (2 * 65536) /* offsets in a page have 16 bits */

bool env_init(struct env *env, const char *state_dir, const char *path)
{
	bool is_absolute = path[0] == '/';
	int len = snprintf(env->dir, sizeof(env->dir), "%s%s%s", is_absolute ? "" : state_dir,
			   is_absolute ? "" : "/", path);

	env->guard_fd = -1;
	(void)pthread_mutex_init(&env->mutex, NULL);
	return len > 0 && (size_t)len < sizeof(env->dir) - 32;
}

static void shut(struct env *env)
{
	atomic_store(&env->is_open, false);
	while (env->n_spare > 0)
		mdb_txn_abort(env->spare[--env->n_spare]);
	if (env->mdb)
		mdb_env_close(env->mdb);
	env->mdb = NULL;
}

void env_fini(struct env *env)
{
	shut(env);
	guard_leave(env);
	(void)pthread_mutex_destroy(&env->mutex);
}

static int make_epoch(struct env *env, MDB_txn *txn, MDB_dbi meta, const char *boot)
{
	MDB_val key = { .mv_data = (void *)(uintptr_t) "epoch", .mv_size = 5 }, value;
	unsigned char random[8];
	int len;

	if (env->host->random(random, sizeof(random)) != PINTLE_OK)
		return ENOMSG;
	len = snprintf(env->epoch, sizeof(env->epoch), "%s.", boot);
	for (size_t i = 0; i < sizeof(random); i++, len += 2)
		(void)snprintf(env->epoch + len, 3, "%02x", random[i]);
	value.mv_data = env->epoch;
	value.mv_size = (size_t)len + 1;
	return mdb_put(txn, meta, &key, &value, 0);
}

/* The epoch in the file; ESTALE when it is of another boot. */
static int read_epoch(struct env *env, MDB_txn *txn, MDB_dbi meta, const char *boot)
{
	MDB_val key = { .mv_data = (void *)(uintptr_t) "epoch", .mv_size = 5 }, value;
	int rc = mdb_get(txn, meta, &key, &value);

	if (rc != MDB_SUCCESS)
		return rc;
	if (value.mv_size == 0 || value.mv_size > sizeof(env->epoch))
		return MDB_CORRUPTED;
	memcpy(env->epoch, value.mv_data, value.mv_size);
	env->epoch[value.mv_size - 1] = '\0';
	return strncmp(env->epoch, boot, strlen(boot)) == 0 ? MDB_SUCCESS : ESTALE;
}

static int open_databases(struct env *env, const char *boot, bool is_alone)
{
	MDB_txn *txn = NULL;
	MDB_dbi meta = 0;
	int rc = mdb_txn_begin(env->mdb, NULL, 0, &txn);

	if (rc == MDB_SUCCESS)
		rc = mdb_dbi_open(txn, "records", MDB_CREATE, &env->records);
	if (rc == MDB_SUCCESS)
		rc = mdb_dbi_open(txn, "expiry", MDB_CREATE, &env->expiry);
	if (rc == MDB_SUCCESS)
		rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &meta);
	if (rc == MDB_SUCCESS)
		rc = read_epoch(env, txn, meta, boot);
	if (rc == MDB_NOTFOUND)
		rc = make_epoch(env, txn, meta, boot);
	if (rc == MDB_SUCCESS && is_alone)
		rc = record_check_all(env, txn);
	if (rc == MDB_SUCCESS)
		return mdb_txn_commit(txn);
	if (txn)
		mdb_txn_abort(txn);
	return rc;
}

/* A file shorter than its own account of it would kill the process that maps it; so would an offset
 * in a damaged page that points behind the end. */
static int check_length(const struct env *env)
{
	MDB_envinfo about;
	MDB_stat stat;
	struct stat st;
	off_t end;
	int fd, rc = mdb_env_get_fd(env->mdb, &fd);

	if (rc == MDB_SUCCESS)
		rc = mdb_env_info(env->mdb, &about);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_stat(env->mdb, &stat);
	if (rc != MDB_SUCCESS)
		return rc;
	if (fstat(fd, &st) != 0)
		return errno;
	end = (off_t)(about.me_last_pgno + 1) * stat.ms_psize;
	if (st.st_size < end)
		return MDB_CORRUPTED;
	if (st.st_size < end + LONGEST_STRAY && ftruncate(fd, end + LONGEST_STRAY) != 0)
		return errno;
	return MDB_SUCCESS;
}

static void on_assert(MDB_env *mdb, const char *text)
{
	struct env *env = mdb_env_get_userctx(mdb);

	env_fault(env, "%s: %s", env->dir, text);
	guard_mark(env); /* LMDB now ends the process; whoever comes next makes a new file */
}

static int open_once(struct env *env, const char *boot, bool is_alone)
{
	int rc = mdb_env_create(&env->mdb);

	if (rc != MDB_SUCCESS)
		return rc;
	(void)mdb_env_set_userctx(env->mdb, env);
	(void)mdb_env_set_assert(env->mdb, on_assert);
	rc = mdb_env_set_mapsize(env->mdb, (size_t)(env->max_size + env->max_size / 4 + RESERVE));
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_maxreaders(env->mdb, (unsigned)env->max_readers);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_maxdbs(env->mdb, 3);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_open(env->mdb, env->dir, MDB_NOSYNC | MDB_NOTLS | MDB_NORDAHEAD, 0600);
	if (rc == MDB_SUCCESS)
		rc = check_length(env);
	if (rc == MDB_SUCCESS)
		rc = open_databases(env, boot, is_alone);
	if (rc != MDB_SUCCESS)
		shut(env);
	return rc;
}

static bool is_broken(int rc)
{
	switch (rc) {
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_TXN:
	case MDB_BAD_RSLOT:
	case MDB_BAD_DBI:
		return true;
	default:
		return false;
	}
}

static int32_t open_guarded(struct env *env)
{
	char boot[GUARD_BOOT_MAX];
	bool is_alone = false, has_to_renew = false;
	int rc;

	if (!guard_boot(boot) || !guard_enter(env, &is_alone, &has_to_renew))
		return PINTLE_UNAVAILABLE;
	if (is_alone && has_to_renew)
		guard_wipe(env);
	if (is_alone)
		guard_mark(env); /* should what is in it kill us, the next one wipes it */
	rc = open_once(env, boot, is_alone);
	if (is_alone && (is_broken(rc) || rc == ESTALE)) {
		if (rc != ESTALE)
			env_fault(env, "%s is broken (%s): made anew, what it held is lost",
				  env->dir, mdb_strerror(rc));
		guard_wipe(env);
		rc = open_once(env, boot, is_alone);
	}
	if (is_alone && rc == MDB_SUCCESS)
		guard_unmark(env);
	if (rc == MDB_SUCCESS && guard_share(env)) {
		atomic_store(&env->is_open, true);
		return PINTLE_OK;
	}
	env_fault(env, "%s: cannot be opened: %s", env->dir, mdb_strerror(rc));
	shut(env);
	guard_leave(env);
	return PINTLE_UNAVAILABLE;
}

int32_t env_ready(struct env *env)
{
	int32_t status = PINTLE_OK;

	if (atomic_load_explicit(&env->is_open, memory_order_acquire))
		return PINTLE_OK;
	(void)pthread_mutex_lock(&env->mutex);
	if (!atomic_load(&env->is_open))
		status = open_guarded(env);
	(void)pthread_mutex_unlock(&env->mutex);
	return status;
}

int env_read_begin(struct env *env, MDB_txn **txn_out)
{
	MDB_txn *txn = NULL;
	int rc;

	(void)pthread_mutex_lock(&env->mutex);
	if (env->n_spare > 0)
		txn = env->spare[--env->n_spare];
	(void)pthread_mutex_unlock(&env->mutex);
	rc = txn ? mdb_txn_renew(txn) : mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn);
	if (rc == MDB_READERS_FULL) {
		int n_dead;

		(void)mdb_reader_check(env->mdb, &n_dead);
		rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn);
	}
	*txn_out = txn;
	return rc;
}

void env_read_end(struct env *env, MDB_txn *txn)
{
	bool is_kept;

	mdb_txn_reset(txn);
	(void)pthread_mutex_lock(&env->mutex);
	is_kept = env->n_spare < ENV_SPARE_READS;
	if (is_kept)
		env->spare[env->n_spare++] = txn;
	(void)pthread_mutex_unlock(&env->mutex);
	if (!is_kept)
		mdb_txn_abort(txn);
}

int32_t env_status(struct env *env, int rc)
{
	if (rc == MDB_SUCCESS)
		return PINTLE_OK;
	if (rc == MDB_NOTFOUND)
		return PINTLE_NOT_FOUND;
	if (is_broken(rc))
		guard_mark(env);
	env_fault(env, "%s: %s", env->dir, mdb_strerror(rc));
	return PINTLE_UNAVAILABLE;
}

void env_fault(struct env *env, const char *fmt, ...)
{
	int64_t now = env->host->mono_ms();
	int64_t until = atomic_load(&env->quiet_until_ms);
	char text[PATH_MAX + 256];
	va_list args;

	if (now < until ||
	    !atomic_compare_exchange_strong(&env->quiet_until_ms, &until, now + QUIET_MS))
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	env->host->log(env->inst, PINTLE_LOG_ERROR, text);
}
