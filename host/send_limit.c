/* SPDX-License-Identifier: Apache-2.0 */
#include "send_limit.h"

#include "identifier.h"
#include "limit_act.h"

#include <pintle/status.h>
#include <stdio.h>
#include <string.h>

#define POLICY_RESEND "send-resend"
#define POLICY_ALARM "send-alarm"
#define POLICY_NOTICE_DAY "send-notice-day"
#define POLICY_NOTICE_HOUR "send-notice-hour"
#define BLOCK_DIGITS 3 /* numbers that differ in their last three are a block of a thousand */

/* What codes can be missing from, the narrowest first: it is held before what is around it. */
enum scope { SCOPE_NUMBERS, SCOPE_NETWORK, SCOPE_COUNTRY, SCOPES };

static const struct {
	const char *word, *policy;
} scopes[SCOPES] = {
	[SCOPE_NUMBERS] = { "numbers", "send-missing-numbers" },
	[SCOPE_NETWORK] = { "network", "send-missing-network" },
	[SCOPE_COUNTRY] = { "country", "send-missing-country" },
};

/* An e-mail address may start with '+' as well. */
static bool has_country(const char *to)
{
	return !strchr(to, '@');
}

static const char *country_of(struct arena *arena, const char *to)
{
	char country[4];

	return arena_strdup(arena, identifier_country(to, country));
}

/* As alarms name it; NULL where it has none. */
static const char *scope_of(struct arena *arena, enum scope scope, const char *to,
			    const char *network)
{
	size_t len = strlen(to);

	switch (scope) {
	case SCOPE_NETWORK:
		return arena_printf(arena, "network:%s", network);
	case SCOPE_COUNTRY:
		return has_country(to) ? arena_printf(arena, "country:%s", country_of(arena, to))
				       : NULL;
	default:
		return has_country(to) && len > BLOCK_DIGITS
			       ? arena_printf(arena, "numbers:%.*s", (int)(len - BLOCK_DIGITS), to)
			       : NULL;
	}
}

static int64_t max_missing(const struct limit_settings *settings, enum scope scope)
{
	switch (scope) {
	case SCOPE_NETWORK:
		return settings->missing_network;
	case SCOPE_COUNTRY:
		return settings->missing_country;
	default:
		return settings->missing_numbers;
	}
}

/* ---- Before a message ---- */

static void add_budget(struct limit_act *act, const char *policy, const char *of, int64_t max,
		       int64_t window_ms)
{
	limit_act_add(act, (struct limit_counter){ policy, of, max, window_ms, LIMIT_BUDGET });
}

static void add_notice(const struct limit_settings *settings, const struct send *send,
		       struct limit_act *act)
{
	add_budget(act, POLICY_NOTICE_DAY, send->to, settings->send_notice_day, LIMIT_DAY_MS);
	add_budget(act, POLICY_NOTICE_HOUR, send->to, settings->send_notice_hour, LIMIT_HOUR_MS);
}

static void add_asked(const struct limits *limits, struct arena *arena, const struct send *send,
		      struct limit_act *act)
{
	const struct limit_settings *settings = limits->settings;
	const char *address = limit_address_text(arena, send->client);

	add_budget(act, "send-target-day", send->to, settings->send_target_day, LIMIT_DAY_MS);
	add_budget(act, "send-target-hour", send->to, settings->send_target_hour, LIMIT_HOUR_MS);
	add_budget(act, POLICY_RESEND, send->to, 1, settings->resend_ms);
	add_budget(act, "send-address-day", address, settings->send_address_day, LIMIT_DAY_MS);
	add_budget(act, "send-address-hour", address, settings->send_address_hour, LIMIT_HOUR_MS);
	if (!send->device)
		return;
	add_budget(act, "send-device-day", send->device, settings->send_device_day, LIMIT_DAY_MS);
	add_budget(act, "send-device-hour", send->device, settings->send_device_hour,
		   LIMIT_HOUR_MS);
}

/* What who caused a notice may spend of is not for it: they could have spent it before. */
static void add_people(const struct limits *limits, struct arena *arena, const struct send *send,
		       struct limit_act *act)
{
	if (send->kind == SEND_NOTICE)
		add_notice(limits->settings, send, act);
	else
		add_asked(limits, arena, send, act);
}

static void add_missing(const struct limits *limits, struct arena *arena, const struct send *send,
			struct limit_act *act)
{
	char network[ADDRESS_NETWORK_MAX];

	address_network(send->client, network);
	for (enum scope scope = 0; scope < SCOPES; scope++) {
		const char *of = scope_of(arena, scope, send->to, network);

		if (of)
			add_budget(act, scopes[scope].policy, of,
				   max_missing(limits->settings, scope),
				   limits->settings->missing_window_ms);
	}
}

static void add_costs(const struct limits *limits, struct arena *arena, const struct send *send,
		      struct limit_act *act)
{
	const struct limit_settings *settings = limits->settings;

	if (has_country(send->to)) {
		const char *country =
			arena_printf(arena, "country:%s", country_of(arena, send->to));

		add_budget(act, "send-country-day", country, settings->send_prefix_day,
			   LIMIT_DAY_MS);
		add_budget(act, "send-country-hour", country, settings->send_prefix_hour,
			   LIMIT_HOUR_MS);
	}
	add_budget(act, "send-global-day", "all", settings->send_global_day, LIMIT_DAY_MS);
	add_budget(act, "send-global-hour", "all", settings->send_global_hour, LIMIT_HOUR_MS);
}

/* ---- Alarms ---- */

static bool is_missing(const struct limit_counter *spent)
{
	for (enum scope scope = 0; scope < SCOPES; scope++) {
		if (spent->policy == scopes[scope].policy)
			return true;
	}
	return false;
}

static const char *alarm_of(struct arena *arena, const struct limit_counter *spent)
{
	return arena_printf(arena, "%s\n%s", spent->policy, spent->of);
}

/* A mark as long as the limit holds tells the first from the many. */
static int32_t raise_alarm(const struct limits *limits, struct arena *arena,
			   const struct limit_counter *spent, const struct limit_hit *hit,
			   int64_t deadline_ms, struct send_alarm *alarm)
{
	const char *key = limit_act_key(limits, arena, POLICY_ALARM, alarm_of(arena, spent));
	const struct pintle_kv_request mark = { .size = sizeof(mark),
						.op = PINTLE_KV_INCR,
						.key = key,
						.key_len = strlen(key),
						.delta = 1,
						.ttl_ms = hit->retry_ms };
	struct kv_result result;
	int32_t status = kv_do(limits->kv, &mark, deadline_ms, arena, &result);

	alarm->is_first = status == PINTLE_OK && result.number == 1;
	alarm->is_missing = is_missing(spent);
	(void)snprintf(alarm->what, sizeof(alarm->what), "%s", spent->of);
	return status;
}

int32_t send_limit_count(const struct limits *limits, struct arena *arena, const struct send *send,
			 int64_t deadline_ms, struct limit_hit *hit, struct send_alarm *alarm)
{
	const struct limit_counter *spent = NULL;
	struct limit_act act = { 0 };
	size_t n_people;
	int32_t status;

	add_people(limits, arena, send, &act);
	n_people = act.n_counters;
	if (send->kind == SEND_CODE)
		add_missing(limits, arena, send, &act);
	add_costs(limits, arena, send, &act);
	status = limit_act_count(limits, arena, &act, deadline_ms, hit, &spent);
	if (status != PINTLE_LIMITED || spent < act.counters + n_people)
		return status;
	status = raise_alarm(limits, arena, spent, hit, deadline_ms, alarm);
	return status == PINTLE_OK ? PINTLE_LIMITED : status;
}

int32_t send_limit_count_free(const struct limits *limits, struct arena *arena,
			      const struct send *send, int64_t deadline_ms, struct limit_hit *hit)
{
	struct limit_act act = { 0 };

	add_people(limits, arena, send, &act);
	return limit_act_count(limits, arena, &act, deadline_ms, hit, NULL);
}

/* ---- Afterwards ---- */

/* Nothing is saved up: what is not counted any more, since its window has ended, stays 0. */
static void take_back(const struct limits *limits, struct kv_list *list, const char *policy,
		      const char *of, int64_t n, int64_t window_ms)
{
	const char *key = limit_act_key(limits, list->arena, policy, of);
	const struct pintle_kv_request request = { .size = sizeof(request),
						   .op = PINTLE_KV_INCR,
						   .key = key,
						   .key_len = strlen(key),
						   .flags = PINTLE_KV_FLOOR,
						   .delta = -n,
						   .ttl_ms = window_ms };

	kv_list_add(list, &request);
}

/* Honest entries would pay for codes that nobody enters later, were they saved up. */
static void take_from_missing(const struct limits *limits, struct kv_list *list, const char *to,
			      const char *network, int64_t n)
{
	for (enum scope scope = 0; scope < SCOPES; scope++) {
		const char *of = scope_of(list->arena, scope, to, network);

		if (of)
			take_back(limits, list, scopes[scope].policy, of, n,
				  limits->settings->missing_window_ms);
	}
}

void send_limit_entered(const struct limits *limits, struct kv_list *list, const char *to,
			const char *network)
{
	take_from_missing(limits, list, to, network, limits->settings->missing_per_entry);
}

int32_t send_limit_lost(const struct limits *limits, struct arena *arena, const char *to,
			const char *network, int64_t deadline_ms)
{
	struct kv_list list = { .arena = arena };
	const struct pintle_kv_request resend =
		kv_delete(limit_act_key(limits, arena, POLICY_RESEND, to));

	kv_list_add(&list, &resend);
	if (*network)
		take_from_missing(limits, &list, to, network, 1);
	return kv_do_list(limits->kv, &list, deadline_ms);
}

int32_t send_limit_lost_notice(const struct limits *limits, struct arena *arena, const char *to,
			       int64_t deadline_ms)
{
	struct kv_list list = { .arena = arena };

	take_back(limits, &list, POLICY_NOTICE_DAY, to, 1, LIMIT_DAY_MS);
	take_back(limits, &list, POLICY_NOTICE_HOUR, to, 1, LIMIT_HOUR_MS);
	return kv_do_list(limits->kv, &list, deadline_ms);
}

int32_t send_limit_lift(const struct limits *limits, struct arena *arena, const char *what,
			int64_t deadline_ms)
{
	const char *colon = strchr(what, ':');
	size_t len = colon ? (size_t)(colon - what) : 0;
	struct limit_counter lifted = { .of = what };
	struct kv_op ops[2];
	int32_t status;

	for (enum scope scope = 0; scope < SCOPES; scope++) {
		if (len > 0 && strlen(scopes[scope].word) == len &&
		    strncmp(scopes[scope].word, what, len) == 0)
			lifted.policy = scopes[scope].policy;
	}
	if (!lifted.policy)
		return PINTLE_INVALID;
	ops[0].request = kv_delete(limit_act_key(limits, arena, lifted.policy, what));
	ops[1].request =
		kv_delete(limit_act_key(limits, arena, POLICY_ALARM, alarm_of(arena, &lifted)));
	status = kv_do_all(limits->kv, ops, 2, deadline_ms, arena);
	return status == PINTLE_OK ? ops[0].status : status;
}

bool send_limit_country_ok(const struct limit_settings *settings, const char *to)
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
