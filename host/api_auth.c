/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of signing in, generic and declared by plugins: thin, each step is in a file of its own. */
#include "begin.h"
#include "call.h"
#include "callback.h"
#include "clock.h"
#include "flow.h"
#include "flow_poll.h"
#include "host.h"
#include "op.h"
#include "request.h"
#include "routes.h"
#include "unbind.h"
#include "verify.h"
#include "waiting.h"

#include <pintle/plugin.h>
#include <string.h>

/* ---- Providers ---- */

static json_t *inputs_of(const struct pintle_provider *provider)
{
	json_t *inputs = json_array();

	for (uint32_t i = 0; i < provider->n_inputs; i++) {
		const struct pintle_input *input = &provider->inputs[i];
		json_t *item = json_pack(
			"{s:s, s:{s:s, s:s}, s:s, s:s?, s:s, s:b}", "name", input->name, "label",
			"zh", input->label_zh, "en", input->label_en, "type", input->type,
			"pattern", input->pattern, "step", input->step == 0 ? "begin" : "verify",
			"required", (int)input->is_required);

		(void)json_array_append_new(inputs, item);
	}
	return inputs;
}

static json_t *abilities_of(const struct pintle_inst *inst)
{
	const struct pintle_provider *provider = &inst->plugin->provider;

	return json_pack("{s:b, s:b, s:b, s:b, s:b}", "begin", instance_has_begin(inst), "direct",
			 (provider->flags & PINTLE_DIRECT) != 0, "bind", provider->bind != NULL,
			 "callback", provider->callback != NULL, "whole",
			 (provider->flags & PINTLE_WHOLE) != 0);
}

/* The operator's word, else the instance's own, else its plugin's. */
static const char *label_of(const char *set, const char *described, const char *declared)
{
	if (set && *set)
		return set;
	return described ? described : declared;
}

static json_t *describe_provider(const struct pintle_inst *inst)
{
	const struct pintle_provider *provider = &inst->plugin->provider;
	const struct instance_settings *set = &inst->settings;
	const struct instance_description *own = &inst->description;

	return json_pack("{s:s, s:s, s:{s:s, s:s}, s:o, s:o}", "name", inst->name, "kind",
			 inst->plugin->name, "label", "zh",
			 label_of(set->label_zh, own->label_zh, provider->label_zh), "en",
			 label_of(set->label_en, own->label_en, provider->label_en), "inputs",
			 inputs_of(provider), "capabilities", abilities_of(inst));
}

void api_providers(struct request *request)
{
	const struct host *host = request->host;
	json_t *providers = json_array();

	for (size_t i = 0; i < host->instances.n_items; i++) {
		const struct pintle_inst *inst = &host->instances.items[i];

		if (inst->plugin->provider.size > 0 && instance_is_up(inst))
			(void)json_array_append_new(providers, describe_provider(inst));
	}
	answer_ok(request, json_pack("{s:o}", "providers", providers));
}

/* ---- Flows ---- */

static struct flows flows_of(const struct request *request)
{
	return (struct flows){ .kv = &request->host->kv, .seal = request->host->seal };
}

static bool load_flow(struct request *request, struct flow *flow)
{
	struct flows flows = flows_of(request);
	int32_t status = flow_load(&flows, &request->arena, request_param(request, "flow_id"),
				   request->deadline_ms, flow);

	if (status == PINTLE_OK)
		return true;
	answer_status(request, status == PINTLE_NOT_FOUND ? PINTLE_EXPIRED : status);
	return false;
}

void api_flow_show(struct request *request)
{
	struct flows flows = flows_of(request);
	struct flow flow = { 0 };
	const char *state;
	int32_t status;

	if (!load_flow(request, &flow))
		return;
	flow_poll(request->host, &flow);
	status = flow_shown(&flows, &request->arena, &flow, request->deadline_ms, &state);
	if (status == PINTLE_OK)
		answer_ok(request,
			  json_pack("{s:s, s:s, s:I}", "flow_id", flow.id, "status", state,
				    "expires_in",
				    (json_int_t)((flow.expires_ms - clock_now_ms()) / 1000)));
	else
		answer_status(request, status);
	flow_fini(&flow);
}

void api_flow_cancel(struct request *request)
{
	struct flows flows = flows_of(request);
	struct flow flow = { 0 };
	int32_t status;

	if (!load_flow(request, &flow))
		return;
	status = flow_consume(&flows, &request->arena, &flow, request->deadline_ms);
	if (status == PINTLE_OK)
		waiting_tell(request->host, flow.id, "expired");
	answer_status(request, status == PINTLE_NOT_FOUND ? PINTLE_EXPIRED : status);
	flow_fini(&flow);
}

/* ---- Proofs ---- */

void api_begin(struct request *request)
{
	begin_run(request, PINTLE_LOGIN);
}

void api_verify(struct request *request)
{
	verify_run(request, request->inst->plugin->provider.verify, "verify", OP_ANY_PURPOSE);
}

void api_callback(struct request *request)
{
	callback_run(request);
}

void api_bind(struct request *request)
{
	verify_run(request, request->inst->plugin->provider.bind, "bind", PINTLE_BIND);
}

void api_unbind(struct request *request)
{
	unbind_run(request);
}

/* ---- Routes of plugins ---- */

/* Who is signed in already wants another way in. */
static int32_t wanted_by(const struct request *request, const struct pintle_route *declared)
{
	bool is_user = request->who.is_known && strcmp(request->who.session.realm, "user") == 0;

	if (declared->purpose >= 0)
		return declared->purpose;
	return is_user ? PINTLE_BIND : PINTLE_LOGIN;
}

static int32_t login_if_any(const struct pintle_route *declared)
{
	return declared->purpose < 0 ? PINTLE_LOGIN : declared->purpose;
}

void api_plugin_route(struct request *request)
{
	const struct pintle_route *declared = request->chosen->declared;
	const struct pintle_provider *provider = &request->inst->plugin->provider;

	switch (declared->kind) {
	case PINTLE_TO_BEGIN:
		begin_run(request, wanted_by(request, declared));
		break;
	case PINTLE_TO_VERIFY:
		verify_run(request, provider->verify, "verify", declared->purpose);
		break;
	case PINTLE_TO_BIND:
		verify_run(request, provider->bind, "bind", PINTLE_BIND);
		break;
	case PINTLE_TO_UNBIND:
		unbind_run(request);
		break;
	default:
		verify_run_own(request, declared->op, login_if_any(declared));
	}
}
