/* SPDX-License-Identifier: Apache-2.0 */
/* The services on what is stored: a real SQLite, keys in memory, and the host's own accounts. */
#include "account.h"
#include "clock.h"
#include "report.h"
#include "secrets.h"
#include "side.h"
#include "world.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MS 5000

static const char *const user_types[] = { "personal", "enterprise", NULL };
static const struct account_settings account_settings = { 1, user_types };

static struct tx *tx_of(struct pintle_call *call)
{
	call->tx.db = world_db(call->world);
	call->tx.deadline_ms = clock_mono_ms() + QUERY_MS;
	return &call->tx;
}

static bool is_outside(struct pintle_call *call, const char *service)
{
	if (call->tx.open)
		report_fail("X01", "%s: %s inside a transaction", call->op, service);
	return !call->tx.open;
}

/* Of the first release. */
#define KV_REQUEST_LEAST offsetof(struct pintle_kv_request, flags)

static bool has_size(struct pintle_call *call, const char *what, uint32_t size, size_t least)
{
	if (size >= least)
		return true;
	report_fail("X02", "%s: %s has a size of %u, not %zu", call->op, what, size, least);
	return false;
}

/* ---- SQL ---- */

static int32_t begin(struct pintle_call *call)
{
	int32_t status = service_enter(call, "db_begin");

	if (status == PINTLE_OK && call->tx.open) {
		report_fail("X01", "%s: a transaction inside a transaction", call->op);
		status = PINTLE_INTERNAL;
	}
	return service_leave(status == PINTLE_OK ? db_begin(tx_of(call)) : status);
}

static int32_t commit(struct pintle_call *call)
{
	int32_t status = service_enter(call, "db_commit");

	if (!call->tx.open) {
		report_fail("X01", "%s: db_commit without a transaction", call->op);
		return service_leave(PINTLE_INTERNAL);
	}
	if (status != PINTLE_OK)
		db_rollback(&call->tx);
	return service_leave(status == PINTLE_OK ? db_commit(&call->tx) : status);
}

static void rollback(struct pintle_call *call)
{
	(void)side_enter(SIDE_HOST);
	db_rollback(&call->tx);
	(void)side_enter(SIDE_PLUGIN);
}

/* The plugin's row callback runs on the plugin's side. */
struct caller {
	pintle_row *row;
	void *ctx;
};

static int32_t on_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	const struct caller *caller = ctx;
	int32_t status;

	(void)side_enter(SIDE_PLUGIN);
	status = caller->row(caller->ctx, cols, n_cols);
	(void)side_enter(SIDE_HOST);
	return status;
}

static int32_t query(struct pintle_call *call, const struct pintle_query *given)
{
	int32_t status = service_enter(call, "db_query");
	struct caller caller = { given->row, given->ctx };
	struct pintle_query mine = *given;
	struct tx *tx;

	if (!has_size(call, "a query", given->size, sizeof(mine)))
		return service_leave(PINTLE_INTERNAL);
	if (status != PINTLE_OK)
		return service_leave(status);
	tx = tx_of(call);
	mine.row = given->row ? on_row : NULL;
	mine.ctx = &caller;
	mine.timeout_ms = QUERY_MS;
	return service_leave(tx->db->ops->query(tx->db->self, tx->open, &mine));
}

/* ---- Key and value ---- */

struct waiter {
	struct pintle_call *call;
	struct pintle_kv_answer *out;
	int32_t status;
};

static void keep_answer(void *ctx, const struct pintle_kv_answer *answer)
{
	struct waiter *waiter = ctx;

	waiter->status = answer->status;
	if (!waiter->out)
		return;
	waiter->out->status = answer->status;
	waiter->out->number = answer->number;
	waiter->out->ttl_ms = answer->ttl_ms;
	waiter->out->value_len = answer->value_len;
	waiter->out->value =
		answer->value ? lent_bytes(&waiter->call->lent, answer->value, answer->value_len)
			      : NULL;
}

static int32_t key_value(struct pintle_call *call, const struct pintle_kv_request *request,
			 struct pintle_kv_answer *out)
{
	struct waiter waiter = { call, out, service_enter(call, "kv") };
	struct pintle_kv_request whole = { 0 };

	if (!has_size(call, "a kv request", request->size, KV_REQUEST_LEAST) ||
	    !is_outside(call, "kv"))
		return service_leave(PINTLE_INTERNAL);
	/* As the host does: what a plugin of an older header does not know is zero. */
	memcpy(&whole, request, request->size < sizeof(whole) ? request->size : sizeof(whole));
	whole.size = sizeof(whole);
	if (waiter.status == PINTLE_OK)
		kv_memory_ops.submit(call->world->kv, &whole, keep_answer, &waiter);
	return service_leave(waiter.status);
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
	int32_t status = service_enter(call, "account_find");
	struct account account;

	if (!has_size(call, "an identity", identity->size, sizeof(*identity)))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK)
		status = account_find(tx_of(call), identity->ns, identity->subject,
				      identity->is_verified != 0, &account);
	if (status == PINTLE_OK)
		lend_account(&account, out);
	return service_leave(status);
}

/* An account is known to the case by the name of what it was made of. */
static void remember(struct world *world, const char *name, int64_t id)
{
	char number[32];

	(void)snprintf(number, sizeof(number), "%lld", (long long)id);
	pairs_put(&world->accounts, name, number);
}

static int32_t create(struct pintle_call *call, const struct pintle_identity *identity,
		      struct pintle_account *out)
{
	int32_t status = service_enter(call, "account_create");
	struct account account;

	if (!has_size(call, "an identity", identity->size, sizeof(*identity)))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK)
		status = account_create(tx_of(call), &account_settings, identity, "check", NULL,
					pairs_get(&call->said, "claim.user_type"), &account);
	if (status == PINTLE_OK) {
		remember(call->world, "new", account.id);
		lend_account(&account, out);
	}
	return service_leave(status);
}

static int32_t link_identity(struct pintle_call *call, int64_t account_id,
			     const struct pintle_identity *identity)
{
	int32_t status = service_enter(call, "link");

	if (!has_size(call, "an identity", identity->size, sizeof(*identity)))
		status = PINTLE_INTERNAL;
	return service_leave(
		status == PINTLE_OK ? account_link(tx_of(call), account_id, identity, "check", NULL)
				    : status);
}

static int32_t unlink_identity(struct pintle_call *call, int64_t account_id, const char *ns,
			       const char *subject)
{
	static const struct way_in usable[] = { { "*", "check" }, { 0 } };
	int32_t status = service_enter(call, "unlink");

	return service_leave(status == PINTLE_OK
				     ? account_unlink(tx_of(call), account_id, ns, subject, usable)
				     : status);
}

static int32_t set_status(struct pintle_call *call, int64_t account_id, int32_t account_status)
{
	int32_t status = service_enter(call, "account_set_status");

	return service_leave(status == PINTLE_OK
				     ? account_set_status(tx_of(call), account_id, account_status)
				     : status);
}

static int32_t revoke_sessions(struct pintle_call *call, int64_t account_id, int32_t keep_own,
			       const char *reason)
{
	int32_t status = service_enter(call, "revoke_sessions");

	(void)account_id;
	if (!is_outside(call, "revoke_sessions"))
		return service_leave(PINTLE_INTERNAL);
	if (status == PINTLE_OK && call_text_ok(call, "revoke_sessions", reason))
		call_say(call, "revoked", keep_own ? "others" : "all");
	return service_leave(status);
}

static int32_t publish(struct pintle_call *call, const char *event, const char *json)
{
	int32_t status = service_enter(call, "publish");

	if (!call_text_ok(call, "publish", event) || !call_text_ok(call, "publish", json) ||
	    !is_outside(call, "publish"))
		return service_leave(PINTLE_INTERNAL);
	if (status == PINTLE_OK)
		call_say(call, "event", event);
	return service_leave(status);
}

static int32_t audit(struct pintle_call *call, const char *action, const char *target,
		     const char *details)
{
	int32_t status = service_enter(call, "audit");

	(void)target; /* may be whom it is about */
	if (!call_text_ok(call, "audit", action))
		return service_leave(PINTLE_INTERNAL);
	if (details)
		secrets_look(&call->world->secrets, details, call->op, "audit()");
	if (status == PINTLE_OK)
		call_say(call, "audit", action);
	return service_leave(status);
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
	table->publish = publish;
	table->audit = audit;
}
