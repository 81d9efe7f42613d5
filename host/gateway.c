/* SPDX-License-Identifier: Apache-2.0 */
/* A record is absent while all is well, so that a success in good times costs nothing. */
#include "gateway.h"

#include "call.h"
#include "clock.h"
#include "host.h"
#include "log.h"
#include "xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_MS INT64_C(86400000) /* what nobody has tried for a day is unknown */
#define SWAP_TRIES 16

static const char *key_of(struct arena *arena, const struct pintle_inst *sender)
{
	return arena_printf(arena, "m:b:%s", sender->name);
}

static int64_t deadline_of(const struct host *host)
{
	return clock_mono_ms() + host->settings->storage.timeout_ms;
}

/* ---- The record ---- */

static const char *encode(struct arena *arena, const struct gateway_health *health)
{
	return arena_printf(arena, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
			    health->n_failures, health->opened_ms, health->probe_ms,
			    health->wait_ms);
}

/* What it does not know is no reason to pass a sender over. */
static struct gateway_health decode(const char *text)
{
	struct gateway_health health = { 0 };

	if (!text ||
	    sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &health.n_failures,
		   &health.opened_ms, &health.probe_ms, &health.wait_ms) != 4)
		return (struct gateway_health){ 0 };
	return health;
}

static int32_t read_text(const struct host *host, struct arena *arena, const char *key,
			 const char **text_out)
{
	struct pintle_kv_request get = kv_get(key);
	struct kv_result result = { 0 };
	int32_t status = kv_do(&host->kv, &get, deadline_of(host), arena, &result);

	*text_out = status == PINTLE_OK ? result.value : NULL;
	return status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}

/* Writes next if the record still is former (NULL: if there is none). */
static int32_t replace(const struct host *host, struct arena *arena, const char *key,
		       const char *former, const struct gateway_health *next)
{
	const char *text = encode(arena, next);
	struct pintle_kv_request request = kv_add(key, text, strlen(text), KEEP_MS);

	if (former) {
		request.op = PINTLE_KV_SWAP;
		request.expect = former;
		request.expect_len = strlen(former);
	}
	return kv_do(&host->kv, &request, deadline_of(host), arena, NULL);
}

/* ---- Looking ---- */

int32_t gateway_health(const struct host *host, struct arena *arena,
		       const struct pintle_inst *sender, struct gateway_health *out)
{
	const char *text;
	int32_t status = read_text(host, arena, key_of(arena, sender), &text);

	*out = decode(text);
	return status;
}

bool gateway_is_due(const struct gateway_health *health)
{
	return health->opened_ms != 0 && clock_now_ms() >= health->probe_ms;
}

bool gateway_claim_probe(const struct host *host, struct arena *arena,
			 const struct pintle_inst *sender, const struct gateway_health *health)
{
	struct gateway_health next = *health;

	next.probe_ms = clock_now_ms() + health->wait_ms;
	return replace(host, arena, key_of(arena, sender), encode(arena, health), &next) ==
	       PINTLE_OK;
}

/* ---- Noting ---- */

static int64_t longer(int64_t wait_ms)
{
	return wait_ms * 2 < GATEWAY_RETRY_MAX_MS ? wait_ms * 2 : GATEWAY_RETRY_MAX_MS;
}

/* Whether a failure changes the record. Sends that were under way when the sender was taken out say
 * nothing new. */
static bool fail_once(struct gateway_health *health, bool is_probe)
{
	int64_t now_ms = clock_now_ms();

	if (health->opened_ms != 0 && !is_probe)
		return false;
	health->n_failures++;
	if (health->opened_ms == 0 && health->n_failures < GATEWAY_FAILURES)
		return true;
	health->wait_ms = health->opened_ms ? longer(health->wait_ms) : GATEWAY_RETRY_MS;
	if (health->opened_ms == 0)
		health->opened_ms = now_ms;
	health->probe_ms = now_ms + health->wait_ms;
	return true;
}

static void tell(const struct pintle_inst *sender, const struct gateway_health *before,
		 const struct gateway_health *after)
{
	if (after->opened_ms == 0)
		return;
	log_warn("gateway %s: %s, next probe in %" PRId64 " s", sender->name,
		 before->opened_ms ? "its probe failed" : "out of rotation", after->wait_ms / 1000);
}

void gateway_note_failure(const struct host *host, struct arena *arena,
			  const struct pintle_inst *sender, bool is_probe)
{
	const char *key = key_of(arena, sender);

	for (int i = 0; i < SWAP_TRIES; i++) {
		const char *former;
		struct gateway_health before, after;
		int32_t status = read_text(host, arena, key, &former);

		before = after = decode(former);
		if (status != PINTLE_OK || !fail_once(&after, is_probe))
			return;
		status = replace(host, arena, key, former, &after);
		if (status == PINTLE_OK)
			tell(sender, &before, &after);
		if (status != PINTLE_CONFLICT && status != PINTLE_NOT_FOUND)
			return;
	}
}

void gateway_note_success(const struct host *host, struct arena *arena,
			  const struct pintle_inst *sender)
{
	struct pintle_kv_request take = kv_take(key_of(arena, sender));
	struct kv_result result = { 0 };

	if (kv_do(&host->kv, &take, deadline_of(host), arena, &result) == PINTLE_OK &&
	    decode(result.value).opened_ms != 0)
		log_info("gateway %s: back in rotation", sender->name);
}

/* ---- Probing ---- */

struct probe {
	struct job job; /* first: what the pool runs */
	struct host *host;
	struct pintle_inst *sender;
};

static void run_probe(struct job *job)
{
	struct probe *probe = (struct probe *)job;
	struct pintle_inst *sender = probe->sender;
	struct pintle_call *call = call_new(probe->host, NULL, sender, "probe", PINTLE_LOGIN);
	struct arena arena = { 0 }; /* that of a call is its op's, as long as that is late */

	if (call_run_and_wait(call, sender->plugin->sender.probe) == PINTLE_OK)
		gateway_note_success(probe->host, &arena, sender);
	else
		gateway_note_failure(probe->host, &arena, sender, true);
	arena_fini(&arena);
	call_free(call);
	free(probe);
}

void gateway_probe(struct host *host, struct pintle_inst *sender)
{
	struct probe *probe = xcalloc(1, sizeof(*probe));

	probe->job.run = run_probe;
	probe->host = host;
	probe->sender = sender;
	if (!pool_submit(host->pool, sender->class, &probe->job))
		free(probe); /* busy: the next one is due after the same wait */
}
