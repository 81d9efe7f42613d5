/* SPDX-License-Identifier: Apache-2.0 */
#include "begin.h"

#include "call.h"
#include "clock.h"
#include "dispatch.h"
#include "flow.h"
#include "host.h"
#include "op.h"
#include "rng.h"
#include "send_limit.h"
#include "waiting.h"

#include <pintle/plugin.h>
#include <stdio.h>

static int32_t make_flow(struct pintle_call *call)
{
	const struct who *who = &call->request->who;
	struct flow *flow = &call->flow;

	if (!rng_id(flow->id))
		return PINTLE_INTERNAL;
	(void)snprintf(flow->instance, sizeof(flow->instance), "%s", call->inst->name);
	flow->purpose = call->purpose;
	flow->created_ms = clock_now_ms();
	flow->expires_ms = flow->created_ms + call->host->settings->limits.flow_ttl_ms;
	if (op_needs_account(call->purpose)) {
		flow->account_id = who->session.subject_id;
		(void)snprintf(flow->session, sizeof(flow->session), "%s", who->session.id);
	}
	if (atomic_load(&call->sent.newest) || call->outcome.charged)
		address_network(&call->request->client, flow->network);
	if (call->outcome.target) {
		(void)snprintf(flow->target_ns, sizeof(flow->target_ns), "%s",
			       call->outcome.target_ns);
		(void)snprintf(flow->target, sizeof(flow->target), "%s", call->outcome.target);
	}
	return PINTLE_OK;
}

static void answer_begun(struct pintle_call *call)
{
	const struct limit_settings *limits = &call->host->settings->limits;
	json_t *data = json_pack("{s:s, s:I, s:s}", op_flow_name(call->request), call->flow.id,
				 "expires_in", (json_int_t)(limits->flow_ttl_ms / 1000), "next",
				 call->flow.waits ? "poll" : "verify");

	if (call->outcome.has_sent)
		json_object_set_new(data, "resend_in",
				    json_integer((json_int_t)(limits->resend_ms / 1000)));
	json_object_update(data, call->outcome.data);
	answer_ok(call->request, data);
}

/* An upstream that surely sent nothing. As with a message that was lost: its target may ask again at once. */
static void take_back_charge(struct pintle_call *call, int32_t status)
{
	char network[ADDRESS_NETWORK_MAX];

	if (!call->outcome.charged || status == PINTLE_TIMEOUT)
		return;
	address_network(&call->request->client, network);
	(void)send_limit_lost(&call->host->limits, &call->arena, call->outcome.charged, network,
			      call->deadline_ms);
}

/* Stored first, sent afterwards: nobody ever holds a code that is not on record. */
static void begun(struct pintle_call *call, int32_t status)
{
	struct flows flows = { .kv = &call->host->kv, .seal = call->host->seal };

	if (status != PINTLE_OK) {
		take_back_charge(call, status);
		op_answer(call, status);
		op_drop_messages(call);
		dispatch_finish(call->request);
		return;
	}
	status = make_flow(call);
	if (status == PINTLE_OK)
		status = flow_store(&flows, &call->arena, &call->flow, call->deadline_ms);
	if (status == PINTLE_OK)
		status = waiting_store_tickets(call);
	if (status == PINTLE_OK)
		status = op_queue_messages(call);
	if (status == PINTLE_OK)
		answer_begun(call);
	else
		answer_status(call->request, status);
	op_drop_messages(call); /* of a flow that could not be stored */
	dispatch_finish(call->request);
}

void begin_run(struct request *request, int32_t purpose)
{
	const struct pintle_provider *provider = &request->inst->plugin->provider;

	if (!instance_has_begin(request->inst)) {
		op_refuse(request);
		return;
	}
	if (!op_read_purpose(request, &purpose) || !op_may_have_purpose(request, purpose)) {
		dispatch_finish(request);
		return;
	}
	call_run(op_call(request, "begin", purpose), provider->begin, begun);
}
