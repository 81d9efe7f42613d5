/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: one job a message, which moves from sender to sender until one has taken it. */
#include "message.h"

#include "call.h"
#include "clock.h"
#include "host.h"
#include "identifier.h"
#include "json.h"
#include "log.h"
#include "metrics.h"
#include "send_limit.h"
#include "waiting.h"
#include "xalloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MS 5000 /* for the stores, once a message is through */

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

/* ---- Groups ---- */

static const struct group *find_group(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->n_groups; i++)
		if (strcmp(host->groups[i].name, name) == 0)
			return &host->groups[i];
	return NULL;
}

bool message_group_exists(const struct host *host, const char *group)
{
	return find_group(host, group) != NULL;
}

bool message_group_ok(const struct host *host, const char *group)
{
	const struct group *found = find_group(host, group);

	for (size_t i = 0; found && i < found->n_senders; i++)
		if (instance_is_up(found->senders[i]))
			return true;
	return false;
}

/* ---- What became of it ---- */

static const char *result_word(int32_t status)
{
	switch (status) {
	case PINTLE_OK:
		return "accepted";
	case PINTLE_TIMEOUT:
		return "unclear";
	case PINTLE_LIMITED:
		return "limited";
	default:
		return PINTLE_IS_DENIAL(status) ? "refused" : "failed";
	}
}

/* Of one attempt. The row tells an operator what happened; losing it loses no message. */
static void record(struct message *message, const struct pintle_inst *sender, int32_t status,
		   const char *upstream_id)
{
	struct host *host = message->host;
	struct tx tx = { .db = &host->db, .deadline_ms = clock_mono_ms() + RECORD_MS };
	const char *channel = sender->plugin->sender.channel;
	char masked[IDENTIFIER_MAX], blind[2 * SEAL_MAC_LEN + 1];
	int32_t stored;

	mask_subject(strcmp(channel, "mail") == 0 ? "email" : "phone", message->text.to, masked);
	seal_blind(host->seal, "recipient", message->text.to, blind);
	stored = db_exec(&tx,
			 "INSERT INTO message_logs (kind, recipient, recipient_blind, template,"
			 " gateway, result, upstream_id, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			 DB_PARAMS(db_text(channel), db_text(masked), db_text(blind),
				   db_text(message->text.template_name), db_text(sender->name),
				   db_text(result_word(status)), db_text(upstream_id),
				   db_int(clock_now_ms())),
			 NULL, NULL);
	if (stored != PINTLE_OK)
		log_warn("message log: not written, status %d", stored);
}

/* Who is told may ask for another at once. Without the store they wait, as if it had been sent. */
static void note_failure(struct message *message)
{
	const struct host *host = message->host;
	const struct flows flows = { .kv = &host->kv, .seal = host->seal };
	int64_t deadline_ms = clock_mono_ms() + RECORD_MS;

	(void)send_limit_lost(&host->limits, &message->arena, message->text.to, message->network,
			      deadline_ms);
	if (!*message->flow_id)
		return;
	(void)flow_note_state(&flows, &message->arena, message->flow_id, "failed", deadline_ms);
	waiting_tell(message->host, message->flow_id, "failed");
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

/* The call of a send op carries the one message it is about. */
static int32_t send_op(void *self, struct pintle_call *call)
{
	return call->inst->plugin->sender.send(self, call, &call->messages->text);
}

static int32_t send_through(struct message *message, struct pintle_inst *sender)
{
	struct pintle_call *call =
		call_new(message->host, NULL, sender, "send", message->text.purpose);
	int32_t status;

	call->messages = message;
	status = call_run_and_wait(call, send_op);
	call->messages = NULL; /* it is ours, and another sender may need it */
	record(message, sender, status, json_text_member(call->outcome.data, "upstream_id"));
	call_free(call);
	return status;
}

/* A denial is about the message and a time-out leaves it unclear: neither is for another sender. */
static bool is_for_next(int32_t status)
{
	return PINTLE_IS_FAULT(status) && status != PINTLE_TIMEOUT;
}

static struct pintle_inst *next_sender(struct message *message)
{
	while (message->n_tried < message->to->n_senders) {
		struct pintle_inst *sender = message->to->senders[message->n_tried];

		if (instance_is_up(sender))
			return sender;
		message->n_tried++;
	}
	return NULL;
}

/* Runs with a place in the class of one of the senders. */
static void deliver(struct job *job)
{
	struct message *message = (struct message *)job;
	int32_t status = PINTLE_UNAVAILABLE;
	struct pintle_inst *sender;

	while ((sender = next_sender(message))) {
		enum pool_verdict verdict = pool_switch(message->host->pool, sender->class, job);

		if (verdict == POOL_QUEUED)
			return;
		status = verdict == POOL_GO ? send_through(message, sender) : PINTLE_BUSY;
		if (!is_for_next(status))
			break;
		message->n_tried++;
	}
	conclude(message, status);
}

bool message_queue(struct host *host, struct message *message)
{
	struct pintle_inst *sender;

	message->host = host;
	message->to = find_group(host, message->group);
	assert(message->to);
	message->job.run = deliver;
	while ((sender = next_sender(message))) {
		if (pool_submit(host->pool, sender->class, &message->job))
			return true;
		message->n_tried++;
	}
	message_free(message);
	return false;
}
