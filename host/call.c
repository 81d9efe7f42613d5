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
#include "log.h"
#include "message.h"
#include "metrics.h"
#include "request.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define RETRY_MS 20
#define LIMBO_MAX 1024

/* States; a done() before its op returned is STATE_EARLY plus the status. */
enum { STATE_RUNNING, STATE_PENDING, STATE_ABANDONED, STATE_FINISHED, STATE_EARLY };

struct call_waiter {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended;
};

/* Calls that ever went PENDING rest here before they are freed, so that a late done() finds a state
 * that says so instead of freed memory. */
static struct {
	pthread_mutex_t lock;
	struct pintle_call *oldest, *newest;
	size_t n_calls;
} limbo = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct pintle_call *call_new(struct host *host, struct request *request, struct pintle_inst *inst,
			     const char *op, int32_t purpose)
{
	struct pintle_call *call = xcalloc(1, sizeof(*call));

	call->host = host;
	call->request = request;
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

/* Once and again is fine. */
static void empty(struct pintle_call *call)
{
	flow_fini(&call->flow);
	explicit_bzero(call->tickets, sizeof(call->tickets));
	json_decref(call->outcome.claims);
	json_decref(call->outcome.data);
	json_decref(call->outcome.fields);
	message_free(call->messages);
	arena_fini(&call->arena);
	call->outcome = (struct call_outcome){ 0 };
	call->messages = NULL;
	call->request = NULL;
}

static bool is_abandoned(const struct pintle_call *call)
{
	return atomic_load(&call->state) == STATE_ABANDONED;
}

static struct pintle_call *rest(struct pintle_call *call)
{
	struct pintle_call *out = NULL;

	(void)pthread_mutex_lock(&limbo.lock);
	call->next = NULL;
	if (limbo.newest)
		limbo.newest->next = call;
	else
		limbo.oldest = call;
	limbo.newest = call;
	if (++limbo.n_calls > LIMBO_MAX) {
		out = limbo.oldest;
		limbo.oldest = out->next;
		limbo.n_calls--;
	}
	(void)pthread_mutex_unlock(&limbo.lock);
	return out;
}

void call_free_all(void)
{
	(void)pthread_mutex_lock(&limbo.lock);
	while (limbo.oldest) {
		struct pintle_call *call = limbo.oldest;

		limbo.oldest = call->next;
		empty(call);
		free(call);
	}
	limbo.newest = NULL;
	limbo.n_calls = 0;
	(void)pthread_mutex_unlock(&limbo.lock);
}

void call_free(struct pintle_call *call)
{
	if (!call)
		return;
	/* What an abandoned op was lent stays as long as it is known. */
	if (!is_abandoned(call))
		empty(call);
	if (call->was_pending)
		call = rest(call);
	if (call)
		empty(call);
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

/* What an op's last word becomes once nothing of it is running any more. */
static int32_t conclude(struct pintle_call *call, int32_t status)
{
	if (call->tx.open) {
		db_rollback(&call->tx);
		log_warn("%s: %s left a transaction open", call->inst->name, call->op);
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

	breadcrumb_leave(before);
	return status;
}

/* Whether the op is over now; then *status is what it came to. Otherwise done() goes on with it. */
static bool settle(struct pintle_call *call, int32_t *status)
{
	int state = STATE_RUNNING;
	bool promises = *status == PINTLE_PENDING;

	call->was_pending = promises;
	if (promises && call->request)
		atomic_store(&call->request->pending, call);
	if (atomic_compare_exchange_strong(&call->state, &state,
					   promises ? STATE_PENDING : STATE_FINISHED))
		return !promises;
	*status = promises ? state - STATE_EARLY : PINTLE_INTERNAL;
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

/* Past the deadline the state still decides: done() may be on its way to signal. */
static int32_t wait_or_abandon(struct pintle_call *call)
{
	int state = STATE_PENDING;

	if (wait_for_end(call))
		return call->status;
	if (atomic_compare_exchange_strong(&call->state, &state, STATE_ABANDONED))
		return PINTLE_TIMEOUT;
	while (!wait_for_end(call))
		;
	return call->status;
}

int32_t call_run_and_wait(struct pintle_call *call, pintle_op *op)
{
	struct call_waiter waiter = { .lock = PTHREAD_MUTEX_INITIALIZER,
				      .ended = PTHREAD_COND_INITIALIZER };
	int32_t status;

	call->waiter = &waiter;
	call->is_waited_for = true;
	status = run_op(call, op);
	if (!settle(call, &status))
		status = wait_or_abandon(call);
	call->waiter = NULL;
	return conclude(call, status);
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

/* The lock orders this thread, which is the plugin's own, before the end of the worker. An abandoned op
 * that ends after all gives its request back. */
static void drop_late(struct pintle_call *call, int state)
{
	(void)pthread_mutex_lock(&limbo.lock);
	metrics_count(call->host->self, METRIC_LATE_COMPLETIONS, 1);
	log_warn("%s: done() for a call that is over", call->inst->name);
	if (state == STATE_ABANDONED && !call->is_waited_for &&
	    atomic_compare_exchange_strong(&call->state, &state, STATE_FINISHED))
		in_flight_give_back(call->request);
	(void)pthread_mutex_unlock(&limbo.lock);
}

void call_done(struct pintle_call *call, int32_t status)
{
	int state = STATE_RUNNING;

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
}

bool call_abandon(struct request *request)
{
	struct pintle_call *call = atomic_load(&request->pending);
	int state = STATE_PENDING;

	if (!call || !atomic_compare_exchange_strong(&call->state, &state, STATE_ABANDONED))
		return false;
	log_warn("%s: %s never called done()", call->inst->name, call->op);
	return true;
}
