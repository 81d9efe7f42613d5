/* SPDX-License-Identifier: Apache-2.0 */
#include "limit_act.h"

#include <assert.h>
#include <pintle/status.h>
#include <string.h>

void limit_act_add(struct limit_act *act, struct limit_counter counter)
{
	assert(act->n_counters < LIMIT_ACT_MAX);
	act->counters[act->n_counters++] = counter;
}

const char *limit_act_key(const struct limits *limits, struct arena *arena, const char *policy,
			  const char *of)
{
	char blind[2 * SEAL_MAC_LEN + 1];

	seal_blind(limits->seal, "limit", of, blind);
	return arena_printf(arena, "l:%s:%s", policy, blind);
}

int32_t limit_act_count(const struct limits *limits, struct arena *arena,
			const struct limit_act *act, int64_t deadline_ms, struct limit_hit *hit,
			const struct limit_counter **spent_out)
{
	struct pintle_kv_limit items[LIMIT_ACT_MAX];
	struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = PINTLE_KV_LIMIT,
		.limits = items,
		.n_limits = act->n_counters,
	};
	struct kv_op ops[2] = { 0 };
	const struct kv_result *result = &ops[0].result;
	const struct limit_counter *spent;

	for (size_t i = 0; i < act->n_counters; i++) {
		const struct limit_counter *counter = &act->counters[i];
		const char *key = limit_act_key(limits, arena, counter->policy, counter->of);

		items[i] = (struct pintle_kv_limit){
			key, strlen(key), counter->max, counter->window_ms, 1, counter->flags, 0
		};
	}
	ops[0].request = request;
	if (act->beside)
		ops[1].request = act->beside->request;
	(void)kv_do_all(limits->kv, ops, act->beside ? 2 : 1, deadline_ms, arena);
	if (act->beside)
		*act->beside = ops[1];
	if (ops[0].status != PINTLE_LIMITED)
		return ops[0].status;
	if (result->number < 0 || (size_t)result->number >= act->n_counters)
		return PINTLE_INTERNAL;
	spent = &act->counters[result->number];
	*hit = (struct limit_hit){
		.policy = spent->policy,
		.retry_ms = result->ttl_ms > 0 ? result->ttl_ms : 1,
		.quota = spent->max,
		.window_ms = spent->window_ms,
	};
	if (spent_out)
		*spent_out = spent;
	return PINTLE_LIMITED;
}

int32_t limit_act_forget(const struct limits *limits, struct arena *arena, const char *policy,
			 const char *of, int64_t deadline_ms)
{
	struct pintle_kv_request request = kv_delete(limit_act_key(limits, arena, policy, of));
	int32_t status = kv_do(limits->kv, &request, deadline_ms, arena, NULL);

	return status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}
