/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and sessions, as the operator of the machine handles them over the control socket. */
#include "api_audit.h"
#include "host.h"
#include "identifier.h"
#include "namespace.h"
#include "request.h"
#include "rng.h"
#include "routes.h"
#include "transact.h"

#include <stdlib.h>

#define REALM "user"

/* ---- Whom a text means ---- */

static bool is_number(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < 19 && strspn(text, "0123456789") == len;
}

static bool is_uuid(const char *text)
{
	return strlen(text) == RNG_UUID_LEN && text[8] == '-';
}

/* who: a uuid, a phone number, an e-mail address, a username, or the number of the account. */
static int32_t find(struct tx *tx, const char *who, struct account *out)
{
	const char *kind = identifier_kind(who);
	char subject[IDENTIFIER_MAX];

	if (is_uuid(who))
		return account_by_uuid(tx, who, out);
	if (kind && identifier_canonical(kind, who, subject))
		return account_find(tx, kind, subject, false, out);
	if (is_number(who))
		return account_by_id(tx, strtoll(who, NULL, 10), out);
	return PINTLE_NOT_FOUND;
}

/* The account the field who names; false when the request is answered already. */
static bool find_asked(struct request *request, struct tx *tx, struct account *out)
{
	const char *who = request_field(request, "who");
	int32_t status;

	if (!who) {
		answer_invalid(request, "who", "required");
		return false;
	}
	status = find(tx, who, out);
	if (status != PINTLE_OK)
		answer_status(request, status);
	return status == PINTLE_OK;
}

/* ---- Create and show ---- */

static void show(struct request *request, struct tx *tx, int64_t id)
{
	json_t *profile = NULL, *identities = NULL, *sessions = NULL;
	int32_t status = account_profile(tx, id, &profile);

	if (status == PINTLE_OK)
		status = account_identities(tx, id, namespace_ways_in(&request->host->instances),
					    &identities);
	if (status == PINTLE_OK)
		status = session_list(tx, REALM, id, "", &sessions);
	if (status == PINTLE_OK) {
		answer_ok(request, json_pack("{s:o, s:o, s:o}", "profile", profile, "identities",
					     identities, "sessions", sessions));
		return;
	}
	json_decref(profile);
	json_decref(identities);
	json_decref(sessions);
	answer_status(request, status);
}

void api_control_user_show(struct request *request)
{
	struct tx tx = request_tx(request);
	struct account account;

	if (find_asked(request, &tx, &account))
		show(request, &tx, account.id);
}

static bool is_identifier(const json_t *text, struct pintle_identity *identity,
			  char subject[IDENTIFIER_MAX])
{
	const char *kind = identifier_kind(json_string_value(text));

	*identity = (struct pintle_identity){
		.size = sizeof(*identity), .is_verified = true, .ns = kind, .subject = subject
	};
	return kind && identifier_canonical(kind, json_string_value(text), subject);
}

struct creation {
	struct request *request;
	const json_t *identifiers;
	struct account account;
};

/* The first identifier makes the account, the others are linked to it. */
static int32_t create(struct tx *tx, void *ctx)
{
	struct creation *creation = ctx;
	const struct account_settings *settings = &creation->request->host->settings->account;
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < json_array_size(creation->identifiers); i++) {
		struct pintle_identity identity;
		char subject[IDENTIFIER_MAX];

		if (!is_identifier(json_array_get(creation->identifiers, i), &identity, subject))
			return PINTLE_INVALID;
		status = i == 0 ? account_create(tx, settings, &identity, NULL, NULL, NULL,
						 &creation->account)
				: account_link(tx, creation->account.id, &identity, NULL, NULL);
	}
	if (status != PINTLE_OK)
		return status;
	return api_audit(creation->request, tx, "user.create", creation->account.uuid, "success");
}

void api_control_user_create(struct request *request)
{
	struct tx tx = request_tx(request);
	struct creation creation = {
		.request = request,
		.identifiers = json_object_get(request->fields, "identifiers"),
	};
	int32_t status;

	if (json_array_size(creation.identifiers) == 0) {
		answer_invalid(request, "identifiers", "required");
		return;
	}
	status = transact(&tx, create, &creation);
	if (status == PINTLE_OK)
		show(request, &tx, creation.account.id);
	else if (status == PINTLE_INVALID)
		answer_invalid(request, "identifiers", "format");
	else if (status == PINTLE_CONFLICT)
		answer_error(request, "identity_taken");
	else
		answer_status(request, status);
}

/* ---- Freeze and unfreeze ---- */

struct status_change {
	struct request *request;
	struct account account;
	int32_t wanted;
};

static int32_t change_status(struct tx *tx, void *ctx)
{
	const struct status_change *change = ctx;
	const char *action = change->wanted == PINTLE_FROZEN ? "user.freeze" : "user.unfreeze";
	int32_t status = account_set_status(tx, change->account.id, change->wanted);

	if (status != PINTLE_OK)
		return status;
	return api_audit(change->request, tx, action, change->account.uuid, "success");
}

/* The status is committed before the sessions end, so that no sign-in slips in between. */
static int32_t apply_status(struct status_change *change, struct tx *tx)
{
	const struct host *host = change->request->host;
	int32_t status = transact(tx, change_status, change);

	if (status != PINTLE_OK || change->wanted != PINTLE_FROZEN)
		return status;
	return session_revoke_all(&host->kv, tx, host->settings, &change->request->arena, REALM,
				  change->account.id, NULL, "frozen", NULL);
}

void api_control_user_status(struct request *request)
{
	const char *wanted = request_field(request, "status");
	struct status_change change = { .request = request };
	struct tx tx = request_tx(request);
	int32_t status;

	if (!wanted || (strcmp(wanted, "frozen") != 0 && strcmp(wanted, "active") != 0)) {
		answer_invalid(request, "status", "not_allowed");
		return;
	}
	if (!find_asked(request, &tx, &change.account))
		return;
	change.wanted = strcmp(wanted, "frozen") == 0 ? PINTLE_FROZEN : PINTLE_ACTIVE;
	status = apply_status(&change, &tx);
	if (status == PINTLE_OK)
		show(request, &tx, change.account.id);
	else
		answer_status(request, status);
}

/* ---- Sessions ---- */

void api_control_session_revoke(struct request *request)
{
	const struct host *host = request->host;
	const char *id = request_param(request, "id");
	struct tx tx = request_tx(request);
	int32_t status = session_revoke(&host->kv, &tx, host->settings, id, "operator");

	if (status == PINTLE_OK)
		status = api_audit(request, &tx, "session.revoke", id, "success");
	answer_status(request, status);
}
