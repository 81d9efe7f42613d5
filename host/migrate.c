/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate.h"

#include "arena.h"
#include "clock.h"
#include "log.h"

#include <openssl/evp.h>
#include <pintle/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_NAME "migrate"
#define LOCK_MS 60000  /* another process may be at a long step */
#define STEP_MS 600000 /* a step may rewrite a large table */
#define DIGEST_HEX 64

/* Words that both dialects know; the width of an index key bounds the texts. */
static const char table_sql[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
				"owner VARCHAR(64) NOT NULL, number INTEGER NOT NULL, "
				"name VARCHAR(190) NOT NULL, checksum CHAR(64) NOT NULL, "
				"applied_at VARCHAR(32) NOT NULL, PRIMARY KEY (owner, number))";

struct run {
	struct tx tx;
	const char *owner;
	const struct pintle_migration *steps; /* of every dialect */
	size_t n_steps;
	int64_t n_done; /* steps of owner that are in the history */
	size_t n_applied;
	struct err *err;
	bool is_refused;
};

static void checksum_of(const char *sql, char out[DIGEST_HEX + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(sql, strlen(sql), digest, &len, EVP_sha256(), NULL) != 1)
		abort(); /* OpenSSL without SHA-256 */
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
}

static const struct pintle_migration *find_step(const struct run *run, int64_t number)
{
	for (size_t i = 0; i < run->n_steps; i++) {
		const struct pintle_migration *step = &run->steps[i];

		if (step->number == number && strcmp(step->dialect, run->tx.db->ops->dialect) == 0)
			return step;
	}
	return NULL;
}

/* A row of the history: number, name, checksum. */
static int32_t check_done(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct run *run = ctx;
	const struct pintle_migration *step;
	char checksum[DIGEST_HEX + 1];

	(void)n_cols;
	step = find_step(run, cols[0].num);
	run->is_refused = true;
	if (!step) {
		(void)err_set(run->err,
			      "database: step %d (%s) of %s was applied by a newer version",
			      (int)cols[0].num, cols[1].ptr, run->owner);
		return PINTLE_CONFLICT;
	}
	checksum_of(step->sql, checksum);
	if (!cols[2].ptr || strcmp(cols[2].ptr, checksum) != 0) {
		(void)err_set(run->err,
			      "database: step %d (%s) of %s has changed since it was applied",
			      step->number, step->name, run->owner);
		return PINTLE_CONFLICT;
	}
	if (cols[0].num != run->n_done + 1) {
		(void)err_set(run->err, "database: step %d of %s is missing from the history",
			      (int)run->n_done + 1, run->owner);
		return PINTLE_CONFLICT;
	}
	run->is_refused = false;
	run->n_done++;
	return PINTLE_OK;
}

static bool fail_history(struct run *run, int32_t status)
{
	return err_set(run->err, "database: the history of its steps cannot be read (status %d)",
		       status);
}

static bool read_history(struct run *run)
{
	int32_t status = db_each(&run->tx,
				 "SELECT number, name, checksum FROM schema_migrations "
				 "WHERE owner = ? ORDER BY number",
				 DB_PARAMS(db_text(run->owner)), check_done, run);

	if (status == PINTLE_OK)
		return true;
	return run->is_refused ? false : fail_history(run, status);
}

/* The length up to and including the next ';' that ends a line; all when there is none. */
static size_t statement_len(const char *sql)
{
	const char *at = sql;

	while ((at = strchr(at, ';'))) {
		const char *rest;

		at++;
		rest = at + strspn(at, " \t\r");
		if (*rest == '\n' || *rest == '\0')
			return (size_t)(at - sql);
	}
	return strlen(sql);
}

/* Over white space and lines of comment, so that none is taken for a statement. */
static const char *skip_blank(const char *sql)
{
	sql += strspn(sql, " \t\r\n");
	while (strncmp(sql, "--", 2) == 0) {
		sql += strcspn(sql, "\n");
		sql += strspn(sql, " \t\r\n");
	}
	return sql;
}

static int32_t run_statements(struct run *run, const char *sql)
{
	struct arena arena = { 0 };
	int32_t status = PINTLE_OK;

	for (sql = skip_blank(sql); status == PINTLE_OK && *sql; sql = skip_blank(sql)) {
		size_t len = statement_len(sql);

		status = db_exec(&run->tx, arena_copy(&arena, sql, len), DB_NO_PARAMS, NULL, NULL);
		sql += len;
	}
	arena_fini(&arena);
	return status;
}

static int32_t record(struct run *run, const struct pintle_migration *step)
{
	char checksum[DIGEST_HEX + 1], at[CLOCK_TEXT_MAX];

	checksum_of(step->sql, checksum);
	clock_text(clock_now_ms(), at);
	return db_exec(&run->tx,
		       "INSERT INTO schema_migrations (owner, number, name, checksum, applied_at) "
		       "VALUES (?, ?, ?, ?, ?)",
		       DB_PARAMS(db_text(run->owner), db_int(step->number), db_text(step->name),
				 db_text(checksum), db_text(at)),
		       NULL, NULL);
}

static bool apply(struct run *run, const struct pintle_migration *step)
{
	int32_t status = db_begin(&run->tx);

	if (status == PINTLE_OK)
		status = run_statements(run, step->sql);
	if (status == PINTLE_OK)
		status = record(run, step);
	if (status == PINTLE_OK)
		status = db_commit(&run->tx);
	db_rollback(&run->tx);
	if (status != PINTLE_OK)
		return err_set(run->err, "database: step %d (%s) of %s failed (status %d)",
			       step->number, step->name, run->owner, status);
	log_info("database: step %d (%s) of %s applied", step->number, step->name, run->owner);
	run->n_applied++;
	return true;
}

static bool run_locked(struct run *run)
{
	const struct pintle_migration *step;
	int32_t status = db_exec(&run->tx, table_sql, DB_NO_PARAMS, NULL, NULL);

	if (status != PINTLE_OK)
		return fail_history(run, status);
	if (!read_history(run))
		return false;
	for (int64_t next = run->n_done + 1; (step = find_step(run, next)); next++) {
		if (!apply(run, step))
			return false;
	}
	return true;
}

static struct run run_of(const struct db *db, const char *owner,
			 const struct pintle_migration *steps, size_t n_steps, struct err *err)
{
	return (struct run){
		.tx = { .db = db, .deadline_ms = clock_mono_ms() + LOCK_MS + STEP_MS },
		.owner = owner,
		.steps = steps,
		.n_steps = n_steps,
		.err = err,
	};
}

bool migrate_run(const struct db *db, const char *owner, const struct pintle_migration *steps,
		 size_t n_steps, size_t *n_applied_out, struct err *err)
{
	struct run run = run_of(db, owner, steps, n_steps, err);
	void *lock = NULL;
	bool ok;

	if (db->ops->lock(db->self, LOCK_NAME, LOCK_MS, &lock) != PINTLE_OK)
		return err_set(err, "database: cannot be opened, or another process holds it for "
				    "its steps");
	ok = run_locked(&run);
	db->ops->unlock(db->self, lock);
	if (ok && n_applied_out)
		*n_applied_out = run.n_applied;
	return ok;
}

bool migrate_check(const struct db *db, const char *owner, const struct pintle_migration *steps,
		   size_t n_steps, struct err *err)
{
	struct run run = run_of(db, owner, steps, n_steps, err);
	const struct pintle_migration *step;

	if (!read_history(&run))
		return false;
	step = find_step(&run, run.n_done + 1);
	return !step || err_set(err, "database: step %d (%s) of %s has not been applied",
				step->number, step->name, owner);
}
