/* SPDX-License-Identifier: Apache-2.0 */
#include "table_copy.h"

#include "clock.h"
#include "column.h"

#include <pintle/status.h>
#include <stdint.h>
#include <string.h>

#define BATCH_MS 60000
#define COUNT_MS 600000 /* a store may read the whole table for it */

/* ---- Looking ---- */

static int32_t take_int(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	int64_t *out = ctx;

	(void)n_cols;
	if (cols[0].type == PINTLE_V_INT)
		*out = cols[0].num;
	return PINTLE_OK;
}

static int32_t take_width(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)cols;
	*(size_t *)ctx = n_cols;
	return PINTLE_OK;
}

static bool fail_store(const struct table_copy *copy, const struct copy_side *side, int32_t status,
		       struct err *err)
{
	return err_set(err,
		       "[%s] %s: the store does not answer as it should (status %d); begin again, "
		       "it goes on from there",
		       side->name, copy->table->name, status);
}

static bool read_first(const struct table_copy *copy, const struct copy_side *side, const char *sql,
		       pintle_row *row, void *out, struct err *err)
{
	struct tx tx = { .db = &side->db, .deadline_ms = clock_mono_ms() + COUNT_MS };
	int32_t status = db_first(&tx, sql, DB_NO_PARAMS, row, out);

	return status == PINTLE_OK || status == PINTLE_NOT_FOUND ||
	       fail_store(copy, side, status, err);
}

/* A column that somebody added by hand would be left behind. */
static bool check_width(const struct table_copy *copy, struct arena *arena, struct err *err)
{
	const struct table *table = copy->table;
	const char *sql = arena_printf(arena, "SELECT * FROM %s LIMIT 1", table->name);
	size_t n_columns = table->n_columns;

	if (!read_first(copy, copy->from, sql, take_width, &n_columns, err))
		return false;
	return n_columns == table->n_columns ||
	       err_set(err, "[%s] %s: has %zu columns where this release knows %zu",
		       copy->from->name, table->name, n_columns, table->n_columns);
}

static bool count_rows(struct table_copy *copy, struct arena *arena, struct err *err)
{
	const char *table = copy->table->name, *key = copy->table->columns[copy->table->key];

	copy->last = INT64_MIN;
	return read_first(copy, copy->from, arena_printf(arena, "SELECT COUNT(*) FROM %s", table),
			  take_int, &copy->n_rows, err) &&
	       read_first(copy, copy->to, arena_printf(arena, "SELECT MAX(%s) FROM %s", key, table),
			  take_int, &copy->last, err) &&
	       read_first(copy, copy->to, arena_printf(arena, "SELECT COUNT(*) FROM %s", table),
			  take_int, &copy->n_before, err);
}

/* ---- Comparing ---- */

static int64_t key_of(const struct table_copy *copy, const struct pintle_value *row)
{
	return row[copy->table->key].num;
}

/* Both rows are there. */
static bool compare_rows(const struct table_copy *copy, const struct pintle_value *from,
			 const struct pintle_value *to, struct err *err)
{
	const struct table *table = copy->table;

	for (size_t i = 0; i < table->n_columns; i++) {
		if (!row_value_same(&from[i], &to[i]))
			return err_set(err, "[%s] %s: row %lld is not that of [%s]: %s differs",
				       copy->to->name, table->name, (long long)key_of(copy, to),
				       copy->from->name, table->columns[i]);
	}
	return true;
}

static bool compare(const struct table_copy *copy, const struct pintle_value *from,
		    const struct pintle_value *to, struct err *err)
{
	const struct table *table = copy->table;

	if (from && (!to || key_of(copy, from) < key_of(copy, to)))
		return err_set(err, "[%s] %s: row %lld of [%s] is missing", copy->to->name,
			       table->name, (long long)key_of(copy, from), copy->from->name);
	if (to && (!from || key_of(copy, to) < key_of(copy, from)))
		return err_set(err, "[%s] %s: row %lld is not in [%s]", copy->to->name, table->name,
			       (long long)key_of(copy, to), copy->from->name);
	return compare_rows(copy, from, to, err);
}

static bool walk(const struct table_copy *copy, struct row_reader *from, struct row_reader *to,
		 struct err *err)
{
	const struct pintle_value *a, *b;

	for (;;) {
		int32_t status = row_reader_next(from, &a);

		if (status != PINTLE_OK)
			return fail_store(copy, copy->from, status, err);
		status = row_reader_next(to, &b);
		if (status != PINTLE_OK)
			return fail_store(copy, copy->to, status, err);
		if (!a && !b)
			return true;
		if (!compare(copy, a, b, err))
			return false;
	}
}

/* Rows that no order finds, such as one whose key is no number, are missing in the count. */
static bool check_count(const struct table_copy *copy, const struct copy_side *side,
			int64_t n_found, int64_t n_rows, struct err *err)
{
	return n_found == n_rows ||
	       err_set(err, "[%s] %s: %lld of its %lld rows can be found by their key", side->name,
		       copy->table->name, (long long)n_found, (long long)n_rows);
}

/* Every row up to last; *n_out is how many there are, on both sides. */
static bool compare_up_to(const struct table_copy *copy, int64_t last, int64_t *n_out,
			  char checksum[ROW_CHECKSUM_LEN + 1], struct err *err)
{
	char other[ROW_CHECKSUM_LEN + 1];
	struct row_reader from, to;
	bool ok;

	row_reader_init(&from, &copy->from->db, copy->table, copy->select, INT64_MIN, last);
	row_reader_init(&to, &copy->to->db, copy->table, copy->select, INT64_MIN, last);
	ok = walk(copy, &from, &to, err);
	if (ok) {
		*n_out = to.n_given;
		row_reader_checksum(&from, checksum);
		row_reader_checksum(&to, other);
		ok = strcmp(checksum, other) == 0 ||
		     err_set(err, "[%s] %s: its checksum %s is not %s, that of [%s]",
			     copy->to->name, copy->table->name, other, checksum, copy->from->name);
	}
	row_reader_fini(&from);
	row_reader_fini(&to);
	return ok;
}

static const char *insert_sql(struct arena *arena, const struct table *table)
{
	const char *names = table->columns[0], *marks = "?";

	for (size_t i = 1; i < table->n_columns; i++) {
		names = arena_printf(arena, "%s, %s", names, table->columns[i]);
		marks = arena_printf(arena, "%s, ?", marks);
	}
	return arena_printf(arena, "INSERT INTO %s (%s) VALUES (%s)", table->name, names, marks);
}

/* What is there must be the first rows, all of them, and nothing else. */
static bool compare_begun(struct table_copy *copy, struct err *err)
{
	struct err why;

	if (copy->last != INT64_MIN &&
	    !compare_up_to(copy, copy->last, &copy->n_done, copy->checksum, &why))
		return err_set(err,
			       "%.500s; it holds something else, or the source has changed since a "
			       "copy was begun: take an empty database",
			       why.text);
	return check_count(copy, copy->to, copy->n_done, copy->n_before, err);
}

bool table_copy_begin(struct table_copy *copy, struct arena *arena, struct err *err)
{
	int64_t start_us = clock_mono_us();
	bool ok;

	copy->select = row_select_sql(arena, copy->table);
	copy->insert = insert_sql(arena, copy->table);
	ok = check_width(copy, arena, err) && count_rows(copy, arena, err) &&
	     compare_begun(copy, err);
	copy->spent_us = clock_mono_us() - start_us;
	return ok;
}

/* ---- Writing ---- */

/* Rows begin to end of a batch, in one transaction; *bad_out is the one that fails. */
static int32_t insert_rows(const struct table_copy *copy, const struct row_reader *batch,
			   size_t end, size_t *bad_out)
{
	struct tx tx = { .db = &copy->to->db, .deadline_ms = clock_mono_ms() + BATCH_MS };
	int32_t status = db_begin(&tx);

	for (size_t i = 0; status == PINTLE_OK && i < end; i++) {
		*bad_out = i;
		status = db_exec(&tx, copy->insert, row_reader_row(batch, i),
				 (uint32_t)copy->table->n_columns, NULL, NULL);
	}
	if (status == PINTLE_OK)
		status = db_commit(&tx);
	db_rollback(&tx);
	return status;
}

/* Whether the row could be written; it is not. */
static bool would_fit(const struct table_copy *copy, const struct pintle_value *row)
{
	struct tx tx = { .db = &copy->to->db, .deadline_ms = clock_mono_ms() + BATCH_MS };
	bool ok = db_begin(&tx) == PINTLE_OK &&
		  db_exec(&tx, copy->insert, row, (uint32_t)copy->table->n_columns, NULL, NULL) ==
			  PINTLE_OK;

	db_rollback(&tx);
	return ok;
}

/* The column that is to blame: with something harmless in its place the row fits. NULL: not one alone. */
static const char *find_misfit(const struct table_copy *copy, const struct pintle_value *row)
{
	const struct table *table = copy->table;
	struct pintle_value tried[TABLE_COLUMNS_MAX];

	memcpy(tried, row, table->n_columns * sizeof(*tried));
	for (size_t i = 0; i < table->n_columns; i++) {
		if (i == table->key || row[i].type == PINTLE_V_NULL)
			continue;
		tried[i] = (struct pintle_value){ .type = row[i].type, .ptr = "" };
		if (would_fit(copy, tried))
			return table->columns[i];
		tried[i] = row[i];
	}
	return NULL;
}

static bool fail_row(const struct table_copy *copy, const struct pintle_value *row, int32_t status,
		     struct err *err)
{
	const char *column = find_misfit(copy, row);

	return err_set(err, "[%s] %s: row %lld of [%s] does not fit%s%s (status %d, see the log)",
		       copy->to->name, copy->table->name, (long long)key_of(copy, row),
		       copy->from->name, column ? ": column " : "", column ? column : "", status);
}

/* The rows before a bad one are written, so that what is found out about it is found beside them. */
static bool write_batch(struct table_copy *copy, const struct row_reader *batch, struct err *err)
{
	size_t bad = 0, ignored;
	int32_t status = insert_rows(copy, batch, batch->n_batch, &bad), before;

	if (status == PINTLE_OK)
		return true;
	if (status != PINTLE_CONFLICT && status != PINTLE_INTERNAL)
		return fail_store(copy, copy->to, status, err);
	before = insert_rows(copy, batch, bad, &ignored);
	if (before != PINTLE_OK)
		return fail_store(copy, copy->to, before, err);
	return fail_row(copy, row_reader_row(batch, bad), status, err);
}

static bool write_rows(struct table_copy *copy, struct row_reader *batch,
		       table_copy_progress *progress, void *ctx, struct err *err)
{
	for (;;) {
		int32_t status = row_reader_batch(batch);

		if (status != PINTLE_OK)
			return fail_store(copy, copy->from, status, err);
		if (batch->n_batch == 0)
			return true;
		if (!write_batch(copy, batch, err))
			return false;
		copy->n_done += (int64_t)batch->n_batch;
		progress(ctx, copy);
	}
}

bool table_copy_run(struct table_copy *copy, table_copy_progress *progress, void *ctx,
		    struct err *err)
{
	int64_t start_us = clock_mono_us();
	struct row_reader batch;
	bool ok;

	row_reader_init(&batch, &copy->from->db, copy->table, copy->select, copy->last, INT64_MAX);
	ok = write_rows(copy, &batch, progress, ctx, err);
	row_reader_fini(&batch);
	copy->spent_us += clock_mono_us() - start_us;
	return ok;
}

bool table_copy_verify(struct table_copy *copy, struct err *err)
{
	int64_t start_us = clock_mono_us(), n_found = 0;
	bool ok = compare_up_to(copy, INT64_MAX, &n_found, copy->checksum, err) &&
		  check_count(copy, copy->from, n_found, copy->n_rows, err);

	copy->spent_us += clock_mono_us() - start_us;
	return ok;
}
