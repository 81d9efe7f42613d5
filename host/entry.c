/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include "call.h"
#include "clock.h"
#include "gateway_share.h"
#include "host.h"
#include "json.h"
#include "message.h"
#include "message_log.h"
#include "metrics_message.h"
#include "xalloc.h"

#include <pintle/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One side of a meeting. */
struct entry {
	struct job job; /* first: what the pool runs */
	struct host *host;
	char flow_id[32], to[256];
	int64_t at_ms;
};

const char *entry_target_key(const struct host *host, struct arena *arena, const char *to)
{
	char blind[2 * SEAL_MAC_LEN + 1];

	seal_blind(host->seal, "recipient", to, blind);
	return arena_printf(arena, "m:t:%s", blind);
}

static int64_t deadline_of(const struct host *host)
{
	return clock_mono_ms() + host->settings->storage.timeout_ms;
}

/* Leaves what this side knows, or gives what the other has left. */
static json_t *meet(const struct host *host, struct arena *arena, const char *flow_id,
		    const json_t *mine)
{
	const char *key = arena_printf(arena, "m:f:%s", flow_id), *text = json_text(arena, mine);
	struct pintle_kv_request add =
		kv_add(key, text, strlen(text), host->settings->limits.flow_ttl_ms);
	struct kv_result result = { 0 };
	const char *why;

	if (kv_do(&host->kv, &add, deadline_of(host), arena, &result) != PINTLE_CONFLICT ||
	    !result.value)
		return NULL;
	return json_parse(result.value, result.value_len, &why);
}

/* The sender that this person has a message of is as good as any for the next one. */
static void forget_target(const struct host *host, struct arena *arena, const char *to)
{
	struct pintle_kv_request request = kv_delete(entry_target_key(host, arena, to));

	(void)kv_do(&host->kv, &request, deadline_of(host), arena, NULL);
}

static void count_entered(const struct host *host, struct arena *arena, const json_t *sent,
			  int64_t entered_ms)
{
	const struct metric_message about = {
		.gateway = json_text_member(sent, "gateway"),
		.country = json_text_member(sent, "country"),
		.template_name = json_text_member(sent, "template"),
	};
	int64_t sent_ms = (int64_t)json_integer_value(json_object_get(sent, "sent"));

	if (!about.gateway)
		return;
	gateway_count(host, arena, about.gateway, sent_ms, GATEWAY_ENTERED);
	metrics_message_entered(host->board, &about, entered_ms - sent_ms);
	message_log_entered(&host->db, (int64_t)json_integer_value(json_object_get(sent, "row")),
			    entered_ms);
}

void entry_expect(struct message *message, const struct pintle_inst *sender, int64_t row)
{
	const struct host *host = message->host;
	const char *template_name = message->text.template_name;
	json_t *mine, *theirs;
	const json_t *entered;

	if (!*message->flow_id)
		return;
	gateway_count(host, &message->arena, sender->name, message->sent_ms, GATEWAY_ACCEPTED);
	mine = json_pack("{s:s, s:s, s:s, s:I, s:I}", "gateway", sender->name, "country",
			 message->country, "template", template_name ? template_name : "", "sent",
			 (json_int_t)message->sent_ms, "row", (json_int_t)row);
	theirs = meet(host, &message->arena, message->flow_id, mine);
	entered = json_object_get(theirs, "entered"); /* none in another message of one flow */
	if (entered) {
		count_entered(host, &message->arena, mine, (int64_t)json_integer_value(entered));
		forget_target(host, &message->arena, message->text.to);
	}
	json_decref(theirs);
	json_decref(mine);
}

static void note(struct job *job)
{
	struct entry *entry = (struct entry *)job;
	const struct host *host = entry->host;
	struct arena arena = { 0 };
	json_t *mine = json_pack("{s:I}", "entered", (json_int_t)entry->at_ms);
	json_t *theirs = meet(host, &arena, entry->flow_id, mine);

	if (theirs)
		count_entered(host, &arena, theirs, entry->at_ms);
	forget_target(host, &arena, entry->to);
	json_decref(theirs);
	json_decref(mine);
	arena_fini(&arena);
	free(entry);
}

void entry_note(const struct pintle_call *call)
{
	struct host *host = call->host;
	struct entry *entry;

	if (!call->has_flow || !*call->flow.target)
		return;
	entry = xcalloc(1, sizeof(*entry));
	entry->job.run = note;
	entry->host = host;
	entry->at_ms = clock_now_ms();
	(void)snprintf(entry->flow_id, sizeof(entry->flow_id), "%s", call->flow.id);
	(void)snprintf(entry->to, sizeof(entry->to), "%s", call->flow.target);
	if (!pool_submit(host->pool, host->background, &entry->job))
		free(entry);
}
