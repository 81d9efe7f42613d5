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

/* Words that both dialects know; the width of an index key bounds the texts. The second one is empty but
 * while a step is applied to a store that commits at every change of its schema. */
static const char *const tables[] = {
	"CREATE TABLE IF NOT EXISTS schema_migrations ("
	"owner VARCHAR(64) NOT NULL, number INTEGER NOT NULL, name VARCHAR(190) NOT NULL, "
	"checksum CHAR(64) NOT NULL, applied_at VARCHAR(32) NOT NULL, PRIMARY KEY (owner, number))",
	"CREATE TABLE IF NOT EXISTS schema_progress ("
	"owner VARCHAR(64) NOT NULL, number INTEGER NOT NULL, checksum CHAR(64) NOT NULL, "
	"n_done INTEGER NOT NULL, is_unsure INTEGER NOT NULL, PRIMARY KEY (owner, number))",
};

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

/* ---- How far a step is ---- */

/*
 * Where a step is one transaction, what is noted here goes with it. Where each change of the schema is
 * committed by itself, together with what was done before it, a step that was interrupted goes on: all
 * before n_done is done, and n_done itself is when is_unsure and it cannot be done again (CONFLICT).
 */
struct progress {
	const struct pintle_migration *step;
	char checksum[DIGEST_HEX + 1];
	int64_t n_done;
	bool is_unsure, is_same;
};

static int32_t read_progress(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct progress *progress = ctx;

	(void)n_cols;
	progress->n_done = cols[0].num;
	progress->is_unsure = cols[1].num != 0;
	progress->is_same = cols[2].ptr && strcmp(cols[2].ptr, progress->checksum) == 0;
	return PINTLE_OK;
}

static int32_t begin_progress(struct run *run, struct progress *progress)
{
	const struct pintle_migration *step = progress->step;
	int32_t status;

	checksum_of(step->sql, progress->checksum);
	status = db_first(&run->tx,
			  "SELECT n_done, is_unsure, checksum FROM schema_progress "
			  "WHERE owner = ? AND number = ?",
			  DB_PARAMS(db_text(run->owner), db_int(step->number)), read_progress,
			  progress);
	if (status == PINTLE_OK && !progress->is_same) {
		run->is_refused = true;
		(void)err_set(run->err,
			      "database: step %d (%s) of %s was left half done by a version with "
			      "another text of it",
			      step->number, step->name, run->owner);
		return PINTLE_CONFLICT;
	}
	if (status != PINTLE_NOT_FOUND)
		return status;
	return db_exec(
		&run->tx,
		"INSERT INTO schema_progress (owner, number, checksum, n_done, is_unsure) "
		"VALUES (?, ?, ?, 0, 0)",
		DB_PARAMS(db_text(run->owner), db_int(step->number), db_text(progress->checksum)),
		NULL, NULL);
}

static int32_t note_progress(struct run *run, const struct progress *progress, int64_t n_done)
{
	return db_exec(
		&run->tx,
		"UPDATE schema_progress SET n_done = ?, is_unsure = 1 "
		"WHERE owner = ? AND number = ?",
		DB_PARAMS(db_int(n_done), db_text(run->owner), db_int(progress->step->number)),
		NULL, NULL);
}

/* The store said no to statement n_done, so that one surely is not done. */
static void note_refusal(struct run *run, const struct progress *progress, int64_t n_done)
{
	(void)db_exec(
		&run->tx,
		"UPDATE schema_progress SET is_unsure = 0 "
		"WHERE owner = ? AND number = ? AND n_done = ?",
		DB_PARAMS(db_text(run->owner), db_int(progress->step->number), db_int(n_done)),
		NULL, NULL); /* else the next start is told the same */
}

static int32_t end_progress(struct run *run, const struct progress *progress)
{
	return db_exec(&run->tx, "DELETE FROM schema_progress WHERE owner = ? AND number = ?",
		       DB_PARAMS(db_text(run->owner), db_int(progress->step->number)), NULL, NULL);
}

/* ---- One step ---- */

static int32_t run_one(struct run *run, const struct progress *progress, int64_t at,
		       const char *sql)
{
	bool may_be_done = progress->is_unsure && at == progress->n_done;
	int32_t status = note_progress(run, progress, at);

	if (status != PINTLE_OK)
		return status;
	status = db_exec(&run->tx, sql, DB_NO_PARAMS, NULL, NULL);
	return status == PINTLE_CONFLICT && may_be_done ? PINTLE_OK : status;
}

/* at_out: how many statements went well. */
static int32_t run_statements(struct run *run, const struct progress *progress, int64_t *at_out)
{
	const char *sql = progress->step->sql;
	struct arena arena = { 0 };
	int32_t status = PINTLE_OK;

	for (sql = skip_blank(sql); *sql; sql = skip_blank(sql)) {
		size_t len = statement_len(sql);

		if (*at_out >= progress->n_done)
			status = run_one(run, progress, *at_out, arena_copy(&arena, sql, len));
		if (status != PINTLE_OK)
			break;
		sql += len;
		++*at_out;
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

static bool is_refusal(int32_t status)
{
	return status != PINTLE_OK && status != PINTLE_TIMEOUT && status != PINTLE_UNAVAILABLE;
}

static bool apply(struct run *run, const struct pintle_migration *step)
{
	struct progress progress = { .step = step };
	int64_t at = 0;
	int32_t status = db_begin(&run->tx);

	if (status == PINTLE_OK)
		status = begin_progress(run, &progress);
	if (status == PINTLE_OK)
		status = run_statements(run, &progress, &at);
	if (status == PINTLE_OK)
		status = record(run, step);
	if (status == PINTLE_OK)
		status = end_progress(run, &progress);
	if (status == PINTLE_OK)
		status = db_commit(&run->tx);
	db_rollback(&run->tx);
	if (run->is_refused)
		return false;
	if (is_refusal(status))
		note_refusal(run, &progress, at);
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
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < sizeof(tables) / sizeof(tables[0]); i++)
		status = db_exec(&run->tx, tables[i], DB_NO_PARAMS, NULL, NULL);
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
