/* SPDX-License-Identifier: Apache-2.0 */
#include "bind.h"

#include "account.h"
#include "event.h"
#include "host.h"
#include "linking.h"
#include "namespace.h"
#include "op.h"
#include "proof.h"
#include "proved.h"
#include "request.h"
#include "transact.h"

#include <string.h>

struct change {
	struct pintle_call *call;
	struct linking *linking;
	const char *action;
};

static int32_t replace_identity(struct pintle_call *call, int64_t account_id)
{
	struct pintle_identity identity = proved_at(call, 0);

	return account_replace(&call->tx, account_id, &identity, call->inst->name);
}

static int32_t change_account(struct tx *tx, void *ctx)
{
	const struct change *change = ctx;
	int64_t account_id = change->call->request->who.session.subject_id;
	int32_t status = linking_take(change->call, change->linking);

	(void)tx;
	if (status == PINTLE_OK)
		status = change->linking->step(change->call, account_id);
	if (status == PINTLE_OK)
		status = call_record(change->call, account_id, true);
	if (status == PINTLE_OK)
		status = op_audit(change->call, account_id, change->action,
				  change->call->outcome.ns, NULL);
	return status == PINTLE_OK ? call_gate(change->call) : status;
}

/* What follows from the commit. An account that has gone may have had any number of sessions. */
static int32_t publish(const struct change *change)
{
	struct pintle_call *call = change->call;
	const struct host *host = call->host;
	struct kv_list list = { .arena = &call->arena };
	int32_t status =
		session_bury(&host->kv, host->settings, &change->linking->ended, call->deadline_ms);

	proof_put_start_over(call, &list);
	return status == PINTLE_OK ? kv_do_list(&host->kv, &list, call->deadline_ms) : status;
}

static int32_t alter(struct change *change)
{
	struct pintle_call *call = change->call;
	int32_t status;

	/* A bind that named the account itself has changed it already. */
	if (!call->outcome.subject)
		return call->outcome.account_id == call->request->who.session.subject_id
			       ? PINTLE_OK
			       : PINTLE_CONFLICT;
	status = transact(&call->tx, change_account, change);
	call->has_changed |= status == PINTLE_OK;
	return status;
}

/* ---- The answer ---- */

static void answer_identities(struct pintle_call *call)
{
	struct request *request = call->request;
	struct tx tx = request_tx(request);
	json_t *identities = NULL, *data;
	int32_t status =
		account_identities(&tx, request->who.session.subject_id,
				   namespace_ways_in(&request->host->instances), &identities);

	if (status != PINTLE_OK) {
		answer_status(request, status);
		return;
	}
	data = json_pack("{s:o}", "identities", identities);
	json_object_update_missing(data, call->outcome.data);
	answer_ok(request, data);
}

static void tell(const struct change *change)
{
	const struct pintle_call *call = change->call;
	bool is_proof_only = !call->outcome.subject && strcmp(call->op, "verify") == 0;

	if (is_proof_only)
		return; /* of who one is already: nothing has changed */
	event_tell(call->host, change->action,
		   json_pack("{s:s, s:s}", "user_id", call->request->who.session.uuid, "provider",
			     call->inst->name));
	linking_tell(call, change->linking);
}

static void finish(struct change *change)
{
	struct request *request = change->call->request;
	int32_t status = alter(change);

	if (status == PINTLE_CONFLICT) {
		answer_error(request, change->linking->refusal ? change->linking->refusal
							       : "identity_taken");
		return;
	}
	if (status == PINTLE_OK) {
		status = publish(change);
		tell(change); /* whatever became of that: it is committed */
	}
	if (status == PINTLE_OK)
		answer_identities(change->call);
	else
		answer_status(request, status);
}

void bind_complete(struct pintle_call *call)
{
	bool is_change = call->purpose == PINTLE_CHANGE;
	struct linking linking;
	struct change change = { call, &linking, is_change ? "change" : "bind" };
	int32_t status;

	/* The others the account was known by would stay, and with them the way in of who was proved before. */
	if (is_change && proved_count(call) > 1) {
		answer_status(call->request, PINTLE_FORBIDDEN);
		return;
	}
	if (!linking_admit(call, &linking, is_change ? replace_identity : proved_link))
		return;
	status = proof_consume(call);
	if (status == PINTLE_OK)
		finish(&change);
	else
		op_fail(call, status);
}
