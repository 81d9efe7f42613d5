/* SPDX-License-Identifier: Apache-2.0 */
#include "message_plan.h"

#include "clock.h"
#include "entry.h"
#include "gateway.h"
#include "gateway_share.h"
#include "gateway_switch.h"
#include "host.h"
#include "message.h"

#include <pintle/status.h>
#include <string.h>

#define SWITCH_AGE_MS 1000

enum { RANK_PROBE, RANK_WELL, RANK_WEAK, RANK_AVOIDED, RANK_OPEN };

static const char *avoided_sender(struct message *message)
{
	const struct host *host = message->host;
	struct pintle_kv_request get =
		kv_get(entry_target_key(host, &message->arena, message->text.to));
	struct kv_result result = { 0 };
	int64_t deadline_ms = clock_mono_ms() + host->settings->storage.timeout_ms;

	if (kv_do(&host->kv, &get, deadline_ms, &message->arena, &result) != PINTLE_OK)
		return "";
	return result.value ? result.value : "";
}

/* One message is the probe of one sender at most; a sender with a probe of its own needs none. */
static int rank_open(struct message *message, struct message_try *try, bool may_probe,
		     const struct gateway_health *health)
{
	struct host *host = message->host;

	try->probe_ms = health->probe_ms;
	if (!may_probe || !gateway_is_due(health) ||
	    !gateway_claim_probe(host, &message->arena, try->sender, health))
		return RANK_OPEN;
	if (try->sender->plugin->sender.probe) {
		gateway_probe(host, try->sender);
		return RANK_OPEN;
	}
	try->is_probe = true;
	return RANK_PROBE;
}

static int rank_of(struct message *message, struct message_try *try, const char *avoided)
{
	bool is_avoided = strcmp(try->sender->name, avoided) == 0;
	bool has_probe = message->n_tries > 0 && message->tries[0].rank == RANK_PROBE;
	struct gateway_health health;

	(void)gateway_health(message->host, &message->arena, try->sender, &health);
	try->is_troubled = health.n_failures > 0;
	if (health.opened_ms != 0)
		return rank_open(message, try, !is_avoided && !has_probe, &health);
	if (is_avoided)
		return RANK_AVOIDED;
	return gateway_is_weak(message->host, &message->arena, try->sender) ? RANK_WEAK : RANK_WELL;
}

static bool comes_before(const struct message_try *a, const struct message_try *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->probe_ms < b->probe_ms;
}

static void insert(struct message *message, struct message_try try)
{
	size_t i = message->n_tries++;

	for (; i > 0 && comes_before(&try, &message->tries[i - 1]); i--)
		message->tries[i] = message->tries[i - 1];
	message->tries[i] = try;
}

void message_plan(struct message *message)
{
	struct host *host = message->host;
	const struct group *group =
		group_find(host, message->group, message->country, message->text.purpose);
	struct pintle_inst *order[GROUP_SENDERS_MAX];
	const char *avoided = avoided_sender(message);

	gateway_read_switches(host, SWITCH_AGE_MS);
	group_order(group, order);
	for (size_t i = 0; i < group->n_senders; i++) {
		struct message_try try = { .sender = order[i] };

		if (!instance_is_up(try.sender) || gateway_is_off(try.sender))
			continue;
		try.rank = rank_of(message, &try, avoided);
		insert(message, try);
	}
	message->is_planned = true;
}

void message_plan_avoid(struct message *message, const struct pintle_inst *sender)
{
	const struct host *host = message->host;
	const char *key = entry_target_key(host, &message->arena, message->text.to);
	struct pintle_kv_request set =
		kv_set(key, sender->name, strlen(sender->name), host->settings->limits.flow_ttl_ms);
	int64_t deadline_ms = clock_mono_ms() + host->settings->storage.timeout_ms;

	(void)kv_do(&host->kv, &set, deadline_ms, &message->arena, NULL);
}
