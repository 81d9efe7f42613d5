/* SPDX-License-Identifier: Apache-2.0 */
#include "linking.h"

#include "account_rows.h"
#include "clock.h"
#include "event.h"
#include "host.h"
#include "json.h"
#include "namespace.h"
#include "op.h"
#include "proof.h"
#include "proved.h"
#include "request.h"
#include "transact.h"

#include <stdio.h>
#include <string.h>

#define REALM "user"

/* What was proved, as a list. */
struct proofs {
	struct pintle_identity items[1 + CALL_OTHERS_MAX];
	size_t n_items;
};

static struct proofs proofs_of(const struct pintle_call *call)
{
	struct proofs proofs = { .n_items = proved_count(call) };

	for (size_t i = 0; i < proofs.n_items; i++)
		proofs.items[i] = proved_at(call, i);
	return proofs;
}

static int64_t own_id(const struct pintle_call *call)
{
	return call->request->who.session.subject_id;
}

static int32_t weigh_rest(struct pintle_call *call, const struct linking *linking,
			  const struct proofs *away, enum account_rest *rest)
{
	return account_weigh_rest(&call->tx, linking->other.id, away->items, away->n_items,
				  namespace_ways_in(&call->host->instances), rest);
}

/* What names an account may lead to it again tomorrow, when its section is back: such an account does not
 * go, and so keeps the way in it has. */
static bool may_leave(const struct linking *linking, enum account_rest rest)
{
	return rest == ACCOUNT_REACHABLE || (rest == ACCOUNT_EMPTY && linking->may_close);
}

/* ---- Taking it ---- */

/* In the order of their numbers, as everybody who locks two. */
static int32_t lock_both(struct pintle_call *call, const struct linking *linking)
{
	int64_t own = own_id(call), other = linking->other.id;
	int32_t status = account_lock(&call->tx, own < other ? own : other);

	return status == PINTLE_OK ? account_lock(&call->tx, own < other ? other : own) : status;
}

/* Both accounts have it in their history. */
static int32_t audit_move(struct pintle_call *call, const struct linking *linking, const char *ns)
{
	const char *details = arena_printf(&call->arena, "{\"from\":%lld,\"to\":%lld}",
					   (long long)linking->other.id, (long long)own_id(call));
	int32_t status = op_audit(call, linking->other.id, "identity.move", ns, details);

	return status == PINTLE_OK ? op_audit(call, own_id(call), "identity.move", ns, details)
				   : status;
}

static int32_t take_one(struct pintle_call *call, struct linking *linking,
			const struct pintle_identity *identity)
{
	int32_t status = account_release(&call->tx, linking->other.id, identity);

	if (status == PINTLE_NOT_FOUND)
		return PINTLE_OK;
	linking->has_moved |= status == PINTLE_OK;
	return status == PINTLE_OK ? audit_move(call, linking, identity->ns) : status;
}

static int32_t take_all(struct pintle_call *call, struct linking *linking)
{
	struct proofs proofs = proofs_of(call);
	int32_t status = PINTLE_OK;

	linking->has_moved = false;
	for (size_t i = 0; status == PINTLE_OK && i < proofs.n_items; i++)
		status = take_one(call, linking, &proofs.items[i]);
	return status;
}

/* ---- Whether the asker could have it ---- */

struct trial {
	struct pintle_call *call;
	struct linking *linking;
};

/* Never OK, so that all of it is undone. */
static int32_t try_step(struct tx *tx, void *ctx)
{
	const struct trial *trial = ctx;
	struct pintle_call *call = trial->call;
	int32_t status = lock_both(call, trial->linking);

	(void)tx;
	if (status == PINTLE_OK)
		status = take_all(call, trial->linking);
	if (status == PINTLE_OK)
		status = trial->linking->step(call, own_id(call));
	if (status == PINTLE_OK)
		status = call_record(call, own_id(call), true);
	return status == PINTLE_OK ? PINTLE_MORE : status;
}

/* A provider may take no second one of its kind: who would be told so after signing in to the other account,
 * and giving it up, is told before. CONFLICT. */
static int32_t try_it(struct pintle_call *call, struct linking *linking)
{
	struct trial trial = { call, linking };
	int32_t status = transact(&call->tx, try_step, &trial);

	/* One of both is gone by now: its session says so. */
	return status == PINTLE_MORE || status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}

/* ---- Before the proof is consumed ---- */

struct verdict {
	const char *refusal; /* error name; NULL: it may go on */
	json_t *offer;       /* owned until it is answered; or NULL */
	bool ends_flow;      /* nothing can be done with it */
};

void linking_check_fields(struct request *request)
{
	const json_t *given = json_object_get(request->fields, "close_other");

	(void)request_field(request, "other_token");
	if (given && !json_is_null(given) && !json_is_boolean(given))
		answer_invalid(request, "close_other", "format");
}

/* Two others cannot be proved by one session: *is_one is false then. */
static int32_t find_other(struct pintle_call *call, struct linking *linking, bool *is_one)
{
	struct proofs proofs = proofs_of(call);

	*is_one = true;
	for (size_t i = 0; i < proofs.n_items; i++) {
		const struct pintle_identity *identity = &proofs.items[i];
		struct account owner = { 0 };
		int32_t status =
			account_find(&call->tx, identity->ns, identity->subject, true, &owner);

		if (status != PINTLE_OK && status != PINTLE_NOT_FOUND)
			return status;
		if (owner.id == 0 || owner.id == own_id(call))
			continue;
		*is_one = *is_one && (linking->other.id == 0 || linking->other.id == owner.id);
		linking->other = owner;
	}
	return PINTLE_OK;
}

/* The session of a token: DENIED when it is none, or has ended. */
static int32_t load_shown(struct pintle_call *call, const char *token, struct session *out)
{
	const struct host *host = call->host;
	struct token_claims claims;
	int32_t status;

	if (!token_verify(host->keyring, &host->token, token, strlen(token), TOKEN_ACCESS, &claims))
		return PINTLE_DENIED;
	status = session_load(&host->kv, &call->tx, &call->arena, claims.sid, out);
	if (PINTLE_IS_FAULT(status))
		return status;
	if (status != PINTLE_OK || strcmp(out->uuid, claims.sub) != 0)
		return PINTLE_DENIED;
	return session_check(out, clock_now_ms());
}

/* Only a session that is younger than the flow says that the asker can sign in there now: an older token
 * may have been found. */
static int32_t check_shown(struct pintle_call *call, const char *token, struct linking *linking)
{
	struct session shown;
	int32_t status = load_shown(call, token, &shown);

	if (status != PINTLE_OK)
		return status;
	(void)snprintf(linking->session, sizeof(linking->session), "%s", shown.id);
	return strcmp(shown.realm, REALM) == 0 && shown.subject_id == linking->other.id &&
			       shown.created_ms > call->flow.created_ms
		       ? PINTLE_OK
		       : PINTLE_DENIED;
}

static json_t *offer_of(const struct pintle_call *call, bool closes)
{
	int64_t left_ms = call->flow.expires_ms - clock_now_ms();

	return json_pack("{s:{s:s, s:I, s:b}}", "link", "flow_id", call->flow.id, "expires_in",
			 (json_int_t)(left_ms > 0 ? left_ms / 1000 : 0), "closes_account",
			 (int)closes);
}

/* What nobody can have, whatever they show. */
static int32_t judge_move(struct pintle_call *call, struct linking *linking, enum account_rest rest,
			  struct verdict *verdict)
{
	int32_t status = PINTLE_OK;

	if (rest == ACCOUNT_DORMANT)
		verdict->refusal = "last_login_method";
	else
		status = try_it(call, linking);
	if (status == PINTLE_CONFLICT)
		verdict->refusal = "identity_taken";
	return status == PINTLE_CONFLICT ? PINTLE_OK : status;
}

static int32_t judge_token(struct pintle_call *call, struct linking *linking, const char *token,
			   enum account_rest rest, struct verdict *verdict)
{
	int32_t status = check_shown(call, token, linking);

	if (status == PINTLE_DENIED)
		verdict->refusal = "other_not_proved";
	else if (status == PINTLE_OK && !may_leave(linking, rest))
		verdict->refusal = "last_login_method";
	return status == PINTLE_DENIED ? PINTLE_OK : status;
}

static int32_t judge_other(struct pintle_call *call, struct linking *linking, const char *token,
			   struct verdict *verdict)
{
	struct proofs proofs = proofs_of(call);
	enum account_rest rest;
	int32_t status = weigh_rest(call, linking, &proofs, &rest);

	if (status == PINTLE_OK)
		status = judge_move(call, linking, rest, verdict);
	if (status != PINTLE_OK || verdict->refusal)
		return status;
	if (token)
		return judge_token(call, linking, token, rest, verdict);
	*verdict =
		(struct verdict){ "identity_taken", offer_of(call, rest == ACCOUNT_EMPTY), false };
	return PINTLE_OK;
}

static int32_t judge(struct pintle_call *call, struct linking *linking, const char *token,
		     struct verdict *verdict)
{
	bool is_one;
	int32_t status = find_other(call, linking, &is_one);

	if (status != PINTLE_OK || linking->other.id == 0)
		return status;
	/* Without a flow nothing is younger than it. */
	if (is_one && call->has_flow && linking->other.status == PINTLE_ACTIVE)
		return judge_other(call, linking, token, verdict);
	*verdict = (struct verdict){ "identity_taken", NULL, true };
	return PINTLE_OK;
}

static void refuse(struct pintle_call *call, struct verdict *verdict)
{
	int32_t status = verdict->ends_flow ? proof_consume(call) : proof_leave(call);

	if (status == PINTLE_OK) {
		answer_refusal(call->request, verdict->refusal, verdict->offer);
		return;
	}
	json_decref(verdict->offer);
	op_fail(call, status);
}

bool linking_admit(struct pintle_call *call, struct linking *linking, linking_step *step)
{
	struct request *request = call->request;
	const char *token = request_field(request, "other_token");
	struct verdict verdict = { 0 };
	int32_t status;

	*linking = (struct linking){
		.step = step,
		.may_close = json_is_true(json_object_get(request->fields, "close_other")),
	};
	status = judge(call, linking, token, &verdict);
	if (status != PINTLE_OK && call->has_flow)
		(void)proof_leave(call); /* its upstream may take it only once */
	if (status != PINTLE_OK)
		answer_status(request, status);
	else if (verdict.refusal)
		refuse(call, &verdict);
	return status == PINTLE_OK && !verdict.refusal;
}

/* ---- In the transaction ---- */

static int32_t give_up(struct linking *linking, const char *error)
{
	linking->refusal = error;
	return PINTLE_CONFLICT;
}

/* Who ends all sessions of an account waits for its lock: what is read here holds until the commit. */
static int32_t check_lives(struct pintle_call *call, const char *session, int64_t account_id)
{
	return db_first(&call->tx,
			"SELECT 1 FROM user_sessions s JOIN users u ON u.id = s.subject_id"
			" WHERE s.session_id = ? AND s.realm = '" REALM "' AND s.subject_id = ?"
			" AND s.status = 'active' AND u.status = 'active'",
			DB_PARAMS(db_text(session), db_int(account_id)), NULL, NULL);
}

static int32_t check_both_live(struct pintle_call *call, struct linking *linking)
{
	int32_t status = check_lives(call, call->request->who.session.id, own_id(call));

	if (status == PINTLE_NOT_FOUND)
		return give_up(linking, "invalid_token");
	if (status == PINTLE_OK)
		status = check_lives(call, linking->session, linking->other.id);
	return status == PINTLE_NOT_FOUND ? give_up(linking, "other_not_proved") : status;
}

static int32_t close_other(struct pintle_call *call, struct linking *linking)
{
	int32_t status = account_set_status(&call->tx, linking->other.id, PINTLE_DELETED);

	linking->is_closed = true;
	if (status == PINTLE_OK)
		status = session_end_all(&call->tx, &call->arena, REALM, linking->other.id,
					 "closed", &linking->ended);
	if (status == PINTLE_OK)
		status = op_audit(call, own_id(call), "user.delete", linking->other.uuid, NULL);
	return status;
}

/* An account that nothing names any more is no account: it goes, or nothing happens. */
static int32_t settle_other(struct pintle_call *call, struct linking *linking)
{
	const struct proofs none = { .n_items = 0 };
	enum account_rest rest;
	int32_t status = weigh_rest(call, linking, &none, &rest);

	if (status != PINTLE_OK || rest == ACCOUNT_REACHABLE)
		return status;
	return may_leave(linking, rest) ? close_other(call, linking)
					: give_up(linking, "last_login_method");
}

int32_t linking_take(struct pintle_call *call, struct linking *linking)
{
	int32_t status;

	linking->refusal = NULL;
	linking->has_moved = linking->is_closed = false;
	linking->ended = (struct session_ids){ 0 };
	if (linking->other.id == 0)
		return PINTLE_OK;
	status = lock_both(call, linking);
	if (status == PINTLE_NOT_FOUND)
		return PINTLE_CONFLICT;
	if (status == PINTLE_OK)
		status = check_both_live(call, linking);
	if (status == PINTLE_OK)
		status = take_all(call, linking);
	return status == PINTLE_OK && linking->has_moved ? settle_other(call, linking) : status;
}

/* ---- After it ---- */

void linking_tell(const struct pintle_call *call, const struct linking *linking)
{
	if (!linking->has_moved)
		return;
	event_tell(call->host, "unbind",
		   json_pack("{s:s, s:s}", "user_id", linking->other.uuid, "provider",
			     call->inst->name));
	if (linking->is_closed)
		event_tell(call->host, "delete",
			   json_pack("{s:s}", "user_id", linking->other.uuid));
}
