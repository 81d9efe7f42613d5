/* SPDX-License-Identifier: Apache-2.0 */
#include "bind.h"

#include "account.h"
#include "audit.h"
#include "event.h"
#include "host.h"
#include "namespace.h"
#include "proof.h"
#include "proved.h"
#include "request.h"
#include "transact.h"

#include <string.h>

typedef int32_t identity_step(struct pintle_call *call, int64_t account_id);

static int32_t replace_identity(struct pintle_call *call, int64_t account_id)
{
	struct pintle_identity identity = proved_at(call, 0);

	return account_replace(&call->tx, account_id, &identity, call->inst->name);
}

static int32_t audit_step(struct pintle_call *call, const char *action)
{
	const struct request *request = call->request;
	struct audit_entry entry = { .actor_kind = "user",
				     .actor_id = request->who.session.subject_id,
				     .action = action,
				     .target = call->outcome.ns,
				     .result = "success",
				     .ip = request->client_text,
				     .request_id = request->id };

	return audit_write(&call->tx, &entry);
}

struct change {
	struct pintle_call *call;
	identity_step *step;
	const char *action;
};

static int32_t change_account(struct tx *tx, void *ctx)
{
	const struct change *change = ctx;
	int64_t account_id = change->call->request->who.session.subject_id;
	int32_t status = change->step(change->call, account_id);

	(void)tx;
	if (status == PINTLE_OK)
		status = call_record(change->call, account_id, true);
	if (status == PINTLE_OK)
		status = audit_step(change->call, change->action);
	return status == PINTLE_OK ? call_gate(change->call) : status;
}

static void answer_identities(struct pintle_call *call)
{
	struct request *request = call->request;
	json_t *identities = NULL, *data;
	int32_t status = account_identities(&call->tx, request->who.session.subject_id,
					    namespace_ways_in(&call->host->instances), &identities);

	if (status != PINTLE_OK) {
		answer_status(request, status);
		return;
	}
	data = json_pack("{s:o}", "identities", identities);
	json_object_update_missing(data, call->outcome.data);
	answer_ok(request, data);
}

static void alter(struct pintle_call *call, identity_step *step, const char *action)
{
	struct request *request = call->request;
	struct change change = { call, step, action };
	bool is_proof_only = !call->outcome.subject && strcmp(call->op, "verify") == 0;
	int32_t status = PINTLE_OK;

	/* A bind that named the account itself has changed it already. */
	if (call->outcome.subject)
		status = transact(&call->tx, change_account, &change);
	else if (call->outcome.account_id != request->who.session.subject_id)
		status = PINTLE_CONFLICT;
	if (status == PINTLE_OK)
		status = proof_start_over(call);
	if (status == PINTLE_CONFLICT) {
		answer_error(request, "identity_taken");
		return;
	}
	if (status != PINTLE_OK) {
		answer_status(request, status);
		return;
	}
	answer_identities(call);
	if (is_proof_only)
		return; /* of who one is already: nothing has changed */
	event_tell(call->host, action,
		   json_pack("{s:s, s:s}", "user_id", request->who.session.uuid, "provider",
			     call->inst->name));
}

void bind_add(struct pintle_call *call)
{
	alter(call, proved_link, "bind");
}

/* The others the account was known by would stay, and with them the way in of who was proved before. */
void bind_change(struct pintle_call *call)
{
	if (proved_count(call) > 1) {
		answer_status(call->request, PINTLE_FORBIDDEN);
		return;
	}
	alter(call, replace_identity, "change");
}
