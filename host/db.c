/* SPDX-License-Identifier: Apache-2.0 */
#include "db.h"

#include "clock.h"

#include <assert.h>
#include <pintle/status.h>

static _Thread_local bool is_inside;

int64_t db_step_ms(const struct tx *tx)
{
	int64_t left_ms = tx->deadline_ms - clock_mono_ms();

	return tx->step_ms > 0 && tx->step_ms < left_ms ? tx->step_ms : left_ms;
}

bool db_is_inside(void)
{
	return is_inside;
}

int32_t db_begin(struct tx *tx)
{
	int64_t timeout_ms = db_step_ms(tx);
	int32_t status;

	assert(!tx->open && !is_inside);
	if (timeout_ms <= 0)
		return PINTLE_TIMEOUT;
	status = tx->db->ops->begin(tx->db->self, timeout_ms, &tx->open);
	is_inside = status == PINTLE_OK;
	return status;
}

int32_t db_commit(struct tx *tx)
{
	struct pintle_tx *open = tx->open;

	assert(open && is_inside);
	if (db_step_ms(tx) <= 0) {
		db_rollback(tx);
		return PINTLE_TIMEOUT;
	}
	tx->open = NULL;
	is_inside = false;
	return tx->db->ops->commit(tx->db->self, open);
}

void db_rollback(struct tx *tx)
{
	struct pintle_tx *open = tx->open;

	if (!open)
		return;
	assert(is_inside);
	tx->open = NULL;
	is_inside = false;
	tx->db->ops->rollback(tx->db->self, open);
}

static int32_t run(struct tx *tx, struct pintle_query *query)
{
	/* Alone, it would wait for the transaction this thread holds. */
	assert(tx->open || !is_inside);
	query->size = sizeof(*query);
	query->timeout_ms = db_step_ms(tx);
	if (query->timeout_ms <= 0)
		return PINTLE_TIMEOUT;
	return tx->db->ops->query(tx->db->self, tx->open, query);
}

int32_t db_exec(struct tx *tx, const char *sql, const struct pintle_value *params,
		uint32_t n_params, int64_t *n_changed_out, int64_t *last_id_out)
{
	struct pintle_db_result result = { .size = sizeof(result) };
	struct pintle_query query = {
		.sql = sql, .params = params, .n_params = n_params, .result = &result
	};
	int32_t status = run(tx, &query);

	if (status == PINTLE_OK && n_changed_out)
		*n_changed_out = result.n_changed;
	if (status == PINTLE_OK && last_id_out)
		*last_id_out = result.last_id;
	return status;
}

int32_t db_each(struct tx *tx, const char *sql, const struct pintle_value *params,
		uint32_t n_params, pintle_row *row, void *ctx)
{
	struct pintle_query query = {
		.sql = sql, .params = params, .n_params = n_params, .row = row, .ctx = ctx
	};

	return run(tx, &query);
}

struct first {
	pintle_row *row;
	void *ctx;
	bool is_found;
	int32_t status;
};

/* Any status but OK ends the query; the caller's own is in first. */
static int32_t take_first(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct first *first = ctx;

	first->is_found = true;
	first->status = first->row ? first->row(first->ctx, cols, n_cols) : PINTLE_OK;
	return PINTLE_MORE;
}

int32_t db_first(struct tx *tx, const char *sql, const struct pintle_value *params,
		 uint32_t n_params, pintle_row *row, void *ctx)
{
	struct first first = { .row = row, .ctx = ctx };
	int32_t status = db_each(tx, sql, params, n_params, take_first, &first);

	if (first.is_found && status == PINTLE_MORE)
		return first.status;
	return status == PINTLE_OK ? PINTLE_NOT_FOUND : status;
}

int32_t db_ping(const struct db *db, int64_t timeout_ms)
{
	return db->ops->ping(db->self, timeout_ms);
}
