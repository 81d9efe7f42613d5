/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of sessions that exist: rotated, ended, and shown to services (RFC 7662, 7009, 7517, 8414). */
#include "api_audit.h"
#include "base64.h"
#include "clock.h"
#include "cookie.h"
#include "host.h"
#include "json.h"
#include "request.h"
#include "routes.h"
#include "signin.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <strings.h>

#define JWKS_CACHE "public, max-age=300"
#define CLIENT_MAX 512 /* bytes of id:secret */

/* ---- Refresh and logout ---- */

static int32_t take_number(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)n_cols;
	*(int64_t *)ctx = cols[0].num;
	return PINTLE_OK;
}

/* Whoever shows a token of the session may know. From SQL: a tombstone does not say whose it was. */
static int32_t owner_of(struct tx *tx, const char *sid, struct account *out)
{
	int64_t id;
	int32_t status = db_first(tx,
				  "SELECT subject_id FROM user_sessions"
				  " WHERE session_id = ? AND realm = 'user'",
				  DB_PARAMS(db_text(sid)), take_number, &id);

	return status == PINTLE_OK ? account_by_id(tx, id, out) : status;
}

static void refuse_ended(struct request *request, struct tx *tx, const char *sid)
{
	struct account account;
	int32_t status = owner_of(tx, sid, &account);

	if (PINTLE_IS_FAULT(status))
		answer_status(request, status);
	else if (status == PINTLE_OK && account.status == PINTLE_FROZEN)
		answer_error(request, "account_frozen");
	else
		answer_error(request, "invalid_token");
}

static void refuse_reuse(struct request *request, struct tx *tx, const char *sid)
{
	int32_t status = api_audit(request, tx, "token.reuse", sid, "revoked");

	if (status == PINTLE_OK)
		answer_error(request, "invalid_token");
	else
		answer_status(request, status);
}

static void answer_tokens(struct request *request, const struct session *session,
			  int64_t generation)
{
	int32_t status;
	json_t *tokens = signin_tokens(request, session, generation, false, &status);

	if (tokens)
		answer_ok(request, tokens);
	else
		answer_status(request, status);
}

void api_refresh(struct request *request)
{
	const struct host *host = request->host;
	const char *text = request_field(request, "refresh_token");
	struct tx tx = request_tx(request);
	int64_t generation, next;
	struct session session;
	char sid[SESSION_ID_MAX];
	int32_t status;

	if (!text && !request->answer.fields)
		answer_invalid(request, "refresh_token", "required");
	if (!text)
		return;
	if (!token_refresh_read(host->seal, text, sid, &generation)) {
		answer_error(request, "invalid_token");
		return;
	}
	status = session_rotate(&host->kv, &tx, host->settings, &request->arena, sid, generation,
				&session, &next);
	if (status == PINTLE_OK)
		answer_tokens(request, &session, next);
	else if (status == PINTLE_CONFLICT)
		refuse_reuse(request, &tx, sid);
	else if (status == PINTLE_DENIED || status == PINTLE_NOT_FOUND)
		refuse_ended(request, &tx, sid);
	else
		answer_status(request, status);
}

void api_logout(struct request *request)
{
	const struct host *host = request->host;
	const struct session *own = &request->who.session;
	const json_t *all = json_object_get(request->fields, "all");
	struct tx tx = request_tx(request);
	int32_t status;

	if (all && !json_is_boolean(all)) {
		answer_invalid(request, "all", "format");
		return;
	}
	if (json_is_true(all))
		status = session_revoke_all(&host->kv, &tx, host->settings, &request->arena,
					    own->realm, own->subject_id, NULL, "logout", NULL);
	else
		status = session_revoke(&host->kv, &tx, host->settings, own->id, "logout");
	if (status == PINTLE_OK)
		status = api_audit(request, &tx, "logout", own->id, "success");
	if (status == PINTLE_OK && request->by_cookie)
		cookie_clear(request);
	answer_status(request, status);
}

/* ---- What services ask ---- */

static void answer_raw(struct request *request, int http_status, json_t *raw)
{
	request->answer.status = http_status;
	request->answer.raw = raw;
}

/* RFC 6749 5.2 */
static void oauth_error(struct request *request, int http_status, const char *error)
{
	answer_raw(request, http_status, json_pack("{s:s}", "error", error));
	if (http_status == 503)
		request->answer.retry_after_s = 1;
}

static void oauth_fault(struct request *request, int32_t status)
{
	if (status == PINTLE_INTERNAL)
		oauth_error(request, 500, "server_error");
	else
		oauth_error(request, 503, "temporarily_unavailable");
}

/* Compares MACs, so that neither length nor content of a secret shows in the time it takes. */
static bool is_client(const struct host *host, const char *text, size_t len)
{
	const char *const *clients = host->token.clients;
	uint8_t given[SEAL_MAC_LEN], known[SEAL_MAC_LEN];
	bool found = false;

	seal_mac(host->seal, "client", text, len, given);
	for (; clients && *clients; clients++) {
		seal_mac(host->seal, "client", *clients, strlen(*clients), known);
		if (CRYPTO_memcmp(given, known, sizeof(given)) == 0)
			found = true;
	}
	return found;
}

static bool has_client(struct request *request)
{
	const char *header = request_header(request, "authorization");
	char text[CLIENT_MAX];
	size_t len;
	bool found;

	if (!header || strncasecmp(header, "Basic ", 6) != 0)
		return false;
	if (!base64_decode(header + 6, strlen(header + 6), text, sizeof(text), &len))
		return false;
	found = is_client(request->host, text, len);
	explicit_bzero(text, sizeof(text));
	return found;
}

/* Only failures count against the address: the services themselves ask often. */
static void refuse_client(struct request *request)
{
	struct limit_hit hit;
	int32_t status = limit_address(&request->host->limits, &request->arena, &request->client,
				       true, NULL, request->deadline_ms, &hit);

	if (status == PINTLE_LIMITED) {
		oauth_error(request, 429, "rate_limited");
		request->answer.limit = hit;
		request->answer.retry_after_s = hit.retry_ms / 1000 + 1;
	} else if (status != PINTLE_OK) {
		oauth_fault(request, status);
	} else {
		oauth_error(request, 401, "invalid_client");
		answer_header(request, "WWW-Authenticate", "Basic realm=\"pintle\"");
	}
}

/* The token of a caller who may ask; NULL when the request is answered already. */
static const char *asked_token(struct request *request)
{
	const char *token;

	if (!has_client(request)) {
		refuse_client(request);
		return NULL;
	}
	token = request_field(request, "token");
	if (!token)
		oauth_error(request, 400, "invalid_request");
	return token;
}

/* What a text is, if it is a token of ours: access or refresh, and whose. */
struct presented {
	bool is_access;
	struct token_claims claims; /* of an access token */
	char sid[SESSION_ID_MAX];
	int64_t generation; /* of a refresh token */
};

static bool read_token(const struct host *host, const char *text, struct presented *out)
{
	*out = (struct presented){ 0 };
	out->is_access = token_verify(host->keyring, &host->token, text, strlen(text), TOKEN_ACCESS,
				      &out->claims);
	if (!out->is_access)
		return token_refresh_read(host->seal, text, out->sid, &out->generation);
	(void)snprintf(out->sid, sizeof(out->sid), "%s", out->claims.sid);
	return true;
}

/* The session of a token that is good now; NOT_FOUND when it is not. */
static int32_t load_active(struct request *request, const struct presented *token,
			   struct session *out)
{
	struct tx tx = request_tx(request);
	int64_t generation;
	int32_t status = session_load(&request->host->kv, &tx, &request->arena, token->sid, out);

	if (status != PINTLE_OK)
		return status;
	if (session_check(out, clock_now_ms()) != PINTLE_OK)
		return PINTLE_NOT_FOUND;
	if (token->is_access)
		return strcmp(out->uuid, token->claims.sub) == 0 ? PINTLE_OK : PINTLE_NOT_FOUND;
	status = db_first(&tx, "SELECT generation FROM user_sessions WHERE session_id = ?",
			  DB_PARAMS(db_text(token->sid)), take_number, &generation);
	if (status != PINTLE_OK)
		return status;
	return generation == token->generation ? PINTLE_OK : PINTLE_NOT_FOUND;
}

static json_t *describe(const struct host *host, const struct presented *token,
			const struct session *session)
{
	json_t *json = json_pack(
		"{s:b, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "active", 1, "iss", host->token.issuer,
		"aud", host->token.audience, "sub", session->uuid, "sid", session->id, "token_type",
		token->is_access ? "Bearer" : "refresh_token", "iat",
		(json_int_t)(token->is_access ? token->claims.iat : session->created_ms / 1000),
		"exp",
		(json_int_t)(token->is_access ? token->claims.exp : session->expires_ms / 1000));

	if (json && token->is_access)
		(void)json_object_set_new(json, "jti", json_string(token->claims.jti));
	return json;
}

void api_introspect(struct request *request)
{
	const char *text = asked_token(request);
	struct presented token;
	struct session session;
	int32_t status = PINTLE_NOT_FOUND;

	if (!text)
		return;
	if (read_token(request->host, text, &token))
		status = load_active(request, &token, &session);
	if (PINTLE_IS_FAULT(status)) {
		oauth_fault(request, status);
		return;
	}
	answer_raw(request, 200,
		   status == PINTLE_OK ? describe(request->host, &token, &session)
				       : json_pack("{s:b}", "active", 0));
}

void api_revoke(struct request *request)
{
	const struct host *host = request->host;
	const char *text = asked_token(request);
	struct tx tx = request_tx(request);
	struct presented token;
	int32_t status = PINTLE_OK;

	if (!text)
		return;
	if (read_token(host, text, &token)) {
		status = session_revoke(&host->kv, &tx, host->settings, token.sid, "revoked");
		if (status == PINTLE_OK)
			status = api_audit(request, &tx, "session.revoke", token.sid, "success");
	}
	if (PINTLE_IS_FAULT(status)) {
		oauth_fault(request, status);
		return;
	}
	request->answer.status = 200;
	request->answer.is_empty = true;
}

void api_jwks(struct request *request)
{
	answer_raw(request, 200, keyring_jwks(request->host->keyring));
	answer_header(request, "Cache-Control", JWKS_CACHE);
}

static const char *public_url(const struct host *host)
{
	const char *url = host->settings->server.public_url;

	return url && *url ? url : host->token.issuer;
}

void api_metadata(struct request *request)
{
	const struct host *host = request->host;
	const char *base = public_url(host);

	answer_raw(request, 200,
		   json_pack("{s:s, s:s+, s:s+, s:s+, s:[s], s:[s], s:[], s:[]}", "issuer",
			     host->token.issuer, "jwks_uri", base, "/.well-known/jwks.json",
			     "introspection_endpoint", base, "/oauth/introspect",
			     "revocation_endpoint", base, "/oauth/revoke",
			     "introspection_endpoint_auth_methods_supported", "client_secret_basic",
			     "revocation_endpoint_auth_methods_supported", "client_secret_basic",
			     "response_types_supported", "grant_types_supported"));
	answer_header(request, "Cache-Control", JWKS_CACHE);
}
