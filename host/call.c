/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running ops, at once or to be completed later. A state decides every race between an op that returns,
 * its done() and the deadline: whoever moves it to FINISHED goes on, everybody else drops out.
 */
#include "call.h"

#include "clock.h"
#include "host.h"
#include "in_flight.h"
#include "json.h"
#include "limbo.h"
#include "log.h"
#include "metrics.h"
#include "request.h"
#include "worker.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define RETRY_MS 20
#define ABANDONED_MAX 1024 /* what a worker bears of promises not kept */

/* States; a done() before its op returned is STATE_EARLY plus the status. */
enum { STATE_RUNNING, STATE_PENDING, STATE_ABANDONED, STATE_FINISHED, STATE_EARLY };

struct call_waiter {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended;
};

struct pintle_call *call_new(struct host *host, struct request *request, struct pintle_inst *inst,
			     const char *op, int32_t purpose)
{
	struct pintle_call *call = xcalloc(1, sizeof(*call));

	call->host = host;
	call->request = request ? in_flight_lend(request) : NULL;
	call->n_holders = 1;
	call->inst = inst;
	call->op = op;
	call->purpose = purpose;
	call->begun_ms = clock_now_ms();
	call->deadline_ms = clock_mono_ms() + inst->settings.timeout_ms;
	if (request && request->deadline_ms < call->deadline_ms)
		call->deadline_ms = request->deadline_ms;
	call->tx = (struct tx){ .db = &host->db,
				.deadline_ms = call->deadline_ms,
				.step_ms = host->settings->storage.timeout_ms };
	call->flow.kept = json_object();
	call->outcome.data = json_object();
	call->outcome.claims = json_object();
	return call;
}

void call_lose_messages(struct pintle_call *call)
{
	message_lose(call->host, message_list_take(&call->sent));
}

static void empty(struct pintle_call *call)
{
	call_lose_messages(call);
	flow_fini(&call->flow);
	explicit_bzero(call->tickets, sizeof(call->tickets));
	json_decref(call->outcome.claims);
	json_decref(call->outcome.data);
	json_decref(call->outcome.fields);
	message_free(call->lent);
	arena_fini(&call->arena);
	if (call->request)
		in_flight_give_back(call->request);
	call->outcome = (struct call_outcome){ 0 };
	call->lent = NULL;
	call->request = NULL;
}

void call_free(struct pintle_call *call)
{
	if (!call || atomic_fetch_sub(&call->n_holders, 1) > 1)
		return;
	empty(call);
	if (call->was_pending)
		limbo_take(call);
	else
		free(call);
}

int32_t call_gate(const struct pintle_call *call)
{
	if (call->request && atomic_load(&call->request->is_over))
		return PINTLE_TIMEOUT;
	if (clock_mono_ms() >= call->deadline_ms)
		return PINTLE_TIMEOUT;
	return call->outcome.has_bad_type ? PINTLE_INVALID : PINTLE_OK;
}

/* A field of the wrong type looks absent to the op: what is wrong with it is told once. */
static bool is_named(const json_t *fields, const char *name)
{
	size_t i;
	json_t *entry;

	json_array_foreach(fields, i, entry) {
		if (strcmp(json_text_member(entry, "field"), name) == 0)
			return true;
	}
	return false;
}

int32_t call_invalid(struct pintle_call *call, const char *field, const char *reason)
{
	if (!call->outcome.fields)
		call->outcome.fields = json_array();
	if (is_named(call->outcome.fields, field))
		return PINTLE_INVALID;
	(void)json_array_append_new(call->outcome.fields,
				    json_pack("{s:s, s:s}", "field", field, "reason", reason));
	return PINTLE_INVALID;
}

/* ---- Running ---- */

static bool is_known_status(int32_t status)
{
	return (status >= PINTLE_OK && status <= PINTLE_MORE) ||
	       (status >= PINTLE_DENIED && status <= PINTLE_FORBIDDEN) ||
	       (status >= PINTLE_UNAVAILABLE && status <= PINTLE_INTERNAL);
}

static void count_outcome(const struct pintle_call *call, int32_t status)
{
	enum metric_outcome outcome = status == PINTLE_TIMEOUT   ? OUTCOME_TIMEOUT
				      : PINTLE_IS_FAULT(status)  ? OUTCOME_FAULT
				      : PINTLE_IS_DENIAL(status) ? OUTCOME_DENIED
								 : OUTCOME_FINE;

	metrics_outcome(call->host->self, call->inst->board_index, outcome);
}

/* A transaction belongs to the thread that began it, and ends there: when the op returns, also when it goes
 * on elsewhere, and at its done(). */
static void end_transaction(struct pintle_call *call)
{
	if (!db_is_inside() || !call->tx.open)
		return;
	db_rollback(&call->tx);
	atomic_store(&call->is_inside, false);
	log_warn("%s: %s left a transaction open", call->inst->name, call->op);
}

/* What an op's last word becomes once nothing of it is running any more. Who has left a transaction to a
 * thread that does not end it holds up everybody else. */
static int32_t conclude(struct pintle_call *call, int32_t status)
{
	if (atomic_load(&call->is_inside)) {
		worker_retire(call->host, call->inst->board_index, call->op);
		atomic_fetch_add(&call->host->n_abandoned, 1); /* that thread is never done */
		status = PINTLE_INTERNAL; /* an OK would go on in that transaction */
	}
	if (!is_known_status(status))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK && call->outcome.has_bad_type)
		status = PINTLE_INVALID;
	if (PINTLE_IS_FAULT(status) || call->outcome.detail)
		log_line(PINTLE_IS_FAULT(status) ? LOG_WARN : LOG_INFO, "%s: %s ended in %d: %s",
			 call->inst->name, call->op, status,
			 call->outcome.detail ? call->outcome.detail : "no detail");
	count_outcome(call, status);
	return status;
}

static int32_t run_op(struct pintle_call *call, pintle_op *op)
{
	struct breadcrumb before = breadcrumb_enter(call->inst->board_index, call->op);
	int32_t status = op(call->inst->self, call);

	end_transaction(call);
	breadcrumb_leave(before);
	return status;
}

/* Until its done() the op holds the call as well. */
static bool await_done(struct pintle_call *call)
{
	int state = STATE_RUNNING;

	atomic_fetch_add(&call->n_holders, 1);
	if (call->request && !call->is_waited_for)
		atomic_store(&call->request->pending, call);
	if (atomic_compare_exchange_strong(&call->state, &state, STATE_PENDING))
		return true;
	atomic_fetch_sub(&call->n_holders, 1);
	return false;
}

/* Whether the op is over now; then *status is what it came to. Otherwise done() goes on with it. */
static bool settle(struct pintle_call *call, int32_t *status)
{
	int state = STATE_RUNNING;
	bool promises = *status == PINTLE_PENDING;

	call->was_pending = promises;
	if (promises && await_done(call))
		return false;
	if (!promises && atomic_compare_exchange_strong(&call->state, &state, STATE_FINISHED))
		return true;
	*status = promises ? atomic_load(&call->state) - STATE_EARLY : PINTLE_INTERNAL;
	call->was_pending = true;
	atomic_store(&call->state, STATE_FINISHED);
	return true;
}

void call_run(struct pintle_call *call, pintle_op *op, call_then *then)
{
	int32_t status;

	call->then = then;
	status = run_op(call, op);
	if (settle(call, &status))
		then(call, conclude(call, status));
}

int32_t call_record(struct pintle_call *call, int64_t account_id, bool is_bound)
{
	const struct pintle_provider *provider = &call->inst->plugin->provider;
	struct breadcrumb before;
	int32_t status;

	if (!provider->record)
		return PINTLE_OK;
	call->is_recording = true;
	before = breadcrumb_enter(call->inst->board_index, "record");
	status = provider->record(call->inst->self, call, account_id, is_bound);
	breadcrumb_leave(before);
	call->is_recording = false;
	return status;
}

static bool wait_for_end(struct pintle_call *call)
{
	struct call_waiter *waiter = call->waiter;
	struct timespec until = { .tv_sec = call->deadline_ms / 1000,
				  .tv_nsec = call->deadline_ms % 1000 * 1000000 };
	bool has_ended;

	(void)pthread_mutex_lock(&waiter->lock);
	while (!waiter->has_ended && pthread_cond_clockwait(&waiter->ended, &waiter->lock,
							    CLOCK_MONOTONIC, &until) != ETIMEDOUT)
		;
	has_ended = waiter->has_ended;
	(void)pthread_mutex_unlock(&waiter->lock);
	return has_ended;
}

/* Nobody waits for the op any more, which may keep what it was lent; not a transaction, for which others may
 * wait. False: it has just ended. */
static bool abandon(struct pintle_call *call)
{
	struct host *host = call->host;
	int state = STATE_PENDING;
	size_t n_others = atomic_fetch_add(&host->n_abandoned, 1);

	if (!atomic_compare_exchange_strong(&call->state, &state, STATE_ABANDONED)) {
		atomic_fetch_sub(&host->n_abandoned, 1);
		return false;
	}
	log_warn("%s: %s never called done()", call->inst->name, call->op);
	if (n_others >= ABANDONED_MAX || atomic_load(&call->is_inside))
		worker_retire(host, call->inst->board_index, "done");
	return true;
}

/* Past the deadline the state still decides: done() may be on its way to signal. */
static void wait_or_abandon(struct pintle_call *call)
{
	if (wait_for_end(call))
		return;
	call->was_abandoned = abandon(call);
	while (!call->was_abandoned && !wait_for_end(call))
		;
}

int32_t call_run_and_wait(struct pintle_call *call, pintle_op *op)
{
	struct call_waiter waiter = { .lock = PTHREAD_MUTEX_INITIALIZER,
				      .ended = PTHREAD_COND_INITIALIZER };
	int32_t status;

	call->waiter = &waiter;
	call->is_waited_for = true;
	status = run_op(call, op);
	if (!settle(call, &status)) {
		wait_or_abandon(call);
		status = call->status;
	}
	call->waiter = NULL;
	if (!call->was_abandoned)
		return conclude(call, status);
	count_outcome(call, PINTLE_TIMEOUT);
	return PINTLE_TIMEOUT;
}

const struct call_outcome *call_said(const struct pintle_call *call)
{
	static const struct call_outcome nothing;

	return call->was_abandoned ? &nothing : &call->outcome;
}

/* ---- Ending later ---- */

static void go_on(struct request *request)
{
	struct pintle_call *call = request->call;

	call->then(call, conclude(call, call->status));
}

/* A promise kept must not be lost to a full queue. */
static void schedule(void *arg)
{
	struct request *request = arg;

	request->resume = go_on;
	if (!pool_submit(request->host->pool, request->inst->class, &request->job))
		loop_after(request->host->loop, RETRY_MS, schedule, request);
}

static void wake(struct call_waiter *waiter)
{
	(void)pthread_mutex_lock(&waiter->lock);
	waiter->has_ended = true;
	(void)pthread_cond_signal(&waiter->ended);
	(void)pthread_mutex_unlock(&waiter->lock);
}

/* An abandoned op that ends after all gives back what it was lent; the worker has waited for it. */
static void drop_late(struct pintle_call *call, int state)
{
	struct host *host = call->host;

	limbo_note_late(call);
	if (state != STATE_ABANDONED ||
	    !atomic_compare_exchange_strong(&call->state, &state, STATE_FINISHED))
		return;
	call_free(call);
	atomic_fetch_sub(&host->n_abandoned, 1);
}

void call_done(struct pintle_call *call, int32_t status)
{
	int state = STATE_RUNNING;

	end_transaction(call);
	if (!is_known_status(status) || status == PINTLE_PENDING)
		status = PINTLE_INTERNAL;
	if (atomic_compare_exchange_strong(&call->state, &state, STATE_EARLY + status))
		return;
	if (state != STATE_PENDING ||
	    !atomic_compare_exchange_strong(&call->state, &state, STATE_FINISHED)) {
		drop_late(call, state);
		return;
	}
	call->status = status;
	if (call->waiter)
		wake(call->waiter);
	else
		schedule(call->request);
	call_free(call);
}

bool call_abandon(struct request *request)
{
	struct pintle_call *call = atomic_load(&request->pending);

	if (!call || !abandon(call))
		return false;
	call_lose_messages(call);
	return true;
}
