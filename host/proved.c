/* SPDX-License-Identifier: Apache-2.0 */
#include "proved.h"

#include "account_rows.h"
#include "audit.h"
#include "host.h"
#include "json.h"
#include "newcomer.h"
#include "request.h"

size_t proved_count(const struct pintle_call *call)
{
	return call->outcome.subject ? 1 + call->outcome.n_others : 0;
}

struct pintle_identity proved_at(const struct pintle_call *call, size_t i)
{
	const struct call_outcome *outcome = &call->outcome;
	struct pintle_identity identity = { .size = sizeof(identity), .is_verified = 1 };

	identity.ns = i == 0 ? outcome->ns : outcome->others[i - 1].ns;
	identity.subject = i == 0 ? outcome->subject : outcome->others[i - 1].subject;
	return identity;
}

int32_t proved_find(struct pintle_call *call, struct account *out)
{
	for (size_t i = 0; i < proved_count(call); i++) {
		struct pintle_identity identity = proved_at(call, i);
		int32_t status = account_find(&call->tx, identity.ns, identity.subject, true, out);

		if (status != PINTLE_NOT_FOUND)
			return status;
	}
	return PINTLE_NOT_FOUND;
}

/* Whether the account would be another one by now: somebody has named one of the identities meanwhile, and
 * the transaction saw it (READ COMMITTED). Then it must be tried again. */
static int32_t find_again(struct pintle_call *call, const struct account *account)
{
	struct account found = { 0 };
	int32_t status;

	if (call->outcome.created_id == account->id)
		return PINTLE_BUSY;
	status = proved_find(call, &found);
	return status == PINTLE_OK && found.id != account->id ? PINTLE_BUSY : status;
}

static int32_t report_collision(struct pintle_call *call, const struct account *account,
				const char *ns, const struct account *owner)
{
	const struct request *request = call->request;
	json_t *details = json_pack("{s:I, s:I}", "signed_in", (json_int_t)account->id, "other",
				    (json_int_t)owner->id);
	struct audit_entry entry = { .actor_kind = "system",
				     .action = "identity.collision",
				     .target = ns,
				     .result = "kept_apart",
				     .ip = request->client_text,
				     .request_id = request->id,
				     .details = json_text(&call->arena, details) };
	int32_t status = find_again(call, account);

	json_decref(details);
	return status == PINTLE_OK ? audit_write(&call->tx, &entry) : status;
}

/* Whether what named the account still does: an unbind may have taken it away, and all that led here. */
static int32_t still_leads(struct pintle_call *call, const struct account *account)
{
	struct account found = { 0 };
	int32_t status;

	if (call->outcome.account_id != 0)
		return PINTLE_OK;
	status = proved_find(call, &found);
	if (status == PINTLE_NOT_FOUND)
		return PINTLE_BUSY;
	return status == PINTLE_OK && found.id != account->id ? PINTLE_BUSY : status;
}

/* The account is locked before one looks again: who finds the identity there by then has nothing to write,
 * which would be a deadlock with others who have read it and wait for the account. */
static int32_t join_one(struct pintle_call *call, const struct account *account,
			const struct pintle_identity *identity, struct account *owner)
{
	int32_t status = account_lock(&call->tx, account->id);

	if (status == PINTLE_OK)
		status = still_leads(call, account);
	if (status == PINTLE_OK)
		status = account_find(&call->tx, identity->ns, identity->subject, true, owner);
	if (status != PINTLE_NOT_FOUND)
		return status;
	owner->id = account->id;
	return account_link(&call->tx, account->id, identity, call->inst->name,
			    newcomer_claims(call));
}

int32_t proved_join(struct pintle_call *call, const struct account *account)
{
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < proved_count(call); i++) {
		struct pintle_identity identity = proved_at(call, i);
		struct account owner = { 0 };

		status = account_find(&call->tx, identity.ns, identity.subject, true, &owner);
		if (status == PINTLE_NOT_FOUND)
			status = join_one(call, account, &identity, &owner);
		if (status == PINTLE_OK && owner.id != account->id)
			status = report_collision(call, account, identity.ns, &owner);
	}
	return status;
}

int32_t proved_link(struct pintle_call *call, int64_t account_id)
{
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < proved_count(call); i++) {
		struct pintle_identity identity = proved_at(call, i);

		status = account_link(&call->tx, account_id, &identity, call->inst->name,
				      newcomer_claims(call));
	}
	return status;
}
