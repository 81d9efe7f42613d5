/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of an address, and tries of codes and secrets. */
#include "limit.h"

#include "limit_act.h"

#include <pintle/status.h>

/* NIST SP 800-63B-4 3.2.2 bounds failures in a row, whatever the time between; a record needs an
 * end. */
#define TOTAL_WINDOW_MS (30 * LIMIT_DAY_MS)

#define POLICY_CODE "code-failures"
#define POLICY_SECRET "secret-failures"
#define POLICY_SECRET_TOTAL "secret-failures-total"

const char *limit_address_text(struct arena *arena, const struct address *client)
{
	char text[ADDRESS_TEXT_MAX];
	struct address group;

	address_group(client, &group);
	address_text(&group, text);
	return arena_strdup(arena, text);
}

int32_t limit_address(const struct limits *limits, struct arena *arena,
		      const struct address *client, bool is_auth, struct kv_op *beside,
		      int64_t deadline_ms, struct limit_hit *hit)
{
	const struct limit_settings *settings = limits->settings;
	const char *address = limit_address_text(arena, client);
	struct limit_act act = { .beside = beside };

	if (is_auth)
		limit_act_add(&act, (struct limit_counter){ "address-auth", address,
							    settings->address_auth_per_minute,
							    LIMIT_MINUTE_MS, LIMIT_BUDGET });
	limit_act_add(&act,
		      (struct limit_counter){ "address", address, settings->address_per_minute,
					      LIMIT_MINUTE_MS, LIMIT_BUDGET });
	return limit_act_count(limits, arena, &act, deadline_ms, hit, NULL);
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
	struct limit_act act = { 0 };

	if (has_subject(target))
		limit_act_add(&act,
			      (struct limit_counter){ POLICY_CODE, code_target(arena, target),
						      settings->code_failures,
						      settings->code_window_ms, LIMIT_FAILURES });
	limit_act_add(&act, (struct limit_counter){ "flow-tries", flow_id, settings->flow_tries,
						    settings->flow_ttl_ms, LIMIT_BUDGET });
	return limit_act_count(limits, arena, &act, deadline_ms, hit, NULL);
}

int32_t limit_secret_try(const struct limits *limits, struct arena *arena,
			 const struct limit_target *target, int64_t deadline_ms,
			 struct limit_hit *hit)
{
	const struct limit_settings *settings = limits->settings;
	const char *of = secret_target(arena, target);
	const int64_t total = settings->secret_failures_total;
	const struct limit_act act = {
		.counters = {
			{ POLICY_SECRET_TOTAL, of, total, TOTAL_WINDOW_MS, LIMIT_FAILURES },
			{ POLICY_SECRET, of, settings->secret_failures,
			  settings->secret_window_ms, LIMIT_FAILURES },
		},
		.n_counters = 2,
	};

	return limit_act_count(limits, arena, &act, deadline_ms, hit, NULL);
}

static void forget(const struct limits *limits, struct kv_list *list, const char *policy,
		   const char *of)
{
	const struct pintle_kv_request request =
		kv_delete(limit_act_key(limits, list->arena, policy, of));

	kv_list_add(list, &request);
}

void limit_put_forget(const struct limits *limits, struct kv_list *list,
		      const struct limit_target *target, bool is_flow)
{
	if (!has_subject(target))
		return;
	if (is_flow) {
		forget(limits, list, POLICY_CODE, code_target(list->arena, target));
		return;
	}
	forget(limits, list, POLICY_SECRET, secret_target(list->arena, target));
	forget(limits, list, POLICY_SECRET_TOTAL, secret_target(list->arena, target));
}
