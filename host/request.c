/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a request: its fields, parameters, headers and language. */
#include "request.h"

#include "clock.h"
#include "form.h"
#include "host.h"
#include "json.h"
#include "origin.h"

#include <strings.h>

struct tx request_tx(const struct request *request)
{
	return (struct tx){ .db = &request->host->db,
			    .deadline_ms = request->deadline_ms,
			    .step_ms = request->host->settings->storage.timeout_ms };
}

const char *request_param_in(struct arena *arena, const struct request *request, const char *name)
{
	const struct route_params *params = &request->params;

	for (size_t i = 0; i < params->n_params; i++)
		if (slice_is(params->names[i], name))
			return arena_copy(arena, params->values[i].ptr, params->values[i].len);
	return NULL;
}

const char *request_param(struct request *request, const char *name)
{
	return request_param_in(&request->arena, request, name);
}

const char *request_field(struct request *request, const char *name)
{
	const char *text = json_text_member(request->fields, name);
	const json_t *value = json_object_get(request->fields, name);

	if (!text && value && !json_is_null(value))
		answer_invalid(request, name, "type");
	return text;
}

bool request_has_credential(const struct request *request)
{
	return request->bearer.len > 0 || request->by_cookie;
}

bool request_names_session(const struct request *request, const struct session *session)
{
	return request->by_cookie || strcmp(session->uuid, request->claims.sub) == 0;
}

const char *request_header(struct request *request, const char *name)
{
	struct slice value = http_head_get(&request->http->head, name);

	return value.ptr ? arena_copy(&request->arena, value.ptr, value.len) : NULL;
}

int64_t request_left_ms(const struct request *request)
{
	int64_t left = request->deadline_ms - clock_mono_ms();

	return left > 0 ? left : 0;
}

/* The first of the two languages that Accept-Language names. */
const char *request_lang(const struct request *request)
{
	struct slice accept = http_head_get(&request->http->head, "accept-language");

	for (size_t i = 0; i + 1 < accept.len; i++) {
		if (i > 0 && accept.ptr[i - 1] != ',' && accept.ptr[i - 1] != ' ')
			continue;
		if (strncasecmp(accept.ptr + i, "zh", 2) == 0)
			return "zh";
		if (strncasecmp(accept.ptr + i, "en", 2) == 0)
			return "en";
	}
	return "en";
}

static bool has_type(const struct request *request, const char *type)
{
	struct slice given = http_head_get(&request->http->head, "content-type");
	size_t len = strlen(type);

	return given.len >= len && strncasecmp(given.ptr, type, len) == 0 &&
	       (given.len == len || given.ptr[len] == ';' || given.ptr[len] == ' ');
}

static const struct slice nothing = { "", 0 };

static bool refuse(struct request *request, const char *part, const char *why)
{
	answer_invalid(request, part, why);
	answer_error(request, "bad_request");
	return false;
}

static bool refuse_body(struct request *request, const char *why)
{
	return refuse(request, "body", why);
}

static bool read_form(struct request *request, const char *part, struct slice text)
{
	request->fields = form_parse(text);
	return request->fields || refuse(request, part, "not a form");
}

static bool read_json(struct request *request)
{
	const char *why = "not an object";

	request->fields = json_parse(request->http->body.ptr, request->http->body.len, &why);
	if (!request->fields)
		return refuse_body(request, why);
	if (json_is_object(request->fields))
		return true;
	json_decref(request->fields);
	request->fields = json_object();
	return refuse_body(request, "not an object");
}

/* A page of another site can post a form, but no JSON. */
static bool may_be_form(const struct request *request)
{
	const uint32_t flags = request->route->flags;

	return flags & (ROUTE_FORM | ROUTE_UPSTREAM) ||
	       (flags & ROUTE_BROWSER && origin_is_own_page(request));
}

static bool read_body(struct request *request)
{
	const uint32_t flags = request->route->flags;

	if (request->http->body.len == 0)
		return read_form(request, "body", nothing);
	if (has_type(request, "application/json") && !(flags & ROUTE_FORM))
		return read_json(request);
	if (has_type(request, "application/x-www-form-urlencoded") && may_be_form(request))
		return read_form(request, "body", request->http->body);
	if (flags & ROUTE_UPSTREAM)
		return read_form(request, "body", nothing);
	answer_error(request, "unsupported_media_type");
	return false;
}

/* Of a name that stands in both, nobody could tell which is meant. */
static bool add_query(struct request *request)
{
	json_t *query = form_parse(request->http->head.query);
	bool is_twice = false;
	const char *name;
	json_t *value;

	json_object_foreach(query, name, value) {
		is_twice |= json_object_get(request->fields, name) != NULL;
	}
	if (!query || is_twice || json_object_update(request->fields, query) != 0) {
		json_decref(query);
		return refuse(request, "query", "not a form");
	}
	json_decref(query);
	return true;
}

static bool read_fields(struct request *request)
{
	enum http_method method = request->http->head.method;
	bool has_body = method == HTTP_POST || method == HTTP_PUT || request->http->body.len > 0;

	if (!has_body || request->route->flags & ROUTE_RAW)
		return read_form(request, "query", request->http->head.query);
	return read_body(request) &&
	       (!(request->route->flags & ROUTE_UPSTREAM) || add_query(request));
}

bool request_read(struct request *request)
{
	bool ok = read_fields(request);

	if (!request->fields)
		request->fields = json_object();
	return ok;
}

static bool has_field(const struct request *request, const char *name)
{
	const json_t *value = json_object_get(request->fields, name);

	return value && !json_is_null(value);
}

bool request_choose_route(struct request *request)
{
	const struct route *route = request->route;

	request->chosen = route;
	if (!route->declared || !route->declared->when)
		return true;
	for (; route; route = route->alternative) {
		if (has_field(request, route->declared->when)) {
			request->chosen = route;
			return true;
		}
	}
	for (route = request->route; route; route = route->alternative)
		answer_invalid(request, route->declared->when, "required");
	return false;
}
