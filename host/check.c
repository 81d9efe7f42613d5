/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /api/v1/auth/check, the hot path: a token seen before and a record at hand never leave the loop.
 * No answer has a body (ROUTE_EMPTY), so that proxies keep their connection.
 */
#include "clock.h"
#include "form.h"
#include "host.h"
#include "metrics.h"
#include "request.h"
#include "routes.h"
#include "session.h"
#include "text.h"
#include "touch.h"

#include <assert.h>

/* Room for what tell_who says of any session. */
#define WHO_MAX 1024
_Static_assert(sizeof(((struct session *)0)->uuid) + sizeof(((struct session *)0)->user_type) +
			       sizeof(((struct session *)0)->id) +
			       3 * sizeof(((struct session *)0)->name) +
			       sizeof(((struct session *)0)->roles) + 128 <=
		       WHO_MAX,
	       "any session fits");

static void put_header(struct text *lines, const char *name, const char *value)
{
	text_put(lines, name);
	text_put(lines, value);
	text_put(lines, "\r\n");
}

/* A name may be any Unicode: what is not plain ASCII goes percent-encoded. */
static void put_name(struct text *lines, const char *name)
{
	text_put(lines, "X-Auth-Name: ");
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c > 0x20 && c < 0x7f && c != '%') {
			text_put_byte(lines, *name);
		} else {
			text_put_byte(lines, '%');
			text_put_hex(lines, c, 2);
		}
	}
	text_put(lines, "\r\n");
}

/* Always the full set, so that no header of the client's own stands in for a missing one. */
static void tell_who(struct request *request, const struct session *session)
{
	char bytes[WHO_MAX];
	struct text lines = { .bytes = bytes, .size = sizeof(bytes) };

	put_header(&lines, "X-Auth-User-Id: ", session->uuid);
	put_header(&lines, "X-Auth-User-Type: ", session->user_type);
	put_header(&lines, "X-Auth-Session-Id: ", session->id);
	put_name(&lines, session->name);
	put_header(&lines, "X-Auth-Roles: ", session->roles);
	assert(text_fits(&lines));
	request->answer.status = 200;
	request->answer.headers = arena_copy(&request->arena, bytes, lines.len);
}

/* ?permission=user:view. A query that cannot be read may have asked for anything. */
static bool is_allowed(struct request *request, const struct session *session)
{
	struct slice query = request->http->head.query;
	const json_t *wanted;

	if (query.len == 0)
		return true;
	request->fields = form_parse(query);
	if (!request->fields)
		return false;
	wanted = json_object_get(request->fields, "permission");
	return !wanted || session_has_permission(session, json_string_value(wanted));
}

static void decide(struct request *request, const struct session *session)
{
	if (session_check(session, clock_now_ms()) != PINTLE_OK ||
	    !request_names_session(request, session))
		answer_error(request, "invalid_token");
	else if (!is_allowed(request, session))
		answer_error(request, "forbidden");
	else
		tell_who(request, session);
}

/* ---- Off the loop: a token never seen, a record to rebuild ---- */

static bool learn_claims(struct request *request)
{
	if (request->has_claims)
		return true;
	request->is_verified_here =
		token_verify(request->host->keyring, &request->host->token, request->bearer.ptr,
			     request->bearer.len, TOKEN_ACCESS, &request->claims);
	return request->is_verified_here;
}

static void check_on_worker(struct request *request)
{
	struct session *session = &request->who.session;
	struct tx tx = request_tx(request);
	int32_t status = PINTLE_DENIED;

	if (learn_claims(request))
		status = session_load(&request->host->kv, &tx, &request->arena, request->claims.sid,
				      session);
	if (status == PINTLE_OK)
		decide(request, session);
	else if (PINTLE_IS_FAULT(status))
		answer_error(request, "store_unavailable");
	else
		answer_error(request, "invalid_token");
	dispatch_finish(request);
}

/* ---- On the loop ---- */

static void on_record(void *ctx, const struct pintle_kv_answer *found)
{
	struct request *request = ctx;
	struct session *session = &request->who.session;
	bool is_read = found->status == PINTLE_OK &&
		       session_decode(session, found->value, found->value_len);

	if (PINTLE_IS_FAULT(found->status)) {
		answer_error(request, "store_unavailable");
	} else if (!is_read) { /* missing, or of another release: SQL knows */
		dispatch_to_worker(request, check_on_worker);
		return;
	} else {
		decide(request, session);
		request->who.is_known = request->answer.status != 401;
		if (request->who.is_known)
			touch_when_due(request->host, session);
	}
	dispatch_finish(request);
}

void api_check(struct request *request)
{
	char key[SESSION_ID_MAX + 2];
	struct pintle_kv_request get;

	if (!request_has_credential(request)) {
		answer_error(request, "unauthorized");
		dispatch_finish(request);
		return;
	}
	if (!request->has_claims) {
		dispatch_to_worker(request, check_on_worker);
		return;
	}
	session_key(request->claims.sid, key);
	get = kv_get(key);
	kv_submit(&request->host->kv, &get, on_record, request);
}
