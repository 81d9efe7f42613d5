/* SPDX-License-Identifier: Apache-2.0 */
#include "admit.h"

#include "clock.h"
#include "host.h"
#include "touch.h"

#include <string.h>

/* The record of a session that is known by name already is read in the same hand-over as the limit is
 * counted in; it is looked at afterwards. */
static struct kv_op *look_for_session(struct request *request)
{
	char key[SESSION_ID_MAX + 2];

	if (!request->has_claims)
		return NULL;
	session_key(request->claims.sid, key);
	request->looked = arena_alloc(&request->arena, sizeof(*request->looked));
	request->looked->request = kv_get(arena_strdup(&request->arena, key));
	return request->looked;
}

bool admit_count(struct request *request)
{
	const struct host *host = request->host;
	bool is_auth = (request->route->flags & ROUTE_AUTH) != 0;
	struct limit_hit hit = { 0 };
	int32_t status;

	if (request->is_control || (request->route->flags & ROUTE_PROBE))
		return true;
	status = limit_address(&host->limits, &request->arena, &request->client, is_auth,
			       look_for_session(request), request->deadline_ms, &hit);
	if (status == PINTLE_OK)
		return true;
	if (status == PINTLE_LIMITED)
		answer_limited(request, &hit);
	else
		answer_status(request, status);
	return false;
}

static bool verify_bearer(struct request *request)
{
	if (request->has_claims)
		return true;
	request->has_claims =
		token_verify(request->host->keyring, &request->host->token, request->bearer.ptr,
			     request->bearer.len, TOKEN_ACCESS, &request->claims);
	request->is_verified_here = request->has_claims;
	return request->has_claims;
}

static int32_t load_session(struct request *request, struct session *out)
{
	const struct kv *kv = &request->host->kv;
	struct arena *arena = &request->arena;
	const char *id = request->claims.sid;
	struct tx tx = request_tx(request);

	return request->looked ? session_load_looked(kv, &tx, arena, id, request->looked, out)
			       : session_load(kv, &tx, arena, id, out);
}

bool admit_identify(struct request *request)
{
	struct session *session = &request->who.session;
	int32_t status;

	if (!request_has_credential(request) || !verify_bearer(request))
		return true;
	status = load_session(request, session);
	if (PINTLE_IS_FAULT(status)) {
		answer_status(request, status);
		return false;
	}
	request->who.is_known = status == PINTLE_OK &&
				session_check(session, clock_now_ms()) == PINTLE_OK &&
				request_names_session(request, session);
	if (request->who.is_known)
		touch_when_due(request->host, session);
	return true;
}

bool admit_permit(struct request *request)
{
	const char *permission = request->chosen->permission;

	if (!permission)
		return true;
	if (!request->who.is_known) {
		answer_error(request,
			     request_has_credential(request) ? "invalid_token" : "unauthorized");
		return false;
	}
	if (strcmp(permission, "self") == 0
		    ? strcmp(request->who.session.realm, "user") == 0
		    : session_has_permission(&request->who.session, permission))
		return true;
	answer_error(request, "forbidden");
	return false;
}
