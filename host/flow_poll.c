/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_poll.h"

#include "call.h"
#include "clock.h"
#include "waiting.h"
#include "xalloc.h"

#include <pintle/plugin.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_MAX (RNG_ID_LEN + 8)
#define LOOK_MS (FLOW_POLL_MS / 4) /* between two looks of this worker whether it is time */

struct poll {
	struct job job; /* first: what the pool runs */
	struct pintle_inst *inst;
	char flow_id[RNG_ID_LEN + 1];
	char key[KEY_MAX]; /* there while it is not to be asked */
	int64_t begin_ms;  /* monotonic: later than that the op would outlast the key */
};

/* ---- Asking ---- */

/* From now on it is asked again after FLOW_POLL_MS. Should that not be stored, after the time an op may take. */
static void let_rest(struct poll *poll)
{
	struct host *host = poll->inst->host;
	struct pintle_kv_request set = kv_set(poll->key, "", 0, FLOW_POLL_MS);

	(void)kv_do(&host->kv, &set, clock_mono_ms() + host->settings->storage.timeout_ms, NULL,
		    NULL);
}

static void ask(struct poll *poll)
{
	struct pintle_inst *inst = poll->inst;
	struct pintle_call *call = call_new(inst->host, NULL, inst, "poll", PINTLE_LOGIN);
	int32_t status = waiting_open_to_poll(call, poll->flow_id);

	if (status == PINTLE_OK)
		status = call_run_and_wait(call, inst->plugin->provider.poll);
	if (status == PINTLE_OK)
		(void)waiting_store(call); /* or another step came between, or no store */
	call_free(call);
	let_rest(poll);
}

static void run_ask(struct job *job)
{
	struct poll *poll = (struct poll *)job;

	if (clock_mono_ms() <= poll->begin_ms)
		ask(poll);
	free(poll);
}

/* ---- Whether it is time ---- */

static bool take_turn(struct poll *poll)
{
	const struct host *host = poll->inst->host;
	int64_t ttl_ms = poll->inst->settings.timeout_ms + FLOW_POLL_MS;
	struct pintle_kv_request add = kv_add(poll->key, "", 0, ttl_ms);

	poll->begin_ms = clock_mono_ms() + FLOW_POLL_MS;
	return kv_do(&host->kv, &add, clock_mono_ms() + host->settings->storage.timeout_ms, NULL,
		     NULL) == PINTLE_OK;
}

static void run_poll(struct job *job)
{
	struct poll *poll = (struct poll *)job;

	if (!take_turn(poll)) {
		free(poll);
		return;
	}
	poll->job.run = run_ask;
	switch (pool_switch(poll->inst->host->pool, poll->inst->class, &poll->job)) {
	case POOL_GO:
		run_ask(&poll->job);
		break;
	case POOL_QUEUED:
		break;
	case POOL_FULL: /* busy: later */
		free(poll);
		break;
	}
}

struct pintle_inst *flow_poll_provider(const struct host *host, const char *instance)
{
	struct pintle_inst *inst = instances_find(&host->instances, instance);

	return inst && inst->plugin->provider.poll && instance_is_up(inst) ? inst : NULL;
}

void flow_poll_soon(struct pintle_inst *inst, const char *flow_id)
{
	struct poll *poll;

	if (!poll_marks_take(&inst->host->polled, flow_id, clock_mono_ms(), LOOK_MS))
		return;
	poll = xcalloc(1, sizeof(*poll));
	poll->job.run = run_poll;
	poll->inst = inst;
	(void)snprintf(poll->flow_id, sizeof(poll->flow_id), "%s", flow_id);
	(void)snprintf(poll->key, sizeof(poll->key), "fp:%s", poll->flow_id);
	if (!pool_submit(inst->host->pool, inst->host->background, &poll->job))
		free(poll); /* busy: whoever asks next has it asked */
}

void flow_poll(const struct host *host, const struct flow *flow)
{
	struct pintle_inst *inst = NULL;

	if (flow->waits && flow->state < FLOW_CONFIRMED)
		inst = flow_poll_provider(host, flow->instance);
	if (inst)
		flow_poll_soon(inst, flow->id);
}
