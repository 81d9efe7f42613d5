/* SPDX-License-Identifier: Apache-2.0 */
/* What pintlectl asks of the process: state, orders to the supervisor, keys, routes. */
#include "api_audit.h"
#include "clock.h"
#include "file.h"
#include "host.h"
#include "json.h"
#include "log.h"
#include "request.h"
#include "routes.h"
#include "send_limit.h"
#include "stores.h"
#include "supervisor.h"

#include <pintle/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OUTBOX_MAX (1024 * 1024) /* bytes; the senders keep it far smaller */

/* ---- Status ---- */

static json_t *list_workers(const struct board *board)
{
	static const char *const names[] = { [BOARD_STARTING] = "starting",
					     [BOARD_SERVING] = "serving",
					     [BOARD_DRAINING] = "draining" };
	json_t *list = json_array();

	for (int i = 0; i < BOARD_WORKERS; i++) {
		const struct board_worker *worker = &board->workers[i];
		int32_t state = atomic_load(&worker->state);

		if (state <= BOARD_FREE || state > BOARD_DRAINING)
			continue;
		(void)json_array_append_new(
			list, json_pack("{s:i, s:i, s:s, s:i, s:i}", "slot", i, "pid",
					atomic_load(&worker->pid), "state", names[state],
					"generation", atomic_load(&worker->generation), "restarts",
					atomic_load(&worker->n_restarts)));
	}
	return list;
}

static json_t *list_instances(const struct host *host)
{
	json_t *list = json_array();

	for (size_t i = 0; i < host->instances.n_items; i++) {
		const struct pintle_inst *inst = &host->instances.items[i];
		const struct board_instance *shown = &host->board->instances[inst->board_index];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:b, s:i}", "name", inst->name, "plugin",
				  inst->plugin->name, "version", inst->plugin->desc.version,
				  "quarantined", board_is_kept_out(host->board, inst->board_index),
				  "kills", atomic_load(&shown->n_kills)));
	}
	return list;
}

/* The supervisor may be writing the text right now; a torn one is corrected by the next look. */
static json_t *last_reload(const struct board *board)
{
	char text[BOARD_ERR_MAX];
	json_t *shown;

	memcpy(text, board->last_reload, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	shown = json_string(text);
	return json_pack("{s:I, s:b, s:o}", "count", (json_int_t)atomic_load(&board->n_reloads),
			 "good", atomic_load(&board->is_last_reload_good) != 0, "text",
			 shown ? shown : json_string(""));
}

void api_control_status(struct request *request)
{
	const struct host *host = request->host;
	const struct board *board = host->board;
	struct stores_up up = stores_ask(request);

	answer_ok(request,
		  json_pack("{s:i, s:i, s:b, s:I, s:{s:s, s:i}, s:{s:b, s:b}, s:o, s:o, s:o}",
			    "pid", atomic_load(&board->supervisor_pid), "generation",
			    atomic_load(&board->generation), "stopping",
			    atomic_load(&board->is_stopping) != 0, "started_at",
			    (json_int_t)atomic_load(&board->start_ms), "versions", "pintle",
			    PINTLE_VERSION, "abi", (int)PINTLE_ABI, "stores", "db", up.db, "kv",
			    up.kv, "last_reload", last_reload(board), "workers",
			    list_workers(board), "instances", list_instances(host)));
}

/* ---- Orders ---- */

static bool is_order(const char *text)
{
	return text && (strcmp(text, "reload") == 0 || strcmp(text, "stop") == 0);
}

/* One write of at most PIPE_BUF bytes, so that lines of several workers never mix. */
static bool give_order(const struct host *host, const char *verb, const char *name)
{
	char line[SUPERVISOR_ORDER_MAX];
	int len = snprintf(line, sizeof(line), "%s%s%s\n", verb, name ? " " : "", name ? name : "");

	return len > 0 && (size_t)len < sizeof(line) &&
	       write(host->order_pipe, line, (size_t)len) == len;
}

static void order(struct request *request, const char *verb, const char *name)
{
	if (give_order(request->host, verb, name))
		answer_ok(request, NULL);
	else
		answer_error(request, "busy");
}

void api_control_order(struct request *request)
{
	const char *verb = request_field(request, "order");

	if (is_order(verb))
		order(request, verb, NULL);
	else
		answer_invalid(request, "order", "not_allowed");
}

/* ---- Providers ---- */

void api_control_providers(struct request *request)
{
	const struct host *host = request->host;
	json_t *list = json_array();

	for (size_t i = 0; i < host->instances.n_items; i++) {
		const struct pintle_inst *inst = &host->instances.items[i];

		if (!inst->plugin->desc.provider && !inst->plugin->is_left_out)
			continue;
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:b}", "name", inst->name, "plugin",
					inst->plugin->name, "version", inst->plugin->desc.version,
					"quarantined",
					board_is_kept_out(host->board, inst->board_index)));
	}
	answer_ok(request, list);
}

void api_control_resume(struct request *request)
{
	const char *name = request_param(request, "name");

	if (instances_find(&request->host->instances, name))
		order(request, "resume", name);
	else
		answer_error(request, "not_found");
}

/* ---- Messages ---- */

void api_control_send_lift(struct request *request)
{
	const struct host *host = request->host;
	const char *what = request_field(request, "what");
	struct tx tx = request_tx(request);
	int32_t status = PINTLE_INVALID;

	if (what)
		status =
			send_limit_lift(&host->limits, &request->arena, what, request->deadline_ms);
	if (status == PINTLE_INVALID) {
		answer_invalid(request, "what", what ? "format" : "required");
		return;
	}
	if (status == PINTLE_OK &&
	    api_audit(request, &tx, "send.lift", what, "success") != PINTLE_OK)
		log_error("messages to %s are sent again, but the audit log did not take it", what);
	answer_status(request, status);
}

/* ---- Keys ---- */

void api_control_key_rotate(struct request *request)
{
	const struct host *host = request->host;
	struct tx tx = request_tx(request);
	char kid[24];
	struct err err;
	int32_t status;

	if (!keyring_rotate(&host->settings->token, host->settings->server.state_dir, kid, &err)) {
		log_warn("key rotate: %s", err.text);
		answer_invalid(request, "key", err.text);
		return;
	}
	status = api_audit(request, &tx, "key.rotate", kid, "success");
	if (status != PINTLE_OK)
		log_error("key %s was made, but the audit log did not take it", kid);
	if (give_order(host, "reload", NULL))
		answer_ok(request, json_pack("{s:s}", "kid", kid));
	else
		answer_error(request, "busy");
}

/* ---- What tests and developers look at ---- */

/* One JSON object a line, the newest last. */
static json_t *read_lines(char *text)
{
	json_t *list = json_array();
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *why;
		json_t *message = json_parse(line, strlen(line), &why);

		if (message)
			(void)json_array_insert_new(list, 0, message);
	}
	return list;
}

void api_control_outbox(struct request *request)
{
	const char *path = arena_printf(&request->arena, "%s/outbox.json",
					request->host->settings->server.state_dir);
	struct err err;
	mode_t mode;
	size_t len;
	char *text = file_read(path, OUTBOX_MAX, &len, &mode, &err);

	/* The file is made by the first message. */
	answer_ok(request, text ? read_lines(text) : json_array());
	if (text)
		explicit_bzero(text, len);
	free(text);
}

static void set_text(json_t *object, const char *name, const char *text)
{
	(void)json_object_set_new(object, name, text ? json_string(text) : json_null());
}

void api_control_routes(struct request *request)
{
	const struct router *router = request->host->router;
	json_t *list = json_array();

	for (size_t i = 0; i < router_count(router); i++) {
		const struct route *route = router_at(router, i);
		json_t *shown = json_pack("{s:s, s:s, s:b}", "method",
					  http_method_name(route->method), "path", route->path,
					  "control", (route->flags & ROUTE_CONTROL) != 0);

		set_text(shown, "permission", route->permission);
		set_text(shown, "summary", route->summary);
		set_text(shown, "instance", route->inst ? route->inst->name : NULL);
		(void)json_array_append_new(list, shown);
	}
	answer_ok(request, list);
}

#ifdef PINTLE_TEST
void api_control_clock(struct request *request)
{
	const json_t *shift = json_object_get(request->fields, "shift_ms");

	if (!json_is_integer(shift)) {
		answer_invalid(request, "shift_ms", "required");
		return;
	}
	atomic_store(&request->host->board->shift_ms, (int64_t)json_integer_value(shift));
	answer_ok(request, NULL);
}
#endif
