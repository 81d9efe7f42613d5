/* SPDX-License-Identifier: Apache-2.0 */
/* The first letter says how often a ticket is good. Nobody can change it: it is part of what is hashed. */
#include "ticket.h"

#include "clock.h"

#include <pintle/status.h>
#include <string.h>

#define KIND_ONCE 'o'
#define KIND_OFTEN 'm'

bool ticket_make(bool is_once, struct ticket *out)
{
	out->text[0] = is_once ? KIND_ONCE : KIND_OFTEN;
	return rng_word(out->text + 1);
}

static bool is_ticket(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

	return len == TICKET_LEN && text[len] == '\0' &&
	       (*text == KIND_ONCE || *text == KIND_OFTEN);
}

/* Neither part can hold a line end. */
static const char *key_of(const struct flows *flows, struct arena *arena, const char *instance,
			  const char *text)
{
	char blind[2 * SEAL_MAC_LEN + 1];

	seal_blind(flows->seal, "flow ticket", arena_printf(arena, "%s\n%s", instance, text),
		   blind);
	return arena_printf(arena, "fk:%s", blind);
}

int32_t ticket_store(const struct flows *flows, struct arena *arena, const struct ticket *ticket,
		     const struct flow *flow, int64_t deadline_ms)
{
	int64_t ttl_ms = flow->expires_ms - clock_now_ms();
	const char *key = key_of(flows, arena, flow->instance, ticket->text);
	struct pintle_kv_request set = kv_set(key, flow->id, strlen(flow->id), ttl_ms);

	return ttl_ms < 1 ? PINTLE_EXPIRED : kv_do(flows->kv, &set, deadline_ms, arena, NULL);
}

int32_t ticket_open(const struct flows *flows, struct arena *arena, const char *instance,
		    const char *text, int64_t deadline_ms, struct flow *out)
{
	struct kv_result result = { 0 };
	struct pintle_kv_request request;
	const char *key;
	int32_t status;

	if (!is_ticket(text))
		return PINTLE_NOT_FOUND;
	key = key_of(flows, arena, instance, text);
	request = *text == KIND_ONCE ? kv_take(key) : kv_get(key);
	status = kv_do(flows->kv, &request, deadline_ms, arena, &result);
	if (status == PINTLE_OK)
		status = flow_load(flows, arena, result.value, deadline_ms, out);
	if (status != PINTLE_OK || strcmp(out->instance, instance) == 0)
		return status;
	flow_fini(out);
	return PINTLE_NOT_FOUND;
}
