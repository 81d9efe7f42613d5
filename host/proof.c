/* SPDX-License-Identifier: Apache-2.0 */
#include "proof.h"

#include "account.h"
#include "entry.h"
#include "host.h"
#include "identifier.h"
#include "metrics.h"
#include "namespace.h"
#include "op.h"
#include "request.h"
#include "send_limit.h"
#include "test_number.h"
#include "waiting.h"

#include <stdio.h>
#include <string.h>

static struct flows flows_of(const struct pintle_call *call)
{
	return (struct flows){ .kv = &call->host->kv, .seal = call->host->seal };
}

/* A flow begun by somebody signed in belongs to that account and session. */
static bool is_same_person(const struct pintle_call *call)
{
	const struct flow *flow = &call->flow;
	const struct who *who = &call->request->who;

	if (flow->account_id == 0)
		return true;
	return who->is_known && who->session.subject_id == flow->account_id &&
	       strcmp(who->session.id, flow->session) == 0;
}

static bool is_its_flow(const struct pintle_call *call)
{
	return strcmp(call->flow.instance, call->inst->name) == 0 &&
	       call->flow.purpose == call->purpose && is_same_person(call);
}

static int32_t find_by_id(struct pintle_call *call, const char *id)
{
	struct flows flows = flows_of(call);
	struct flow found = { 0 };
	int32_t status = flow_load(&flows, &call->arena, id, call->deadline_ms, &found);

	if (status != PINTLE_OK)
		return status == PINTLE_NOT_FOUND ? PINTLE_EXPIRED : status;
	flow_fini(&call->flow);
	call->flow = found;
	call->has_flow = true;
	if (call->purpose == OP_ANY_PURPOSE)
		call->purpose = found.purpose;
	if (is_its_flow(call))
		return PINTLE_OK;
	(void)proof_take_try(call); /* a proof shown in the wrong place is a wrong one */
	return PINTLE_EXPIRED;
}

static int32_t refuse_identifier(struct pintle_call *call, const char *ns, const char *text)
{
	const char *field = ns ? ns : op_flow_name(call->request);
	const json_t *given = json_object_get(call->request->fields, field);
	const char *reason = given && !json_is_null(given) ? "type" : "required";

	return call_invalid(call, field, text ? "format" : reason);
}

/* Namespaces are named like the field that holds their identifier; a pattern is none. */
static const char *field_of_identifier(const struct pintle_call *call)
{
	const char *ns = call->inst->plugin->provider.namespaces[0];

	return ns && !strchr(ns, '*') ? ns : NULL;
}

static int32_t find_by_identifier(struct pintle_call *call)
{
	const char *ns = field_of_identifier(call);
	const char *text = ns ? request_field(call->request, ns) : NULL;
	struct flow wanted = { .purpose = call->purpose }, found = { 0 };
	struct flows flows = flows_of(call);
	int32_t status;

	if (!text || !identifier_canonical(ns, text, wanted.target))
		return refuse_identifier(call, ns, text);
	(void)snprintf(wanted.instance, sizeof(wanted.instance), "%s", call->inst->name);
	(void)snprintf(wanted.target_ns, sizeof(wanted.target_ns), "%s", ns);
	status = flow_latest(&flows, &call->arena, &wanted, call->deadline_ms, &found);
	if (status != PINTLE_OK)
		return status == PINTLE_NOT_FOUND ? PINTLE_DENIED : status;
	/* Everybody knows an identifier: what waits is for who has its id. */
	if (found.waits) {
		flow_fini(&found);
		return PINTLE_DENIED;
	}
	flow_fini(&call->flow);
	call->flow = found;
	call->has_flow = true;
	return is_same_person(call) ? PINTLE_OK : PINTLE_DENIED;
}

int32_t proof_find_flow(struct pintle_call *call)
{
	const char *id = op_flow_id(call->request);
	bool is_direct = (call->inst->plugin->provider.flags & PINTLE_DIRECT) != 0;

	if (!id && call->purpose == OP_ANY_PURPOSE)
		call->purpose = PINTLE_LOGIN;
	if (!id && is_direct)
		return PINTLE_NOT_FOUND;
	return id ? find_by_id(call, id) : find_by_identifier(call);
}

/* Tries are counted for the account where the target leads to one, so that its other names give no more
 * of them; looked up for strangers as well, so that both take the same time. */
static int32_t find_counted(struct pintle_call *call, const char *ns, const char *subject)
{
	struct call_outcome *outcome = &call->outcome;
	struct account *account = &outcome->counted_account;
	int32_t status = account_find(&call->tx, ns, subject, true, account);

	if (status != PINTLE_OK && status != PINTLE_NOT_FOUND)
		return status;
	if (status == PINTLE_NOT_FOUND)
		*account = (struct account){ 0 };
	outcome->sought_ns = arena_strdup(&call->arena, ns);
	outcome->sought = arena_strdup(&call->arena, subject);
	outcome->counted_ns = account->id ? "account" : outcome->sought_ns;
	outcome->counted = account->id ? account->uuid : outcome->sought;
	return PINTLE_OK;
}

static struct limit_target counted_of(const struct pintle_call *call)
{
	return (struct limit_target){ .ns = call->outcome.counted_ns,
				      .subject = call->outcome.counted,
				      .purpose = call->purpose,
				      .instance = call->inst->name };
}

int32_t proof_take_try(struct pintle_call *call)
{
	int32_t status = find_counted(call, call->flow.target_ns, call->flow.target);
	struct limit_target counted = counted_of(call);

	if (status != PINTLE_OK)
		return status;
	status = limit_code_try(&call->host->limits, &call->arena, call->flow.id, &counted,
				call->deadline_ms, &call->outcome.limit);
	if (status == PINTLE_LIMITED && strcmp(call->outcome.limit.policy, "flow-tries") == 0)
		return PINTLE_EXPIRED;
	return status;
}

int32_t proof_admit(struct pintle_call *call)
{
	int32_t status = waiting_look(call);

	if (status == PINTLE_OK)
		status = proof_take_try(call);
	return status == PINTLE_OK ? waiting_check_grant(call) : status;
}

int32_t proof_take_secret_try(struct pintle_call *call)
{
	int32_t status = find_counted(call, call->outcome.target_ns, call->outcome.target);
	struct limit_target counted = counted_of(call);

	if (status != PINTLE_OK)
		return status;
	return limit_secret_try(&call->host->limits, &call->arena, &counted, call->deadline_ms,
				&call->outcome.limit);
}

void proof_put_forget(struct pintle_call *call, struct kv_list *list)
{
	struct limit_target counted = counted_of(call);

	limit_put_forget(&call->host->limits, list, &counted, call->has_flow);
}

int32_t proof_forget(struct pintle_call *call)
{
	struct kv_list list = { .arena = &call->arena };

	proof_put_forget(call, &list);
	return kv_do_list(&call->host->kv, &list, call->deadline_ms);
}

void proof_put_start_over(struct pintle_call *call, struct kv_list *list)
{
	const struct session *session = &call->request->who.session;
	const struct limit_target owner = { .ns = "account",
					    .subject = session->uuid,
					    .purpose = PINTLE_LOGIN,
					    .instance = call->inst->name };

	proof_put_forget(call, list);
	limit_put_forget(&call->host->limits, list, &owner, false);
}

/* Who comes second is told what anybody is who comes later. */
static int32_t end_flow(struct pintle_call *call)
{
	struct flows flows = flows_of(call);
	int32_t status = flow_consume(&flows, &call->arena, &call->flow, call->deadline_ms);

	if (status == PINTLE_OK && call->flow.waits)
		waiting_tell(call->host, call->flow.id, "expired");
	if (status == PINTLE_NOT_FOUND)
		return op_flow_id(call->request) ? PINTLE_EXPIRED : PINTLE_DENIED;
	return status;
}

/* Whatever becomes of it, the code has come back. Nobody waits for the counters. */
static void count_entered(struct pintle_call *call)
{
	struct kv_list list = { .arena = &call->arena };
	const struct flow *flow = &call->flow;

	if (*flow->network == '\0')
		return;
	metrics_count(call->host->self, METRIC_CODES_ENTERED, 1);
	send_limit_entered(&call->host->limits, &list, flow->target, flow->network);
	for (size_t i = 0; i < list.n_ops; i++)
		kv_post(&call->host->kv, &list.ops[i].request);
}

static void note_entered(struct pintle_call *call)
{
	count_entered(call);
	entry_note(call);
}

int32_t proof_consume(struct pintle_call *call)
{
	int32_t status = PINTLE_OK;

	if (!call->outcome.subject && call->outcome.account_id == 0)
		return PINTLE_INTERNAL;
	if (call->has_flow)
		status = test_number_admit(call);
	if (status == PINTLE_OK && call->has_flow)
		status = end_flow(call);
	if (status == PINTLE_OK && call->has_flow && !call->flow.was_right)
		note_entered(call);
	return status;
}

int32_t proof_leave(struct pintle_call *call)
{
	struct flows flows = flows_of(call);
	bool was_right = call->flow.was_right;
	int32_t status;

	call->flow.was_right = true;
	status = flow_update(&flows, &call->arena, &call->flow, call->deadline_ms);
	if (status == PINTLE_NOT_FOUND)
		return PINTLE_EXPIRED;
	if (status == PINTLE_OK && !was_right)
		note_entered(call);
	return status == PINTLE_CONFLICT ? PINTLE_OK : status; /* another try has noted it */
}

static int32_t run_nested(struct pintle_call *call)
{
	int32_t status = proof_find_flow(call);

	if (status != PINTLE_OK)
		return status == PINTLE_NOT_FOUND ? PINTLE_INVALID : status;
	status = proof_admit(call);
	if (status != PINTLE_OK)
		return status == PINTLE_PENDING ? PINTLE_DENIED : status;
	status = call_run_and_wait(call, call->inst->plugin->provider.verify);
	/* As at sign-in: what began before everything of the account was ended has ended with it. */
	if (status == PINTLE_OK && call->has_flow &&
	    call->outcome.counted_account.signed_out_ms > call->flow.created_ms)
		return PINTLE_EXPIRED;
	if (status == PINTLE_OK)
		status = proof_consume(call);
	return status == PINTLE_OK ? proof_forget(call) : status;
}

/* A secret that is replaced takes the tries against it along: when the outer op has ended OK they are
 * forgotten. */
static void start_anew(struct pintle_call *outer, const struct pintle_call *proved)
{
	struct call_outcome *outcome = &outer->outcome;

	outcome->counted_ns = arena_strdup(&outer->arena, proved->outcome.counted_ns);
	outcome->counted = arena_strdup(&outer->arena, proved->outcome.counted);
}

/* What the proof has sent goes out with what the outer op sends. */
static void take_messages(struct pintle_call *outer, struct pintle_call *proved)
{
	struct message *next;

	for (struct message *message = message_list_take(&proved->sent); message; message = next) {
		next = message->next;
		message_list_add(&outer->sent, message);
	}
}

int32_t proof_nested(struct pintle_call *outer, const char *ns, const char **subject_out)
{
	struct pintle_inst *inst = namespace_owner(&outer->host->instances, ns);
	const struct call_outcome *said;
	struct pintle_call *call;
	int32_t status;

	if (!inst || !inst->plugin->provider.verify || !instance_is_up(inst))
		return PINTLE_UNAVAILABLE;
	call = call_new(outer->host, outer->request, inst, "verify", outer->purpose);
	status = run_nested(call);
	said = call_said(call);
	if (status == PINTLE_OK && (!said->ns || strcmp(said->ns, ns) != 0))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK) {
		take_messages(outer, call);
		*subject_out = arena_strdup(&outer->arena, said->subject);
		outer->outcome.target_ns = arena_strdup(&outer->arena, ns);
		outer->outcome.target = *subject_out;
		if (outer->purpose == PINTLE_RESET)
			start_anew(outer, call);
	}
	if (status == PINTLE_DENIED)
		outer->outcome.denied = inst->plugin->provider.denied;
	outer->outcome.limit = said->limit;
	if (!outer->outcome.fields)
		outer->outcome.fields = json_incref(said->fields);
	call_free(call);
	return status;
}
