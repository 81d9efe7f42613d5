/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways, as the operator sees and switches them, and messages that show whether one works. */
#include "api_audit.h"
#include "gateway.h"
#include "gateway_share.h"
#include "gateway_switch.h"
#include "host.h"
#include "identifier.h"
#include "message.h"
#include "message_log.h"
#include "receipt.h"
#include "request.h"
#include "rng.h"
#include "routes.h"
#include "transact.h"

#include <stdio.h>
#include <string.h>

#define TEST_TEMPLATE "login" /* every gateway has it */

static bool is_sender(const struct pintle_inst *inst)
{
	return inst->plugin->desc.sender != NULL;
}

/* ---- Status ---- */

static const char *state_word(const struct host *host, const struct pintle_inst *sender,
			      const struct gateway_health *health, bool is_weak)
{
	if (gateway_is_off(sender))
		return "disabled";
	if (board_is_kept_out(host->board, sender->board_index))
		return "quarantined";
	if (health->opened_ms != 0)
		return "out";
	return is_weak ? "weak" : "well";
}

static json_t *list_groups(const struct host *host, const struct pintle_inst *sender)
{
	json_t *list = json_array();

	for (size_t i = 0; i < host->n_groups; i++)
		for (size_t j = 0; j < host->groups[i].n_senders; j++)
			if (host->groups[i].senders[j] == sender)
				(void)json_array_append_new(
					list, json_string(host->groups[i].settings->section));
	return list;
}

static json_t *describe(struct request *request, struct pintle_inst *sender)
{
	const struct host *host = request->host;
	struct gateway_health health;
	int64_t counts[GATEWAY_FATES];
	bool is_weak = gateway_is_weak(host, &request->arena, sender);

	(void)gateway_health(host, &request->arena, sender, &health);
	gateway_recent(host, &request->arena, sender->name, counts);
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:I, s:o, s:s?}", "name",
		sender->name, "plugin", sender->plugin->name, "channel",
		sender->plugin->sender.channel, "state", state_word(host, sender, &health, is_weak),
		"failures", (json_int_t)health.n_failures, "probe_at",
		health.opened_ms ? json_integer((json_int_t)health.probe_ms) : json_null(),
		"accepted", (json_int_t)counts[GATEWAY_ACCEPTED], "entered",
		(json_int_t)counts[GATEWAY_ENTERED], "delivered",
		(json_int_t)counts[GATEWAY_DELIVERED], "lost", (json_int_t)counts[GATEWAY_LOST],
		"groups", list_groups(host, sender), "receipts",
		sender->plugin->sender.receipt ? receipt_path(host, &request->arena, sender)
					       : NULL);
}

void api_control_gateways(struct request *request)
{
	struct host *host = request->host;
	json_t *list = json_array();

	gateway_read_switches(host, 0);
	for (size_t i = 0; i < host->instances.n_items; i++)
		if (is_sender(&host->instances.items[i]))
			(void)json_array_append_new(list,
						    describe(request, &host->instances.items[i]));
	answer_ok(request, list);
}

/* ---- The switch ---- */

struct turn {
	struct request *request;
	struct pintle_inst *sender;
	bool is_off;
};

static int32_t write_turn(struct tx *tx, void *ctx)
{
	const struct turn *turn = ctx;
	int32_t status = gateway_switch(tx, turn->sender, turn->is_off);

	if (status != PINTLE_OK)
		return status;
	return api_audit(turn->request, tx, turn->is_off ? "gateway.disable" : "gateway.enable",
			 turn->sender->name, "success");
}

void api_control_gateway_switch(struct request *request)
{
	const char *name = request_param(request, "name");
	const json_t *enabled = json_object_get(request->fields, "enabled");
	struct turn turn = { .request = request,
			     .sender = instances_find(&request->host->instances, name),
			     .is_off = json_is_false(enabled) };
	struct tx tx = request_tx(request);

	if (!turn.sender || !is_sender(turn.sender))
		answer_error(request, "not_found");
	else if (!json_is_boolean(enabled))
		answer_invalid(request, "enabled", "required");
	else
		answer_status(request, transact(&tx, write_turn, &turn));
}

/* ---- Test messages ---- */

static struct message *test_message(const char *to)
{
	char code[7] = "", text[64];
	const char *const vars[] = { "code", code, NULL };
	const struct pintle_message message = { .size = sizeof(message),
						.purpose = PINTLE_LOGIN,
						.to = to,
						.template_name = TEST_TEMPLATE,
						.vars = vars,
						.subject = "pintle test",
						.text = text,
						.lang = "en" };

	if (!rng_digits(code, sizeof(code) - 1))
		return NULL;
	(void)snprintf(text, sizeof(text), "A test of pintle. No code: %s", code);
	return message_copy("test", &message);
}

static json_t *send_test(struct request *request, struct pintle_inst *sender, const char *to)
{
	struct message *message = test_message(to);
	int32_t status =
		message ? message_send_through(request->host, message, sender) : PINTLE_INTERNAL;

	return json_pack("{s:s, s:s}", "name", sender->name, "result", message_log_word(status));
}

/* Without a name each one that could take it, also those out of rotation: to see whether they are well. */
static bool is_asked(const struct pintle_inst *sender, const char *name, bool is_mail)
{
	if (!is_sender(sender) || !instance_is_up(sender) ||
	    (strcmp(sender->plugin->sender.channel, "mail") == 0) != is_mail)
		return false;
	return name ? strcmp(sender->name, name) == 0 : !gateway_is_off(sender);
}

void api_control_gateway_test(struct request *request)
{
	struct host *host = request->host;
	const char *given = request_field(request, "to"), *name = request_field(request, "name");
	bool is_mail = given && strchr(given, '@');
	char to[IDENTIFIER_MAX];
	json_t *list;

	if (!given || !identifier_canonical(is_mail ? "email" : "phone", given, to)) {
		answer_invalid(request, "to", given ? "format" : "required");
		return;
	}
	list = json_array();
	for (size_t i = 0; i < host->instances.n_items; i++) {
		struct pintle_inst *sender = &host->instances.items[i];

		if (is_asked(sender, name, is_mail))
			(void)json_array_append_new(list, send_test(request, sender, to));
	}
	if (json_array_size(list) > 0) {
		answer_ok(request, list);
		return;
	}
	json_decref(list);
	answer_error(request, "not_found");
}
