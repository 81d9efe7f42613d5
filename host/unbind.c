/* SPDX-License-Identifier: Apache-2.0 */
#include "unbind.h"

#include "account.h"
#include "account_rows.h"
#include "audit.h"
#include "call.h"
#include "column.h"
#include "event.h"
#include "host.h"
#include "identifier.h"
#include "namespace.h"
#include "op.h"
#include "transact.h"

#include <pintle/plugin.h>

struct bound_identity {
	const char *ns, *subject;
	struct bound_identity *next;
};

struct bound {
	struct pintle_call *call;
	const char *wanted_id, *wanted; /* as identities are listed, and subject; NULL: whichever */
	struct bound_identity *found;
	size_t n_found;
};

static bool is_whole(const struct pintle_call *call)
{
	return (call->inst->plugin->provider.flags & PINTLE_WHOLE) != 0;
}

/* What is one thing was perhaps bound by another section, or by this one when it was another app. */
static bool is_taken_by(const struct pintle_call *call, const char *ns)
{
	return is_whole(call) ? namespace_is_declared(call->inst, ns)
			      : namespace_belongs(call->inst, ns);
}

/* Columns: namespace, subject, id. Two masked subjects may look the same, ids do not. */
static bool is_wanted(const struct bound *bound, const struct pintle_value *cols)
{
	char masked[IDENTIFIER_MAX], id[ACCOUNT_IDENTITY_ID_MAX];

	account_identity_id(column_int(&cols[2]), id);
	if (bound->wanted_id && strcmp(bound->wanted_id, id) != 0)
		return false;
	mask_subject(cols[0].ptr, cols[1].ptr, masked);
	return !bound->wanted || strcmp(bound->wanted, cols[1].ptr) == 0 ||
	       strcmp(bound->wanted, masked) == 0;
}

static int32_t note_bound(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct bound *bound = ctx;
	struct bound_identity *identity;

	(void)n_cols;
	if (!is_taken_by(bound->call, cols[0].ptr) || !is_wanted(bound, cols))
		return PINTLE_OK;
	identity = arena_alloc(&bound->call->arena, sizeof(*identity));
	identity->ns = arena_strdup(&bound->call->arena, cols[0].ptr);
	identity->subject = arena_strdup(&bound->call->arena, cols[1].ptr);
	identity->next = bound->found;
	bound->found = identity;
	bound->n_found++;
	return PINTLE_OK;
}

/* Again with each try: a sign-in may have joined one meanwhile, or another unbind taken one. */
static int32_t find_bound(struct tx *tx, struct bound *bound)
{
	int32_t status;

	bound->found = NULL;
	bound->n_found = 0;
	status = db_each(tx, "SELECT namespace, subject, id FROM user_identities WHERE user_id = ?",
			 DB_PARAMS(db_int(bound->call->request->who.session.subject_id)),
			 note_bound, bound);
	return status == PINTLE_OK && bound->n_found == 0 ? PINTLE_NOT_FOUND : status;
}

static bool is_unclear(const struct bound *bound)
{
	return bound->n_found > 1 && !is_whole(bound->call);
}

/* One after the other: the last of them finds out whether a way in is left without them all. */
static int32_t unlink_found(struct tx *tx, const struct bound *bound, struct audit_entry *entry)
{
	const struct way_in *usable = namespace_ways_in(&bound->call->host->instances);
	int32_t status = PINTLE_OK;

	for (const struct bound_identity *found = bound->found; status == PINTLE_OK && found;
	     found = found->next) {
		entry->target = found->ns;
		status = account_unlink(tx, entry->actor_id, found->ns, found->subject, usable);
		if (status == PINTLE_OK)
			status = audit_write(tx, entry);
	}
	return status;
}

/* The lock comes first: who joins another identity waits for it, and finds what led here taken away. */
static int32_t remove_identity(struct tx *tx, void *ctx)
{
	struct bound *bound = ctx;
	struct pintle_call *call = bound->call;
	struct audit_entry entry = { .actor_kind = "user",
				     .actor_id = call->request->who.session.subject_id,
				     .action = "unbind",
				     .result = "success",
				     .ip = call->request->client_text,
				     .request_id = call->request->id };
	int32_t status = account_lock(tx, entry.actor_id);

	if (status == PINTLE_OK)
		status = find_bound(tx, bound);
	if (status == PINTLE_OK && is_unclear(bound))
		return PINTLE_INVALID;
	if (status == PINTLE_OK)
		status = unlink_found(tx, bound, &entry);
	return status == PINTLE_OK ? call_record(call, entry.actor_id, false) : status;
}

static void answer_unbound(struct pintle_call *call)
{
	json_t *data = json_pack("{s:s, s:O}", "status", "unbound", "details", call->outcome.data);

	(void)json_object_update_missing(data, call->outcome.data);
	answer_ok(call->request, data);
	event_tell(call->host, "unbind",
		   json_pack("{s:s, s:s}", "user_id", call->request->who.session.uuid, "provider",
			     call->inst->name));
}

static void finish_unbind(struct pintle_call *call, struct bound *bound)
{
	int32_t status = transact(&call->tx, remove_identity, bound);

	if (status == PINTLE_CONFLICT)
		answer_error(call->request, "last_login_method");
	else if (status == PINTLE_INVALID && is_unclear(bound))
		answer_invalid(call->request, "subject", "required");
	else if (status != PINTLE_OK)
		answer_status(call->request, status);
	else
		answer_unbound(call);
}

static void unbound(struct pintle_call *call, int32_t status)
{
	struct bound bound = { .call = call };

	if (!is_whole(call)) {
		bound.wanted_id = request_field(call->request, "id");
		bound.wanted = request_field(call->request, "subject");
	}
	if (status != PINTLE_OK)
		op_answer(call, status);
	else if (call->request->answer.status == 0) /* else a field is no text */
		finish_unbind(call, &bound);
	op_finish(call);
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
