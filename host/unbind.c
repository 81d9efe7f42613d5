/* SPDX-License-Identifier: Apache-2.0 */
#include "unbind.h"

#include "account.h"
#include "audit.h"
#include "call.h"
#include "dispatch.h"
#include "event.h"
#include "host.h"
#include "identifier.h"
#include "op.h"
#include "transact.h"

#include <pintle/plugin.h>

struct bound {
	struct pintle_call *call;
	const char *wanted; /* subject, or NULL for the only one */
	const char *ns, *subject;
	size_t n_found;
};

static int32_t note_bound(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct bound *bound = ctx;
	char masked[IDENTIFIER_MAX];

	(void)n_cols;
	if (!instance_owns_namespace(bound->call->inst, cols[0].ptr))
		return PINTLE_OK;
	mask_subject(cols[0].ptr, cols[1].ptr, masked);
	if (bound->wanted && strcmp(bound->wanted, cols[1].ptr) != 0 &&
	    strcmp(bound->wanted, masked) != 0)
		return PINTLE_OK;
	bound->ns = arena_strdup(&bound->call->arena, cols[0].ptr);
	bound->subject = arena_strdup(&bound->call->arena, cols[1].ptr);
	bound->n_found++;
	return PINTLE_OK;
}

static int32_t remove_identity(struct tx *tx, void *ctx)
{
	const struct bound *bound = ctx;
	struct pintle_call *call = bound->call;
	struct audit_entry entry = { .actor_kind = "user",
				     .actor_id = call->request->who.session.subject_id,
				     .action = "unbind",
				     .result = "success",
				     .ip = call->request->client_text,
				     .request_id = call->request->id };
	int32_t status;

	entry.target = bound->ns;
	status = account_unlink(tx, entry.actor_id, bound->ns, bound->subject,
				instances_namespaces(&call->host->instances));
	return status == PINTLE_OK ? audit_write(tx, &entry) : status;
}

static void finish_unbind(struct pintle_call *call, struct bound *bound)
{
	int32_t status = transact(&call->tx, remove_identity, bound);

	if (status == PINTLE_CONFLICT)
		answer_error(call->request, "last_login_method");
	else if (status != PINTLE_OK)
		answer_status(call->request, status);
	else
		answer_ok(call->request, json_pack("{s:s, s:O}", "status", "unbound", "details",
						   call->outcome.data));
	if (status == PINTLE_OK)
		event_tell(call->host, "unbind",
			   json_pack("{s:s, s:s}", "user_id", call->request->who.session.uuid,
				     "provider", call->inst->name));
}

static int32_t find_bound(struct pintle_call *call, struct bound *bound)
{
	int32_t status = db_each(
		&call->tx, "SELECT namespace, subject FROM user_identities WHERE user_id = ?",
		DB_PARAMS(db_int(call->request->who.session.subject_id)), note_bound, bound);

	return status == PINTLE_OK && bound->n_found == 0 ? PINTLE_NOT_FOUND : status;
}

static void unbound(struct pintle_call *call, int32_t status)
{
	struct bound bound = { .call = call, .wanted = request_field(call->request, "subject") };

	if (status == PINTLE_OK)
		status = find_bound(call, &bound);
	if (status != PINTLE_OK)
		op_answer(call, status);
	else if (bound.n_found > 1)
		answer_invalid(call->request, "subject", "required");
	else
		finish_unbind(call, &bound);
	dispatch_finish(call->request);
}

void unbind_run(struct request *request)
{
	const struct pintle_provider *provider = &request->inst->plugin->provider;
	struct pintle_call *call = op_call(request, "unbind", PINTLE_BIND);

	if (provider->unbind)
		call_run(call, provider->unbind, unbound);
	else
		unbound(call, PINTLE_OK);
}
