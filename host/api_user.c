/* SPDX-License-Identifier: Apache-2.0 */
/* The account signed in: profile, identities, sessions, attempts to sign in. */
#include "api_audit.h"
#include "call.h"
#include "host.h"
#include "login_history.h"
#include "namespace.h"
#include "request.h"
#include "routes.h"

#include <stdlib.h>

static void answer_result(struct request *request, int32_t status, json_t *data)
{
	if (status == PINTLE_OK) {
		answer_ok(request, data);
		return;
	}
	json_decref(data);
	answer_status(request, status);
}

/* ---- Profile ---- */

/* What a provider knows of the person beside the core; one that fails is left out. */
static void add_part(struct request *request, struct pintle_inst *inst, json_t *profile)
{
	struct pintle_call *call = call_new(request->host, request, inst, "describe", PINTLE_LOGIN);

	if (call_run_and_wait(call, inst->plugin->provider.describe) == PINTLE_OK)
		(void)json_object_update_missing(profile, call->outcome.data);
	call_free(call);
}

static void add_parts(struct request *request, json_t *profile)
{
	const struct host *host = request->host;

	for (size_t i = 0; i < host->instances.n_items; i++) {
		struct pintle_inst *inst = &host->instances.items[i];

		if (inst->plugin->provider.describe && instance_is_up(inst))
			add_part(request, inst, profile);
	}
}

void api_profile(struct request *request)
{
	struct tx tx = request_tx(request);
	json_t *profile = NULL;
	int32_t status = account_profile(&tx, request->who.session.subject_id, &profile);

	if (status == PINTLE_OK)
		add_parts(request, profile);
	answer_result(request, status, profile);
}

void api_profile_update(struct request *request)
{
	struct tx tx = request_tx(request);
	const char *field = NULL, *reason = NULL;
	int32_t status = account_update_profile(&tx, request->who.session.subject_id,
						request->fields, &field, &reason);

	if (status == PINTLE_INVALID)
		answer_invalid(request, field, reason);
	else if (status != PINTLE_OK)
		answer_status(request, status);
	else
		api_profile(request);
}

void api_identities(struct request *request)
{
	struct tx tx = request_tx(request);
	json_t *identities = NULL;
	int32_t status =
		account_identities(&tx, request->who.session.subject_id,
				   namespace_ways_in(&request->host->instances), &identities);

	if (status == PINTLE_OK)
		identities = json_pack("{s:o}", "identities", identities);
	answer_result(request, status, identities);
}

/* ---- Sessions ---- */

void api_sessions(struct request *request)
{
	const struct session *own = &request->who.session;
	struct tx tx = request_tx(request);
	json_t *sessions = NULL;
	int32_t status = session_list(&tx, own->realm, own->subject_id, own->id, &sessions);

	if (status == PINTLE_OK)
		sessions = json_pack("{s:o}", "sessions", sessions);
	answer_result(request, status, sessions);
}

void api_session_delete(struct request *request)
{
	const struct host *host = request->host;
	const struct session *own = &request->who.session;
	const char *id = request_param(request, "sessionId");
	struct tx tx = request_tx(request);
	int32_t status = session_revoke_own(&host->kv, &tx, host->settings, own->realm,
					    own->subject_id, id, "removed");

	if (status == PINTLE_OK)
		status = api_audit(request, &tx, "session.revoke", id, "success");
	answer_status(request, status);
}

void api_sessions_delete(struct request *request)
{
	const struct host *host = request->host;
	const struct session *own = &request->who.session;
	struct tx tx = request_tx(request);
	int64_t n = 0;
	int32_t status = session_revoke_all(&host->kv, &tx, host->settings, &request->arena,
					    own->realm, own->subject_id, own->id, "removed", &n);

	if (status == PINTLE_OK)
		status = api_audit(request, &tx, "session.revoke_others", own->uuid, "success");
	answer_result(request, status, json_pack("{s:I}", "revoked", (json_int_t)n));
}

/* ---- Attempts to sign in ---- */

static bool read_limit(const char *text, int64_t *out)
{
	size_t len = strspn(text, "0123456789");

	if (text[len] != '\0' || len > 3)
		return false;
	*out = strtoll(text, NULL, 10);
	return *out >= 1 && *out <= LOGIN_HISTORY_MAX;
}

/* False: the answer names the field that is wrong. */
static bool read_page(struct request *request, struct login_page *page)
{
	const char *limit = request_field(request, "limit");
	const char *before = request_field(request, "before");

	*page = (struct login_page){ login_history_start, LOGIN_HISTORY_DEFAULT };
	if (limit && !read_limit(limit, &page->limit))
		answer_invalid(request, "limit", "format");
	if (before && !login_history_place(before, &page->before))
		answer_invalid(request, "before", "format");
	return request->answer.status == 0;
}

void api_logins(struct request *request)
{
	const struct session *own = &request->who.session;
	struct tx tx = request_tx(request);
	struct login_page page;
	json_t *history = NULL;
	int32_t status;

	if (!read_page(request, &page))
		return;
	status = login_history(&tx, own->subject_id, own->id, &page, &history);
	answer_result(request, status, history);
}
