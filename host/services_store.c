/* SPDX-License-Identifier: Apache-2.0 */
/* Services on what is stored: SQL, key and value, accounts and their sessions. */
#include "account.h"
#include "audit.h"
#include "call.h"
#include "clock.h"
#include "event.h"
#include "host.h"
#include "namespace.h"
#include "newcomer.h"
#include "request.h"
#include "services.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

/* ---- SQL ---- */

static int32_t begin(struct pintle_call *call)
{
	int32_t status = call_gate(call);

	if (status == PINTLE_OK)
		status = db_is_inside() || call->tx.open ? PINTLE_INTERNAL : db_begin(&call->tx);
	if (status == PINTLE_OK)
		atomic_store(&call->is_inside, true);
	return status;
}

/* Past the deadline the client has been told so: the work is undone. */
static int32_t commit(struct pintle_call *call)
{
	int32_t gate = call_gate(call);

	if (!call->tx.open || call->is_recording || !db_is_inside())
		return PINTLE_INTERNAL;
	atomic_store(&call->is_inside, false);
	if (gate != PINTLE_OK) {
		db_rollback(&call->tx);
		return gate;
	}
	gate = db_commit(&call->tx);
	call->has_changed |= gate == PINTLE_OK;
	return gate;
}

static void rollback(struct pintle_call *call)
{
	if (call->is_recording || !db_is_inside())
		return;
	db_rollback(&call->tx);
	atomic_store(&call->is_inside, false);
}

static int32_t query(struct pintle_call *call, const struct pintle_query *given)
{
	struct pintle_query mine = { 0 };
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	memcpy(&mine, given, given->size < sizeof(mine) ? given->size : sizeof(mine));
	mine.size = sizeof(mine);
	mine.timeout_ms = db_step_ms(&call->tx);
	return call->tx.db->ops->query(call->tx.db->self, call->tx.open, &mine);
}

/* ---- Key and value ---- */

static const void *own_key(struct pintle_call *call, const void *key, size_t len, size_t *len_out)
{
	size_t prefix = strlen(call->inst->name) + 3;
	char *own;

	if (!key || prefix + len > PINTLE_KV_KEY_MAX)
		return NULL;
	own = arena_alloc(&call->arena, prefix + len + 1);
	(void)sprintf(own, "i:%s:", call->inst->name);
	memcpy(own + prefix, key, len);
	*len_out = prefix + len;
	return own;
}

static bool own_limits(struct pintle_call *call, struct pintle_kv_request *request)
{
	struct pintle_kv_limit *limits;

	if (request->n_limits > 16)
		return false;
	limits = arena_alloc(&call->arena, request->n_limits * sizeof(*limits));
	for (size_t i = 0; i < request->n_limits; i++) {
		limits[i] = request->limits[i];
		limits[i].key = own_key(call, limits[i].key, limits[i].key_len, &limits[i].key_len);
		if (!limits[i].key)
			return false;
	}
	request->limits = limits;
	return true;
}

static int32_t key_value(struct pintle_call *call, const struct pintle_kv_request *given,
			 struct pintle_kv_answer *out)
{
	struct pintle_kv_request mine = { 0 };
	struct kv_result result = { 0 };
	int32_t status = call_gate(call);

	if (status != PINTLE_OK)
		return status;
	if (call->tx.open)
		return PINTLE_INTERNAL;
	memcpy(&mine, given, given->size < sizeof(mine) ? given->size : sizeof(mine));
	mine.size = sizeof(mine);
	if (mine.op == PINTLE_KV_LIMIT
		    ? !own_limits(call, &mine)
		    : !(mine.key = own_key(call, mine.key, mine.key_len, &mine.key_len)))
		return PINTLE_INTERNAL;
	status = kv_do(&call->host->kv, &mine, call->deadline_ms, &call->arena, &result);
	if (out) {
		out->status = status;
		out->value = result.value;
		out->value_len = result.value_len;
		out->number = result.number;
		out->ttl_ms = result.ttl_ms;
	}
	return status;
}

/* ---- Accounts ---- */

static void lend_account(const struct account *account, struct pintle_account *out)
{
	out->status = account->status;
	out->id = account->id;
	(void)snprintf(out->uuid, sizeof(out->uuid), "%s", account->uuid);
}

static int32_t find(struct pintle_call *call, const struct pintle_identity *identity,
		    struct pintle_account *out)
{
	struct account account;
	int32_t status = call_gate(call);

	if (status == PINTLE_OK)
		status = account_find(&call->tx, identity->ns, identity->subject,
				      identity->is_verified != 0, &account);
	if (status == PINTLE_OK)
		lend_account(&account, out);
	return status;
}

static int32_t create(struct pintle_call *call, const struct pintle_identity *identity,
		      struct pintle_account *out)
{
	struct account account;
	int32_t status = call_gate(call);

	if (status == PINTLE_OK)
		status = newcomer_create(call, identity, &account);
	if (status == PINTLE_OK)
		lend_account(&account, out);
	return status;
}

static int32_t link_identity(struct pintle_call *call, int64_t account_id,
			     const struct pintle_identity *identity)
{
	int32_t gate = call_gate(call);

	return gate != PINTLE_OK ? gate
				 : account_link(&call->tx, account_id, identity, call->inst->name,
						newcomer_claims(call));
}

static int32_t unlink_identity(struct pintle_call *call, int64_t account_id, const char *ns,
			       const char *subject)
{
	int32_t gate = call_gate(call);

	return gate != PINTLE_OK ? gate
				 : account_unlink(&call->tx, account_id, ns, subject,
						  namespace_ways_in(&call->host->instances));
}

static int32_t revoke_sessions(struct pintle_call *call, int64_t account_id, int32_t keep_own,
			       const char *reason)
{
	const struct who *who = call->request ? &call->request->who : NULL;
	const char *except = keep_own && who && who->is_known ? who->session.id : NULL;
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (call->tx.open)
		return PINTLE_INTERNAL;
	return session_revoke_all(&call->host->kv, &call->tx, call->host->settings, &call->arena,
				  "user", account_id, except, reason, NULL);
}

static int32_t set_status(struct pintle_call *call, int64_t account_id, int32_t status)
{
	int32_t result = call_gate(call);

	if (result == PINTLE_OK)
		result = account_set_status(&call->tx, account_id, status);
	return result;
}

static int32_t write_audit(struct pintle_call *call, const char *action, const char *target,
			   const char *details)
{
	const struct request *request = call->request;
	struct audit_entry entry = {
		.actor_kind =
			request && request->who.is_known ? request->who.session.realm : "system",
		.actor_id = request && request->who.is_known ? request->who.session.subject_id : 0,
		.action = action,
		.target = target,
		.result = "success",
		.ip = request ? request->client_text : NULL,
		.request_id = request ? request->id : NULL,
		.details = details,
	};
	int32_t gate = call_gate(call);

	return gate == PINTLE_OK ? audit_write(&call->tx, &entry) : gate;
}

static int32_t publish(struct pintle_call *call, const char *event, const char *json)
{
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	return call->tx.open ? PINTLE_INTERNAL : event_publish(call->host, event, json);
}

void services_fill_store(struct pintle_host *table)
{
	table->db_begin = begin;
	table->db_commit = commit;
	table->db_rollback = rollback;
	table->db_query = query;
	table->kv = key_value;
	table->account_find = find;
	table->account_create = create;
	table->link = link_identity;
	table->unlink = unlink_identity;
	table->account_set_status = set_status;
	table->revoke_sessions = revoke_sessions;
	table->audit = write_audit;
	table->publish = publish;
}
