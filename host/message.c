/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: one job a message, which moves from sender to sender until one has taken it. */
#include "message.h"

#include "call.h"
#include "clock.h"
#include "entry.h"
#include "gateway.h"
#include "gateway_switch.h"
#include "host.h"
#include "log.h"
#include "message_log.h"
#include "message_plan.h"
#include "metrics.h"
#include "metrics_message.h"
#include "send_limit.h"
#include "waiting.h"
#include "xalloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MS 5000 /* for the stores, once a message is through */
#define RETRY_MS 20
#define TRY_SHARE 5 /* of a request's time one of so many is left for each try at least */

/* ---- The message itself ---- */

static const char *const *copy_vars(struct arena *arena, const char *const *vars)
{
	size_t n_vars = 0;
	char **copy;

	while (vars && vars[n_vars])
		n_vars++;
	copy = arena_alloc(arena, (n_vars + 1) * sizeof(*copy));
	for (size_t i = 0; i < n_vars; i++)
		copy[i] = arena_strdup(arena, vars[i]);
	return (const char *const *)copy;
}

struct message *message_copy(const char *group, const struct pintle_message *text)
{
	struct message *message = xcalloc(1, sizeof(*message));
	struct arena *arena = &message->arena;

	message->text = (struct pintle_message){
		.size = sizeof(message->text),
		.purpose = text->purpose,
		.to = arena_strdup(arena, text->to),
		.template_name = arena_strdup(arena, text->template_name),
		.vars = copy_vars(arena, text->vars),
		.subject = arena_strdup(arena, text->subject),
		.text = arena_strdup(arena, text->text),
		.html = arena_strdup(arena, text->html),
		.lang = arena_strdup(arena, text->lang),
		.flags = text->flags,
	};
	(void)snprintf(message->group, sizeof(message->group), "%s", group);
	return message;
}

void message_free(struct message *message)
{
	while (message) {
		struct message *next = message->next;

		arena_fini(&message->arena);
		free(message);
		message = next;
	}
}

void message_list_add(struct message_list *list, struct message *message)
{
	message->next = atomic_load(&list->newest);
	while (!atomic_compare_exchange_weak(&list->newest, &message->next, message))
		;
}

struct message *message_list_take(struct message_list *list)
{
	struct message *newest = atomic_exchange(&list->newest, NULL), *oldest = NULL;

	while (newest) {
		struct message *message = newest;

		newest = message->next;
		message->next = oldest;
		oldest = message;
	}
	return oldest;
}

/* ---- Groups ---- */

static bool has_sender(const struct group *group)
{
	for (size_t i = 0; i < group->n_senders; i++)
		if (instance_is_up(group->senders[i]) && !gateway_is_off(group->senders[i]))
			return true;
	return false;
}

/* Only a no is worth a look at the store: a yes that is a second old is corrected by the delivery. */
bool message_group_ok(struct host *host, const char *group, const char *to, int32_t purpose)
{
	char country[GROUP_COUNTRY_MAX];
	const struct group *found = group_find(host, group, group_country(to, country), purpose);

	if (!found)
		return false;
	if (has_sender(found))
		return true;
	gateway_read_switches(host, 0);
	return has_sender(found);
}

/* ---- What became of it ---- */

static void give_back(struct message *message, int64_t deadline_ms)
{
	const struct limits *limits = &message->host->limits;
	const char *to = message->text.to;

	if (message->text.flags & PINTLE_MESSAGE_NOTICE)
		(void)send_limit_lost_notice(limits, &message->arena, to, deadline_ms);
	else
		(void)send_limit_lost(limits, &message->arena, to, message->network, deadline_ms);
}

/* Who is told may ask for another at once. Without the store they wait, as if it had been sent. */
static void note_failure(struct message *message)
{
	const struct host *host = message->host;
	const struct flows flows = { .kv = &host->kv, .seal = host->seal };
	int64_t deadline_ms = clock_mono_ms() + RECORD_MS;

	give_back(message, deadline_ms);
	if (!*message->flow_id)
		return;
	(void)flow_note_state(&flows, &message->arena, message->flow_id, "failed", deadline_ms);
	waiting_tell(message->host, message->flow_id, "failed");
}

static void lose(struct job *job)
{
	struct message *message = (struct message *)job;

	note_failure(message);
	message_free(message);
}

/* What it has cost must not be kept for a full queue. */
static void lose_one(void *arg)
{
	struct message *message = arg;
	struct host *host = message->host;

	if (!pool_submit(host->pool, host->background, &message->job))
		loop_after(host->loop, RETRY_MS, lose_one, message);
}

void message_lose(struct host *host, struct message *message)
{
	while (message) {
		struct message *next = message->next;

		message->next = NULL;
		message->host = host;
		message->job.run = lose;
		lose_one(message);
		message = next;
	}
}

/* The end of a message: taken by a sender, or given up. */
static void conclude(struct message *message, int32_t status)
{
	bool is_lost = status != PINTLE_OK && status != PINTLE_TIMEOUT;

	metrics_count(message->host->self, is_lost ? METRIC_MESSAGES_FAILED : METRIC_MESSAGES_OK,
		      1);
	if (is_lost) {
		log_warn("message: no sender of group %s took it, status %d", message->group,
			 status);
		note_failure(message);
	}
	message_free(message);
}

/* ---- Delivery ---- */

/* A denial is an answer as well: the sender is alive. */
static void note_health(struct message *message, const struct message_try *try, int32_t status)
{
	if (PINTLE_IS_FAULT(status))
		gateway_note_failure(message->host, &message->arena, try->sender, try->is_probe);
	else if (try->is_troubled)
		gateway_note_success(message->host, &message->arena, try->sender);
}

static void count(const struct message *message, const struct pintle_inst *sender, int32_t status)
{
	const struct metric_message about = { sender->name, message->country,
					      message->text.template_name };

	metrics_message(message->host->board, &about, FATE_SENT);
	if (status == PINTLE_OK || status == PINTLE_TIMEOUT)
		metrics_message(message->host->board, &about,
				status == PINTLE_OK ? FATE_ACCEPTED : FATE_UNCLEAR);
}

static void note(struct message *message, const struct message_try *try, int32_t status,
		 const json_t *said)
{
	int64_t row;

	note_health(message, try, status);
	count(message, try->sender, status);
	row = message_log_attempt(message, try->sender, status, said);
	if (!*message->flow_id || (status != PINTLE_OK && status != PINTLE_TIMEOUT))
		return;
	message_plan_avoid(message, try->sender); /* before it may be found entered already */
	entry_expect(message, try->sender, row);
}

/* The call of a send op carries the one message it is about. */
static int32_t send_op(void *self, struct pintle_call *call)
{
	return call->inst->plugin->sender.send(self, call, &call->lent->text);
}

/* The call has a copy: a sender that misses its deadline may still be at it when the message is freed. */
static int32_t send_through(struct message *message, const struct message_try *try)
{
	struct pintle_call *call =
		call_new(message->host, NULL, try->sender, "send", message->text.purpose);
	int32_t status;

	if (call->deadline_ms > message->deadline_ms)
		call->deadline_ms = message->deadline_ms;
	message->sent_ms = clock_now_ms();
	call->lent = message_copy(message->group, &message->text);
	status = call_run_and_wait(call, send_op);
	note(message, try, status, call_said(call)->data);
	call_free(call);
	return status;
}

/* A denial is about the message and a time-out leaves it unclear: neither is for another sender. */
static bool is_for_next(int32_t status)
{
	return PINTLE_IS_FAULT(status) && status != PINTLE_TIMEOUT;
}

/* What is left is enough for a sender that is well: else it would be blamed for the time-out. */
static bool has_time(const struct message *message)
{
	int64_t needed_ms = message->host->settings->pool.call_timeout_ms / TRY_SHARE;

	return message->deadline_ms - clock_mono_ms() >= needed_ms;
}

static const struct message_try *next_try(struct message *message)
{
	while (message->n_tried < message->n_tries && has_time(message)) {
		const struct message_try *try = &message->tries[message->n_tried];

		if (instance_is_up(try->sender))
			return try;
		message->n_tried++;
	}
	return NULL;
}

/* While the message waited for its turn the sender may have gone out of rotation. Then the next one has
 * it, if there is one; whoever was out when it was planned is its probe or the least bad. */
static bool has_gone_out(struct message *message, const struct message_try *try)
{
	bool has_waited = message->has_waited;
	struct gateway_health health;

	message->has_waited = false;
	if (!has_waited || try->probe_ms != 0 || message->n_tried + 1 == message->n_tries)
		return false;
	(void)gateway_health(message->host, &message->arena, try->sender, &health);
	return health.opened_ms != 0;
}

static enum pool_verdict take_place(struct message *message, const struct message_try *try)
{
	enum pool_verdict verdict;

	message->has_waited = true; /* once it is queued it is another thread's */
	verdict = pool_switch(message->host->pool, try->sender->class, &message->job);
	if (verdict != POOL_QUEUED)
		message->has_waited = false;
	return verdict;
}

/* Begins in a class of its own, goes on with a place in the class of one of the senders. */
static void deliver(struct job *job)
{
	struct message *message = (struct message *)job;
	int32_t status = PINTLE_UNAVAILABLE;
	const struct message_try *try;

	if (!message->is_planned)
		message_plan(message);
	for (; (try = next_try(message)); message->n_tried++) {
		enum pool_verdict verdict;

		if (has_gone_out(message, try))
			continue;
		verdict = take_place(message, try);
		if (verdict == POOL_QUEUED)
			return;
		status = verdict == POOL_GO ? send_through(message, try) : PINTLE_BUSY;
		if (!is_for_next(status))
			break;
	}
	conclude(message, status);
}

static void begin(struct host *host, struct message *message)
{
	message->host = host;
	message->deadline_ms = clock_mono_ms() + host->settings->pool.call_timeout_ms;
	(void)group_country(message->text.to, message->country);
}

bool message_queue(struct host *host, struct message *message)
{
	begin(host, message);
	assert(group_exists(host, message->group));
	message->job.run = deliver;
	if (pool_submit(host->pool, host->delivery, &message->job))
		return true;
	message_lose(host, message);
	return false;
}

int32_t message_send_through(struct host *host, struct message *message, struct pintle_inst *sender)
{
	const struct message_try try = { .sender = sender, .is_troubled = true };
	int32_t status;

	begin(host, message);
	status = send_through(message, &try);
	message_free(message);
	return status;
}
