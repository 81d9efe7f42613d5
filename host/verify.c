/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include "bind.h"
#include "call.h"
#include "device.h"
#include "dispatch.h"
#include "flow.h"
#include "flow_poll.h"
#include "host.h"
#include "linking.h"
#include "op.h"
#include "proof.h"
#include "signin.h"
#include "waiting.h"

static void sign_in(struct pintle_call *call)
{
	int32_t status = proof_consume(call);

	if (status == PINTLE_OK)
		signin_complete(call);
	else
		op_fail(call, status);
}

/* Right so far: what the op keeps now is for the next step of the same flow. */
static void answer_more(struct pintle_call *call)
{
	struct flows flows = { .kv = &call->host->kv, .seal = call->host->seal };
	int32_t status = PINTLE_OK;

	if (call->has_flow)
		status = flow_update(&flows, &call->arena, &call->flow, call->deadline_ms);
	if (status == PINTLE_OK)
		answer_ok(call->request, json_incref(call->outcome.data));
	else
		answer_status(call->request, status == PINTLE_NOT_FOUND ? PINTLE_EXPIRED : status);
}

/* Somebody else has to finish the flow first. */
static void answer_waiting(struct pintle_call *call)
{
	answer_ok(call->request, json_pack("{s:s}", "status", flow_state_name(call->flow.state)));
}

static void proved(struct pintle_call *call, int32_t status)
{
	if (status == PINTLE_OK && op_needs_account(call->purpose))
		bind_complete(call);
	else if (status == PINTLE_OK)
		sign_in(call);
	else if (status == PINTLE_MORE)
		answer_more(call);
	else
		op_fail(call, status);
	op_finish(call);
}

/* What is wrong with the request itself must not spend the proof it carries. */
static bool may_go_on(struct pintle_call *call)
{
	struct request *request = call->request;
	struct device device;

	if (call->purpose == PINTLE_RESET || call->purpose == PINTLE_MFA)
		answer_invalid(request, "purpose", "not_allowed");
	if (op_needs_account(call->purpose))
		linking_check_fields(request);
	return !request->answer.fields && op_may_have_purpose(request, call->purpose) &&
	       device_read(request, &device);
}

/* A way for who is signed in stays one, whatever purpose is named: what proves somebody there may say so
 * of a new account, too. */
static bool read_purpose(struct request *request, int32_t *purpose)
{
	bool is_for_account = op_needs_account(*purpose);

	if (!op_read_purpose(request, purpose))
		return false;
	if (!is_for_account || op_needs_account(*purpose))
		return true;
	answer_invalid(request, "purpose", "not_allowed");
	return false;
}

void verify_run(struct request *request, pintle_op *op, const char *name, int32_t purpose)
{
	struct pintle_call *call;
	int32_t status;

	if (!op) {
		op_refuse(request);
		return;
	}
	if (!read_purpose(request, &purpose)) {
		dispatch_finish(request);
		return;
	}
	call = op_call(request, name, purpose);
	status = proof_find_flow(call);
	if ((status == PINTLE_OK || status == PINTLE_NOT_FOUND) && !may_go_on(call)) {
		dispatch_finish(request);
		return;
	}
	if (status == PINTLE_OK)
		status = proof_admit(call);
	if (status == PINTLE_OK || status == PINTLE_NOT_FOUND) {
		call_run(call, op, proved);
		return;
	}
	if (status == PINTLE_PENDING) {
		flow_poll(call->host, &call->flow);
		answer_waiting(call);
	} else
		op_fail(call, status);
	dispatch_finish(request);
}

static void op_ended(struct pintle_call *call, int32_t status)
{
	bool is_proof = call->outcome.subject || call->outcome.account_id != 0;

	if (status == PINTLE_OK)
		status = is_proof ? proof_consume(call) : proof_forget(call);
	if (status == PINTLE_OK)
		status = waiting_store(call);
	if (status != PINTLE_OK)
		op_fail(call, status);
	else if (is_proof)
		signin_complete(call);
	else
		op_answer_fine(call);
	op_finish(call);
}

void verify_run_own(struct request *request, pintle_op *op, int32_t purpose)
{
	struct device device;

	if (device_read(request, &device))
		call_run(op_call(request, "op", purpose), op, op_ended);
	else
		dispatch_finish(request);
}
