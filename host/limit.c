/* SPDX-License-Identifier: Apache-2.0 */
/* Each act is a list of counters and one step in the store: "l:<policy>:<keyed hash>". */
#include "limit.h"

#include "identifier.h"

#include <assert.h>
#include <pintle/status.h>
#include <string.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
/* NIST SP 800-63B-4 3.2.2 bounds failures in a row, whatever the time between; a record needs an
 * end. */
#define TOTAL_WINDOW_MS (30 * DAY_MS)
#define MAX_COUNTERS 8

#define POLICY_RESEND "send-resend"
#define POLICY_CODE "code-failures"
#define POLICY_SECRET "secret-failures"
#define POLICY_SECRET_TOTAL "secret-failures-total"

struct counter {
	const char *policy;
	const char *of; /* whom or what it counts */
	int64_t max, window_ms;
	uint32_t flags; /* BUDGET or FAILURES */
};

/* A budget starts afresh when its window ends. Failures slide, or a patient guesser would have twice
 * as many around that end. */
#define BUDGET 0
#define FAILURES PINTLE_KV_SLIDES

/* The longest window comes first: its end is what the client is told to wait for. */
struct act {
	struct counter counters[MAX_COUNTERS];
	size_t n_counters;
};

static void act_add(struct act *act, struct counter counter)
{
	assert(act->n_counters < MAX_COUNTERS);
	act->counters[act->n_counters++] = counter;
}

static const char *key_of(const struct limits *limits, struct arena *arena, const char *policy,
			  const char *of)
{
	char blind[2 * SEAL_MAC_LEN + 1];

	seal_blind(limits->seal, "limit", of, blind);
	return arena_printf(arena, "l:%s:%s", policy, blind);
}

static int32_t count(const struct limits *limits, struct arena *arena, const struct act *act,
		     int64_t deadline_ms, struct limit_hit *hit)
{
	struct pintle_kv_limit items[MAX_COUNTERS];
	struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = PINTLE_KV_LIMIT,
		.limits = items,
		.n_limits = act->n_counters,
	};
	struct kv_result result = { 0 };
	const struct counter *spent;
	int32_t status;

	for (size_t i = 0; i < act->n_counters; i++) {
		const struct counter *counter = &act->counters[i];
		const char *key = key_of(limits, arena, counter->policy, counter->of);

		items[i] = (struct pintle_kv_limit){
			key, strlen(key), counter->max, counter->window_ms, 1, counter->flags, 0
		};
	}
	status = kv_do(limits->kv, &request, deadline_ms, arena, &result);
	if (status != PINTLE_LIMITED)
		return status;
	if (result.number < 0 || (size_t)result.number >= act->n_counters)
		return PINTLE_INTERNAL;
	spent = &act->counters[result.number];
	*hit = (struct limit_hit){
		.policy = spent->policy,
		.retry_ms = result.ttl_ms > 0 ? result.ttl_ms : 1,
		.quota = spent->max,
		.window_ms = spent->window_ms,
	};
	return PINTLE_LIMITED;
}

static const char *address_of(struct arena *arena, const struct address *client)
{
	char text[ADDRESS_TEXT_MAX];
	struct address group;

	address_group(client, &group);
	address_text(&group, text);
	return arena_strdup(arena, text);
}

int32_t limit_address(const struct limits *limits, struct arena *arena,
		      const struct address *client, bool is_auth, int64_t deadline_ms,
		      struct limit_hit *hit)
{
	const struct limit_settings *settings = limits->settings;
	const char *address = address_of(arena, client);
	struct act act = { 0 };

	if (is_auth)
		act_add(&act,
			(struct counter){ "address-auth", address,
					  settings->address_auth_per_minute, MINUTE_MS, BUDGET });
	act_add(&act, (struct counter){ "address", address, settings->address_per_minute, MINUTE_MS,
					BUDGET });
	return count(limits, arena, &act, deadline_ms, hit);
}

/* An address may start with '+' as well. */
static bool has_country(const char *to)
{
	return !strchr(to, '@');
}

int32_t limit_send(const struct limits *limits, struct arena *arena, const char *to,
		   const struct address *client, int64_t deadline_ms, struct limit_hit *hit)
{
	const struct limit_settings *settings = limits->settings;
	const char *address = address_of(arena, client);
	char country[4];
	struct act act = {
		.counters = {
			{ "send-target-day", to, settings->send_target_day, DAY_MS, BUDGET },
			{ "send-target-hour", to, settings->send_target_hour, HOUR_MS, BUDGET },
			{ POLICY_RESEND, to, 1, settings->resend_ms, BUDGET },
			{ "send-address-day", address, settings->send_address_day, DAY_MS, BUDGET },
			{ "send-address-hour", address, settings->send_address_hour, HOUR_MS, BUDGET },
			{ "send-global-hour", "", settings->send_global_hour, HOUR_MS, BUDGET },
		},
		.n_counters = 6,
	};

	if (has_country(to))
		act_add(&act,
			(struct counter){ "send-country-hour", identifier_country(to, country),
					  settings->send_prefix_hour, HOUR_MS, BUDGET });
	return count(limits, arena, &act, deadline_ms, hit);
}

/* None of the parts can hold a line end. */
static const char *code_target(struct arena *arena, const struct limit_target *target)
{
	return arena_printf(arena, "%s\n%s\n%d", target->ns, target->subject, target->purpose);
}

static const char *secret_target(struct arena *arena, const struct limit_target *target)
{
	return arena_printf(arena, "%s\n%s\n%s", target->instance, target->ns, target->subject);
}

static bool has_subject(const struct limit_target *target)
{
	return target->subject && target->subject[0] != '\0';
}

int32_t limit_code_try(const struct limits *limits, struct arena *arena, const char *flow_id,
		       const struct limit_target *target, int64_t deadline_ms,
		       struct limit_hit *hit)
{
	const struct limit_settings *settings = limits->settings;
	struct act act = { 0 };

	if (has_subject(target))
		act_add(&act, (struct counter){ POLICY_CODE, code_target(arena, target),
						settings->code_failures, settings->code_window_ms,
						FAILURES });
	act_add(&act, (struct counter){ "flow-tries", flow_id, settings->flow_tries,
					settings->flow_ttl_ms, BUDGET });
	return count(limits, arena, &act, deadline_ms, hit);
}

int32_t limit_secret_try(const struct limits *limits, struct arena *arena,
			 const struct limit_target *target, int64_t deadline_ms,
			 struct limit_hit *hit)
{
	const struct limit_settings *settings = limits->settings;
	const char *of = secret_target(arena, target);
	const int64_t total = settings->secret_failures_total;
	const struct act act = {
		.counters = {
			{ POLICY_SECRET_TOTAL, of, total, TOTAL_WINDOW_MS, FAILURES },
			{ POLICY_SECRET, of, settings->secret_failures,
			  settings->secret_window_ms, FAILURES },
		},
		.n_counters = 2,
	};

	return count(limits, arena, &act, deadline_ms, hit);
}

static void put_forget(const struct limits *limits, struct kv_list *list, const char *policy,
		       const char *of)
{
	struct pintle_kv_request request = kv_delete(key_of(limits, list->arena, policy, of));

	kv_list_add(list, &request);
}

void limit_put_forget(const struct limits *limits, struct kv_list *list,
		      const struct limit_target *target, bool is_flow)
{
	const char *of;

	if (!has_subject(target))
		return;
	if (is_flow) {
		put_forget(limits, list, POLICY_CODE, code_target(list->arena, target));
		return;
	}
	of = secret_target(list->arena, target);
	put_forget(limits, list, POLICY_SECRET, of);
	put_forget(limits, list, POLICY_SECRET_TOTAL, of);
}

int32_t limit_forget(const struct limits *limits, struct arena *arena,
		     const struct limit_target *target, bool is_flow, int64_t deadline_ms)
{
	struct kv_list list = { .arena = arena };

	limit_put_forget(limits, &list, target, is_flow);
	return kv_do_list(limits->kv, &list, deadline_ms);
}

int32_t limit_resend_now(const struct limits *limits, struct arena *arena, const char *to,
			 int64_t deadline_ms)
{
	struct kv_list list = { .arena = arena };

	put_forget(limits, &list, POLICY_RESEND, to);
	return kv_do_list(limits->kv, &list, deadline_ms);
}

bool limit_country_ok(const struct limit_settings *settings, const char *to)
{
	char country[4];
	const char *code = identifier_country(to, country);

	if (!has_country(to))
		return true;
	for (const char *const *item = settings->countries; item && *item; item++) {
		if (strcmp(*item, "*") == 0 || strcmp(*item, code) == 0)
			return true;
	}
	return false;
}
