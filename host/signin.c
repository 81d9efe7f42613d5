/* SPDX-License-Identifier: Apache-2.0 */
#include "signin.h"

#include "account.h"
#include "audit.h"
#include "clock.h"
#include "cookie.h"
#include "device.h"
#include "event.h"
#include "host.h"
#include "identifier.h"
#include "metrics.h"
#include "newcomer.h"
#include "proof.h"
#include "proved.h"
#include "request.h"
#include "token.h"
#include "transact.h"

#include <pintle/host.h>
#include <stdio.h>
#include <string.h>

struct signin {
	struct pintle_call *call;
	struct request *request;
	struct host *host;
	struct device device;
	struct account account;
	struct session session;
	struct session_ids ended;
	bool is_again; /* the transaction: what was known before it is not true any more */
};

static bool is_newcomer(const struct signin *signin)
{
	return signin->call->outcome.created_id == signin->account.id;
}

/* ---- The account ---- */

static int32_t create_account(struct signin *signin)
{
	struct pintle_call *call = signin->call;
	struct pintle_identity identity = proved_at(call, 0);
	int32_t status;

	if (!signin->host->settings->account.auto_register && call->purpose != PINTLE_REGISTER)
		return PINTLE_NOT_FOUND;
	status = newcomer_create(call, &identity, &signin->account);
	/* An upstream's odd nickname keeps nobody out. */
	return status == PINTLE_INVALID && is_newcomer(signin) ? PINTLE_OK : status;
}

/* Whether the account was looked for by the proved identity already, when its try was counted. */
static bool is_known(const struct signin *signin)
{
	const struct call_outcome *outcome = &signin->call->outcome;

	return !signin->is_again && outcome->counted_account.id != 0 &&
	       strcmp(outcome->sought_ns, outcome->ns) == 0 &&
	       strcmp(outcome->sought, outcome->subject) == 0;
}

/* What is known need not be asked again: account_note_login sees whether it is still true. */
static int32_t find_proved(struct signin *signin)
{
	struct pintle_call *call = signin->call;
	const struct call_outcome *outcome = &call->outcome;

	if (!is_known(signin))
		return proved_find(call, &signin->account);
	signin->account = outcome->counted_account;
	return PINTLE_OK;
}

static int32_t find_account(struct signin *signin)
{
	struct pintle_call *call = signin->call;
	const struct call_outcome *outcome = &call->outcome;
	int32_t status;

	if (outcome->account_id != 0)
		return account_by_id(&call->tx, outcome->account_id, &signin->account);
	call->outcome.created_id = 0; /* of a try that was undone */
	status = find_proved(signin);
	if (status == PINTLE_NOT_FOUND)
		return create_account(signin);
	if (status == PINTLE_OK && call->purpose == PINTLE_REGISTER)
		return PINTLE_CONFLICT;
	return status;
}

/* The proof is as old as its flow: what was sent before the account was signed out everywhere is void. */
static int64_t proof_began_ms(const struct signin *signin)
{
	const struct pintle_call *call = signin->call;

	return call->has_flow ? call->flow.created_ms : call->begun_ms;
}

static int32_t may_sign_in(const struct signin *signin)
{
	const struct account *account = &signin->account;

	switch (account->status) {
	case PINTLE_ACTIVE:
		return account->signed_out_ms > proof_began_ms(signin) ? PINTLE_EXPIRED : PINTLE_OK;
	case PINTLE_FROZEN:
		return PINTLE_FORBIDDEN;
	default:
		return PINTLE_NOT_FOUND;
	}
}

/* ---- The session ---- */

static void fill_session(struct signin *signin)
{
	struct session *session = &signin->session;
	const struct account *account = &signin->account;

	*session = (struct session){ .status = SESSION_ACTIVE, .subject_id = account->id };
	(void)snprintf(session->realm, sizeof(session->realm), "user");
	(void)snprintf(session->uuid, sizeof(session->uuid), "%s", account->uuid);
	(void)snprintf(session->user_type, sizeof(session->user_type), "%s", account->user_type);
	(void)snprintf(session->name, sizeof(session->name), "%s", account->name);
}

static int32_t log_success(struct signin *signin)
{
	const struct call_outcome *outcome = &signin->call->outcome;
	char masked[IDENTIFIER_MAX] = "";
	struct login_attempt attempt = {
		.user_id = signin->account.id,
		.provider = signin->call->inst->name,
		.identifier = masked,
		.result = "success",
		.ip = signin->device.ip,
		.user_agent = signin->device.user_agent,
		.device_id = signin->device.device_id,
		.session_id = signin->session.id,
	};

	if (outcome->target)
		mask_subject(outcome->target_ns, outcome->target, masked);
	else if (outcome->subject)
		mask_subject(outcome->ns, outcome->subject, masked);
	return audit_login(&signin->call->tx, &attempt);
}

static int32_t write_session(struct signin *signin)
{
	struct tx *tx = &signin->call->tx;
	struct pintle_identity proved = proved_at(signin->call, 0);
	const struct login login = { .identity = proved.subject ? &proved : NULL,
				     .ip = signin->device.ip,
				     .began_ms = proof_began_ms(signin),
				     .at_ms = clock_now_ms() };
	int32_t status;

	fill_session(signin);
	/* First, since it locks the account: sign-ins of one account count its sessions in turn. */
	status = account_note_login(tx, signin->account.id, &login);
	if (status == PINTLE_OK)
		status = session_insert(tx, signin->host->settings, &signin->call->arena,
					&signin->device, &signin->session, &signin->ended);
	return status == PINTLE_OK ? log_success(signin) : status;
}

/* Two first sign-ins of one identity meet in CONFLICT: the loser finds the winner's account. */
static int32_t write_all(struct tx *tx, void *ctx)
{
	struct signin *signin = ctx;
	int32_t status = find_account(signin);

	(void)tx;
	if (status == PINTLE_OK)
		status = may_sign_in(signin);
	if (status == PINTLE_OK && proved_count(signin->call) > 1)
		status = proved_join(signin->call, &signin->account);
	if (status == PINTLE_OK)
		status = write_session(signin);
	if (status == PINTLE_OK)
		status = call_record(signin->call, signin->account.id, true);
	if (status == PINTLE_OK)
		status = call_gate(signin->call);
	signin->is_again = true;
	return status == PINTLE_CONFLICT && signin->call->purpose != PINTLE_REGISTER ? PINTLE_BUSY
										     : status;
}

/* What follows from the commit, in one hand-over. */
static int32_t publish(struct signin *signin)
{
	struct pintle_call *call = signin->call;
	struct kv_list list = { .arena = &call->arena };

	session_put_record(&list, &signin->session);
	session_put_tombstones(&list, signin->host->settings, &signin->ended);
	proof_put_forget(call, &list);
	return kv_do_list(&signin->host->kv, &list, call->deadline_ms);
}

/* ---- The answer ---- */

json_t *signin_tokens(struct request *request, const struct session *session, int64_t generation,
		      bool is_new, int32_t *status_out)
{
	const struct host *host = request->host;
	struct token_claims claims = { .kind = TOKEN_ACCESS };
	struct tx tx = request_tx(request);
	char refresh[TOKEN_REFRESH_MAX];
	json_t *user = NULL;
	char *access;

	(void)snprintf(claims.sid, sizeof(claims.sid), "%s", session->id);
	(void)snprintf(claims.sub, sizeof(claims.sub), "%s", session->uuid);
	access = token_issue(host->keyring, &host->token, &request->arena, &claims);
	*status_out = access ? account_brief(&tx, session->subject_id, &user) : PINTLE_INTERNAL;
	if (*status_out != PINTLE_OK)
		return NULL;
	token_refresh_make(host->seal, session->id, generation, refresh);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:o, s:b}", "access_token", access,
			 "refresh_token", refresh, "token_type", "Bearer", "expires_in",
			 (json_int_t)(claims.exp - claims.iat), "refresh_expires_in",
			 (json_int_t)((session->expires_ms - clock_now_ms()) / 1000), "session_id",
			 session->id, "user", user, "is_new_user", (int)is_new);
}

/* For a browser: the cookie is all it needs, and its scripts see no secret. */
static json_t *give_cookie(const struct signin *signin, int32_t *status_out)
{
	const struct session *session = &signin->session;
	struct tx tx = request_tx(signin->request);
	json_t *user = NULL;

	*status_out = account_brief(&tx, session->subject_id, &user);
	if (*status_out != PINTLE_OK)
		return NULL;
	cookie_set(signin->request, session);
	return json_pack("{s:I, s:s, s:o, s:b}", "expires_in",
			 (json_int_t)((session->expires_ms - clock_now_ms()) / 1000), "session_id",
			 session->id, "user", user, "is_new_user", (int)is_newcomer(signin));
}

static void answer_refused(struct request *request, int32_t status)
{
	if (status == PINTLE_FORBIDDEN)
		answer_error(request, "account_frozen");
	else
		answer_status(request, status);
}

static void tell_login(struct signin *signin)
{
	event_tell(signin->host, is_newcomer(signin) ? "register" : "login",
		   json_pack("{s:s, s:s, s:s}", "user_id", signin->account.uuid, "session_id",
			     signin->session.id, "provider", signin->call->inst->name));
}

void signin_complete(struct pintle_call *call)
{
	struct request *request = call->request;
	struct signin signin = { .call = call, .request = request, .host = call->host };
	json_t *data;
	int32_t status;

	if (!device_read(request, &signin.device))
		return;
	status = transact(&call->tx, write_all, &signin);
	call->has_changed |= status == PINTLE_OK;
	if (status == PINTLE_OK)
		status = publish(&signin);
	if (status != PINTLE_OK) {
		answer_refused(request, status);
		return;
	}
	metrics_count(call->host->self, METRIC_LOGINS_OK, 1);
	data = signin.device.keeps_cookie
		       ? give_cookie(&signin, &status)
		       : signin_tokens(request, &signin.session, SESSION_FIRST_GENERATION,
				       is_newcomer(&signin), &status);
	if (!data) {
		answer_status(request, status);
		return;
	}
	json_object_update_missing(data, call->outcome.data);
	answer_ok(request, data);
	tell_login(&signin);
}
