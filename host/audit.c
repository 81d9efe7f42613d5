/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the two logs. Failed attempts wait in a ring and go out in one transaction by a background
 * job: one such job at a time, so the more come, the more share a commit. */
#include "audit.h"

#include "clock.h"
#include "log.h"
#include "transact.h"
#include "utf8.h"
#include "xalloc.h"

#include <pintle/status.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MAX_WAITING 1024
#define FLUSH_TIMEOUT_MS 5000

/* A copy of an attempt, cut to what the columns hold. */
struct attempt_row {
	int64_t user_id, at_ms;
	char provider[49], identifier[257], result[17], reason[65];
	char ip[47], user_agent[513], device_id[129], session_id[65];
};

struct audit {
	struct job job; /* first: what the pool runs */
	const struct db *db;
	struct pool *pool;
	struct pool_class *background;
	_Atomic uint64_t n_dropped;

	pthread_mutex_t lock; /* guards what follows */
	struct attempt_row *waiting;
	size_t n_waiting;
	bool is_scheduled;

	struct attempt_row *writing; /* the job's */
	size_t n_writing;
};

/* What is empty was not known. */
static struct pintle_value known(const char *text)
{
	return *text ? db_text(text) : PINTLE_P_NULL;
}

static struct pintle_value known_id(int64_t id)
{
	return id != 0 ? db_int(id) : PINTLE_P_NULL;
}

static void copy_attempt(struct attempt_row *row, const struct login_attempt *attempt)
{
	row->user_id = attempt->user_id;
	row->at_ms = clock_now_ms();
	utf8_copy(row->provider, sizeof(row->provider), attempt->provider);
	utf8_copy(row->identifier, sizeof(row->identifier), attempt->identifier);
	utf8_copy(row->result, sizeof(row->result), attempt->result);
	utf8_copy(row->reason, sizeof(row->reason), attempt->reason);
	utf8_copy(row->ip, sizeof(row->ip), attempt->ip);
	utf8_copy(row->user_agent, sizeof(row->user_agent), attempt->user_agent);
	utf8_copy(row->device_id, sizeof(row->device_id), attempt->device_id);
	utf8_copy(row->session_id, sizeof(row->session_id), attempt->session_id);
}

static int32_t insert_attempt(struct tx *tx, const struct attempt_row *row)
{
	return db_exec(tx,
		       "INSERT INTO login_logs (user_id, provider, identifier, result, reason, ip,"
		       " user_agent, device_id, session_id, at)"
		       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		       DB_PARAMS(known_id(row->user_id), known(row->provider),
				 known(row->identifier), db_text(row->result), known(row->reason),
				 known(row->ip), known(row->user_agent), known(row->device_id),
				 known(row->session_id), db_int(row->at_ms)),
		       NULL, NULL);
}

int32_t audit_login(struct tx *tx, const struct login_attempt *attempt)
{
	struct attempt_row row;

	copy_attempt(&row, attempt);
	return insert_attempt(tx, &row);
}

int32_t audit_write(struct tx *tx, const struct audit_entry *entry)
{
	return db_exec(tx,
		       "INSERT INTO auth_logs (actor_kind, actor_id, action, target, result, ip,"
		       " request_id, details, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		       DB_PARAMS(db_text(entry->actor_kind), known_id(entry->actor_id),
				 db_text(entry->action), db_text(entry->target),
				 db_text(entry->result), db_text(entry->ip),
				 db_text(entry->request_id), db_text(entry->details),
				 db_int(clock_now_ms())),
		       NULL, NULL);
}

/* ---- What waits ---- */

static int32_t insert_all(struct tx *tx, void *ctx)
{
	const struct audit *audit = ctx;
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < audit->n_writing; i++)
		status = insert_attempt(tx, &audit->writing[i]);
	return status;
}

/* Swaps the two halves; false, and the job is over, when nothing waits. */
static bool take_waiting(struct audit *audit)
{
	struct attempt_row *empty = audit->writing;
	bool has_rows;

	(void)pthread_mutex_lock(&audit->lock);
	audit->writing = audit->waiting;
	audit->n_writing = audit->n_waiting;
	audit->waiting = empty;
	audit->n_waiting = 0;
	has_rows = audit->n_writing > 0;
	audit->is_scheduled = has_rows;
	(void)pthread_mutex_unlock(&audit->lock); /* from here on another flush may begin */
	return has_rows;
}

static void flush(struct audit *audit)
{
	while (take_waiting(audit)) {
		struct tx tx = {
			.db = audit->db,
			.deadline_ms = clock_mono_ms() + FLUSH_TIMEOUT_MS,
		};

		if (transact(&tx, insert_all, audit) == PINTLE_OK)
			continue;
		log_error("the login log could not be written: %zu rows are lost",
			  audit->n_writing);
		atomic_fetch_add(&audit->n_dropped, audit->n_writing);
	}
}

static void run_flush(struct job *job)
{
	flush((struct audit *)job);
}

void audit_login_later(struct audit *audit, const struct login_attempt *attempt)
{
	bool must_submit;

	(void)pthread_mutex_lock(&audit->lock);
	if (audit->n_waiting < MAX_WAITING)
		copy_attempt(&audit->waiting[audit->n_waiting++], attempt);
	else
		atomic_fetch_add(&audit->n_dropped, 1);
	must_submit = !audit->is_scheduled;
	audit->is_scheduled = true;
	(void)pthread_mutex_unlock(&audit->lock);
	if (!must_submit || pool_submit(audit->pool, audit->background, &audit->job))
		return;
	/* No room in the pool: the rows wait for the next attempt, or for the end. */
	(void)pthread_mutex_lock(&audit->lock);
	audit->is_scheduled = false;
	(void)pthread_mutex_unlock(&audit->lock);
}

uint64_t audit_n_dropped(const struct audit *audit)
{
	return atomic_load(&audit->n_dropped);
}

struct audit *audit_new(const struct db *db, struct pool *pool, struct pool_class *background)
{
	struct audit *audit = xcalloc(1, sizeof(*audit));

	audit->job.run = run_flush;
	audit->db = db;
	audit->pool = pool;
	audit->background = background;
	audit->waiting = xcalloc(MAX_WAITING, sizeof(*audit->waiting));
	audit->writing = xcalloc(MAX_WAITING, sizeof(*audit->writing));
	(void)pthread_mutex_init(&audit->lock, NULL);
	return audit;
}

void audit_free(struct audit *audit)
{
	if (!audit)
		return;
	flush(audit);
	(void)pthread_mutex_destroy(&audit->lock);
	free(audit->waiting);
	free(audit->writing);
	free(audit);
}
