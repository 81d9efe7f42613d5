/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_share.h"

#include "clock.h"
#include "host.h"

#include <inttypes.h>
#include <pintle/status.h>
#include <stdlib.h>

#define WINDOW_MS INT64_C(600000)
#define N_WINDOWS 3 /* that are kept once their codes have expired */
#define WEIGH_EVERY_MS 5000
#define SAMPLE_MIN 20 /* fewer say nothing */
/* Below these shares a sender is weak. People give up, and some codes are for nobody: not much lower than
 * what a good gateway shows. */
#define ENTERED_MIN_PERCENT 20
#define DELIVERED_MIN_PERCENT 50

static const char letters[GATEWAY_FATES] = { 'a', 'e', 'd', 'l' };

static const char *key_of(struct arena *arena, const char *sender, int64_t window,
			  enum gateway_fate fate)
{
	return arena_printf(arena, "m:n:%s:%" PRId64 ":%c", sender, window, letters[fate]);
}

static int64_t deadline_of(const struct host *host)
{
	return clock_mono_ms() + host->settings->storage.timeout_ms;
}

void gateway_count(const struct host *host, struct arena *arena, const char *sender,
		   int64_t sent_ms, enum gateway_fate fate)
{
	const char *key = key_of(arena, sender, sent_ms / WINDOW_MS, fate);
	struct pintle_kv_request incr = kv_get(key);

	incr.op = PINTLE_KV_INCR;
	incr.delta = 1;
	incr.ttl_ms = host->settings->limits.flow_ttl_ms + N_WINDOWS * WINDOW_MS;
	/* A count that is lost changes no share that matters. */
	(void)kv_do(&host->kv, &incr, deadline_of(host), arena, NULL);
}

static int32_t read_window(const struct host *host, struct arena *arena, const char *sender,
			   int64_t window, int64_t counts[GATEWAY_FATES])
{
	for (int fate = 0; fate < GATEWAY_FATES; fate++) {
		struct pintle_kv_request get =
			kv_get(key_of(arena, sender, window, (enum gateway_fate)fate));
		struct kv_result result = { 0 };
		int32_t status = kv_do(&host->kv, &get, deadline_of(host), arena, &result);

		if (status == PINTLE_OK && result.value)
			counts[fate] += strtoll(result.value, NULL, 10);
		else if (status != PINTLE_NOT_FOUND)
			return status;
	}
	return PINTLE_OK;
}

void gateway_recent(const struct host *host, struct arena *arena, const char *sender,
		    int64_t counts_out[GATEWAY_FATES])
{
	int64_t window = clock_now_ms() / WINDOW_MS;

	for (int fate = 0; fate < GATEWAY_FATES; fate++)
		counts_out[fate] = 0;
	for (int64_t i = 0; i < N_WINDOWS; i++)
		if (read_window(host, arena, sender, window - i, counts_out) != PINTLE_OK)
			return;
}

static bool is_below(int64_t part, int64_t whole, int64_t percent)
{
	return whole >= SAMPLE_MIN && part * 100 < whole * percent;
}

/* By the last window whose codes have all been entered or have expired. */
static bool weigh(const struct host *host, struct arena *arena, const char *sender)
{
	int64_t counts[GATEWAY_FATES] = { 0 };
	int64_t ended_ms = clock_now_ms() - host->settings->limits.flow_ttl_ms;
	int64_t told;

	if (read_window(host, arena, sender, ended_ms / WINDOW_MS - 1, counts) != PINTLE_OK)
		return false;
	told = counts[GATEWAY_DELIVERED] + counts[GATEWAY_LOST];
	return is_below(counts[GATEWAY_ENTERED], counts[GATEWAY_ACCEPTED], ENTERED_MIN_PERCENT) ||
	       is_below(counts[GATEWAY_DELIVERED], told, DELIVERED_MIN_PERCENT);
}

bool gateway_is_weak(const struct host *host, struct arena *arena, struct pintle_inst *sender)
{
	int64_t now_ms = clock_mono_ms(), weighed_ms = atomic_load(&sender->weighed_ms);

	if (weighed_ms == 0 || now_ms - weighed_ms >= WEIGH_EVERY_MS) {
		atomic_store(&sender->weighed_ms, now_ms);
		atomic_store(&sender->is_weak, weigh(host, arena, sender->name));
	}
	return atomic_load(&sender->is_weak);
}
