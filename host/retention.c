/* SPDX-License-Identifier: Apache-2.0 */
#include "retention.h"

#include "clock.h"

#include <pintle/status.h>

#define BATCH "200" /* with its indexes about two milliseconds of the writer */
#define TIMEOUT_MS 10000
/* So many batches of one rule in a run, a few minutes' work at worst. */
#define MAX_BATCHES 20000

/* Rows are in the order of a time: find gives the time of the last row of a batch, or nothing when
 * fewer are left, and act does it to all up to there. One statement for both is not portable. */
struct rule {
	const char *find, *act;
};

#define ENDED_SESSIONS " FROM user_sessions WHERE absolute_expires_at <= ?"
#define LAST_OF_BATCH(table)                                                                       \
	"SELECT at FROM " table " WHERE at <= ? ORDER BY at LIMIT 1 OFFSET " BATCH
#define OLD_ROWS(table)                                                                            \
	{                                                                                          \
		LAST_OF_BATCH(table), "DELETE FROM " table " WHERE at <= ?"                        \
	}

static const struct rule mark_ended = {
	"SELECT absolute_expires_at" ENDED_SESSIONS
	" AND status = 'active' ORDER BY absolute_expires_at LIMIT 1 OFFSET " BATCH,
	"UPDATE user_sessions SET status = 'expired', updated_at = absolute_expires_at"
	" WHERE status = 'active' AND absolute_expires_at <= ?",
};
static const struct rule delete_sessions = {
	"SELECT absolute_expires_at" ENDED_SESSIONS
	" ORDER BY absolute_expires_at LIMIT 1 OFFSET " BATCH,
	"DELETE" ENDED_SESSIONS,
};
static const struct rule delete_logins = OLD_ROWS("login_logs");
static const struct rule delete_audit = OLD_ROWS("auth_logs");
static const struct rule delete_messages = OLD_ROWS("message_logs");

static int32_t read_time(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)n_cols;
	*(int64_t *)ctx = cols[0].num;
	return PINTLE_OK;
}

static int32_t run_batch(const struct db *db, const struct rule *rule, int64_t until_ms,
			 bool *is_last_out)
{
	struct tx tx = { .db = db, .deadline_ms = clock_mono_ms() + TIMEOUT_MS };
	int64_t end_ms = until_ms;
	int32_t status = db_first(&tx, rule->find, DB_PARAMS(db_int(until_ms)), read_time, &end_ms);

	*is_last_out = status == PINTLE_NOT_FOUND;
	if (status != PINTLE_OK && status != PINTLE_NOT_FOUND)
		return status;
	return db_exec(&tx, rule->act, DB_PARAMS(db_int(end_ms)), NULL, NULL);
}

static int32_t run_rule(const struct db *db, const struct rule *rule, int64_t until_ms,
			const _Atomic bool *must_stop)
{
	int32_t status = PINTLE_OK;
	bool is_last = false;

	for (int i = 0; i < MAX_BATCHES && status == PINTLE_OK && !is_last; i++) {
		if (atomic_load(must_stop))
			return PINTLE_OK;
		status = run_batch(db, rule, until_ms, &is_last);
	}
	return status;
}

int32_t retention_run(const struct db *db, const struct settings *settings,
		      const _Atomic bool *must_stop)
{
	const struct {
		const struct rule *rule;
		int64_t keep_ms;
	} rules[] = {
		{ &mark_ended, 0 },
		{ &delete_sessions, settings->session.keep_ms },
		{ &delete_logins, settings->log.keep_logins_ms },
		{ &delete_audit, settings->log.keep_audit_ms },
		{ &delete_messages, settings->log.keep_messages_ms },
	};
	int64_t now_ms = clock_now_ms();
	int32_t status = PINTLE_OK;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && status == PINTLE_OK; i++)
		status = run_rule(db, rules[i].rule, now_ms - rules[i].keep_ms, must_stop);
	return status;
}
