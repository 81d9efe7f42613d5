/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL as the host uses it: a thin front of the configured db plugin. [worker] everything. A struct tx is
 * where statements run: inside one transaction, or each alone. While a thread is inside a transaction,
 * kv, http and send are asserted away.
 */
#ifndef DB_H
#define DB_H

#include <pintle/store.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct db {
	const struct pintle_db *ops;
	void *self;
};

struct tx {
	const struct db *db;
	struct pintle_tx *open; /* NULL: each statement alone */
	int64_t deadline_ms;    /* monotonic */
	int64_t step_ms;        /* one statement may take; 0: all the time that is left */
};

static inline struct pintle_value db_text(const char *text)
{
	return text ? (struct pintle_value){ PINTLE_V_TEXT, 0, 0, 0, text, strlen(text) }
		    : PINTLE_P_NULL;
}

static inline struct pintle_value db_int(int64_t number)
{
	return PINTLE_P_INT(number);
}

#define DB_PARAMS(...)                                                                             \
	(const struct pintle_value[]){ __VA_ARGS__ },                                              \
		(uint32_t)(sizeof((const struct pintle_value[]){ __VA_ARGS__ }) /                  \
			   sizeof(struct pintle_value))
#define DB_NO_PARAMS NULL, 0

/* What the next statement may take; 0 or less: no time is left. */
int64_t db_step_ms(const struct tx *tx);
int32_t db_begin(struct tx *tx);
int32_t db_commit(struct tx *tx);
void db_rollback(struct tx *tx); /* nothing when none is open */
bool db_is_inside(void);         /* is this thread inside a transaction? */

/* A statement without rows; n_changed_out and last_id_out may be NULL. */
int32_t db_exec(struct tx *tx, const char *sql, const struct pintle_value *params,
		uint32_t n_params, int64_t *n_changed_out, int64_t *last_id_out);
/* Each row to row. */
int32_t db_each(struct tx *tx, const char *sql, const struct pintle_value *params,
		uint32_t n_params, pintle_row *row, void *ctx);
/* The first row to row; NOT_FOUND when there is none. */
int32_t db_first(struct tx *tx, const char *sql, const struct pintle_value *params,
		 uint32_t n_params, pintle_row *row, void *ctx);
int32_t db_ping(const struct db *db, int64_t timeout_ms);

#endif
