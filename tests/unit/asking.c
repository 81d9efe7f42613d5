/* SPDX-License-Identifier: Apache-2.0 */
#include "asking.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const clients[] = { "other:thing", "svc:right", NULL };

int asking_setup(void **state)
{
	struct asking *api = calloc(1, sizeof(*api));
	struct err err = { "" };
	void *people;

	assert_int_equal(people_setup(&people), 0);
	scratch_make(api->dir);
	api->people = people;
	api->board = calloc(1, sizeof(*api->board));
	api->people->settings.token.clients = clients;
	api->people->settings.token.issuer = "https://id.example";
	api->people->settings.token.audience = "api";
	api->people->settings.token.refresh_grace_ms = ASKING_GRACE_MS;
	api->people->settings.limits.address_per_minute = 1000;
	api->people->settings.limits.address_auth_per_minute = 2;
	api->host.settings = &api->people->settings;
	api->host.token = api->people->settings.token;
	api->host.db = api->people->db;
	api->host.kv = api->people->kv;
	api->host.board = api->board;
	api->host.self = &api->board->workers[0];
	api->host.seal = seal_new(NULL, api->dir, &err);
	api->host.keyring = keyring_new(&api->host.token, api->dir, &err);
	if (!api->host.seal || !api->host.keyring)
		fail_msg("%s", err.text);
	api->host.limits =
		(struct limits){ &api->host.kv, api->host.seal, &api->people->settings.limits };
	*state = api;
	return 0;
}

static void forget_request(struct asking *api)
{
	json_decref(api->request.fields);
	answer_fini(&api->request.answer);
	arena_fini(&api->request.arena);
	memset(&api->request, 0, sizeof(api->request));
	memset(&api->http, 0, sizeof(api->http));
}

int asking_teardown(void **state)
{
	struct asking *api = *state;
	void *people = api->people;

	forget_request(api);
	keyring_free(api->host.keyring);
	seal_free(api->host.seal);
	scratch_remove(api->dir);
	people_teardown(&people);
	free(api->board);
	free(api);
	return 0;
}

/* ---- Asking ---- */

/* A new request with these fields; fields is taken over. */
struct request *asking_prepare(struct asking *api, json_t *fields)
{
	struct request *request = &api->request;

	forget_request(api);
	request->host = &api->host;
	request->http = &api->http;
	request->lang = "en";
	request->fields = fields ? fields : json_object();
	request->deadline_ms = clock_mono_ms() + 20000;
	(void)strcpy(request->id, "request-1");
	(void)strcpy(request->client_text, "192.0.2.1");
	return request;
}

const struct answer *asking(struct asking *api, route_handler *run, json_t *fields)
{
	run(asking_prepare(api, fields));
	return &api->request.answer;
}

const struct answer *asking_as(struct asking *api, const struct session *session,
			       route_handler *run, json_t *fields)
{
	struct request *request = asking_prepare(api, fields);

	request->who.is_known = true;
	request->who.session = *session;
	run(request);
	return &request->answer;
}

const struct answer *asking_service(struct asking *api, const char *client, route_handler *run,
				    const char *token)
{
	struct request *request =
		asking_prepare(api, token ? json_pack("{s:s}", "token", token) : json_object());

	if (client)
		api->http.head.headers[api->http.head.n_headers++] =
			(struct http_header){ SLICE("authorization"), slice_of(client) };
	run(request);
	return &request->answer;
}

const struct answer *asking_refresh(struct asking *api, const char *token)
{
	return asking(api, api_refresh, json_pack("{s:s}", "refresh_token", token));
}

void asking_refused(const struct answer *answer, int status, const char *error)
{
	assert_int_equal(answer->status, status);
	assert_string_equal(answer->error, error);
}

const char *asking_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

struct session asking_sign_in(struct asking *api, const char *phone)
{
	return people_open(api->people, people_add(api->people, "phone", phone), "web");
}

char *asking_access_token(struct asking *api, const struct session *session)
{
	struct token_claims claims = { .kind = TOKEN_ACCESS };

	(void)strcpy(claims.sid, session->id);
	(void)strcpy(claims.sub, session->uuid);
	return token_issue(api->host.keyring, &api->host.token, &api->people->arena, &claims);
}

const char *asking_refresh_token(struct asking *api, const struct session *session,
				 int64_t generation)
{
	char *text = arena_alloc(&api->people->arena, TOKEN_REFRESH_MAX);

	token_refresh_make(api->host.seal, session->id, generation, text);
	return text;
}

bool asking_is_active(struct asking *api, const char *token)
{
	const struct answer *answer = asking_service(api, RIGHT_CLIENT, api_introspect, token);

	assert_int_equal(answer->status, 200);
	return json_is_true(json_object_get(answer->raw, "active"));
}
