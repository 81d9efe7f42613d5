/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "audit.h"
#include "cookie.h"
#include "dispatch.h"
#include "host.h"
#include "identifier.h"
#include "log.h"
#include "metrics.h"

#include <pintle/plugin.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int32_t purpose;
} purposes[] = {
	{ "login", PINTLE_LOGIN }, { "register", PINTLE_REGISTER }, { "bind", PINTLE_BIND },
	{ "reset", PINTLE_RESET }, { "change", PINTLE_CHANGE },
};

bool op_read_purpose(struct request *request, int32_t *purpose)
{
	const char *name = request_field(request, "purpose");

	if (!name)
		return !request->answer.fields;
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
		if (strcmp(purposes[i].name, name) == 0) {
			*purpose = purposes[i].purpose;
			return true;
		}
	}
	answer_invalid(request, "purpose", "not_allowed");
	return false;
}

bool op_needs_account(int32_t purpose)
{
	return purpose == PINTLE_BIND || purpose == PINTLE_CHANGE;
}

bool op_may_have_purpose(struct request *request, int32_t purpose)
{
	if (!op_needs_account(purpose))
		return true;
	if (!request->who.is_known)
		answer_error(request,
			     request_has_credential(request) ? "invalid_token" : "unauthorized");
	else if (strcmp(request->who.session.realm, "user") == 0)
		return true;
	else
		answer_error(request, "forbidden");
	return false;
}

struct pintle_call *op_call(struct request *request, const char *op, int32_t purpose)
{
	request->call = call_new(request->host, request, request->inst, op, purpose);
	request->deadline_ms = request->call->deadline_ms;
	return request->call;
}

void op_answer_fine(struct pintle_call *call)
{
	if (call->outcome.page.status != 0)
		page_answer(call->request, &call->outcome.page);
	else
		answer_ok(call->request, json_incref(call->outcome.data));
	if (call->outcome.remembered)
		cookie_remember(call->request, call->inst->name, call->outcome.remembered);
}

/* What an op ended in, other than OK, as an answer: denials by their names, faults without a reason. */
void op_answer(struct pintle_call *call, int32_t status)
{
	struct request *request = call->request;
	const char *denied =
		call->outcome.denied ? call->outcome.denied : call->inst->plugin->provider.denied;

	switch (status) {
	case PINTLE_DENIED:
		answer_error(request, denied ? denied : "invalid_credentials");
		break;
	case PINTLE_INVALID:
		json_decref(request->answer.fields);
		request->answer.fields = json_incref(call->outcome.fields);
		answer_error(request, "field_invalid");
		break;
	case PINTLE_LIMITED:
		if (call->outcome.limit.policy)
			answer_limited(request, &call->outcome.limit);
		else
			answer_error(request, "rate_limited");
		break;
	case PINTLE_UNAVAILABLE:
		answer_error(request, "provider_unavailable");
		break;
	case PINTLE_TIMEOUT: /* of its own time, or of a store or an upstream it waited for */
		answer_error(request, call_gate(call) == PINTLE_TIMEOUT ? "timeout"
									: "provider_unavailable");
		break;
	default:
		answer_status(request, status);
	}
}

static void note_failed_login(const struct pintle_call *call, const char *error)
{
	const struct call_outcome *outcome = &call->outcome;
	const char *ns = call->has_flow ? call->flow.target_ns : outcome->target_ns;
	const char *subject = call->has_flow ? call->flow.target : outcome->target;
	char masked[IDENTIFIER_MAX] = "";
	struct login_attempt attempt = {
		.user_id = outcome->counted_account.id,
		.provider = call->inst->name,
		.identifier = masked,
		.result = "failure",
		.reason = error,
		.ip = call->request->client_text,
		.user_agent = request_header(call->request, "user-agent"),
	};

	if (subject && *subject)
		mask_subject(ns, subject, masked);
	metrics_count(call->host->self, METRIC_LOGINS_FAILED, 1);
	audit_login_later(call->host->audit, &attempt);
}

int32_t op_audit(struct pintle_call *call, int64_t actor_id, const char *action, const char *target,
		 const char *details)
{
	const struct request *request = call->request;
	const struct audit_entry entry = { .actor_kind = "user",
					   .actor_id = actor_id,
					   .action = action,
					   .target = target,
					   .result = "success",
					   .ip = request->client_text,
					   .request_id = request->id,
					   .details = details };

	return audit_write(&call->tx, &entry);
}

void op_fail(struct pintle_call *call, int32_t status)
{
	op_answer(call, status);
	if (call->request->answer.status == 401)
		note_failed_login(call, call->request->answer.error);
}

/* Only a message that carries a code has a flow, in which it is noted when it is lost. */
static struct message *take_messages(struct pintle_call *call)
{
	struct message *messages = message_list_take(&call->sent);

	for (struct message *message = messages; message; message = message->next)
		if (*message->network)
			(void)snprintf(message->flow_id, sizeof(message->flow_id), "%s",
				       call->flow.id);
	return messages;
}

int32_t op_queue_messages(struct pintle_call *call)
{
	struct message *next;
	int32_t status = PINTLE_OK;

	for (struct message *message = take_messages(call); message; message = next) {
		next = message->next;
		message->next = NULL;
		if (status != PINTLE_OK)
			message_lose(call->host, message);
		else if (!message_queue(call->host, message))
			status = PINTLE_BUSY;
	}
	return status;
}

void op_drop_messages(struct pintle_call *call)
{
	message_lose(call->host, take_messages(call));
}

/* What was done stays done when nobody can be told of it; and is told of, whatever failed after it. */
void op_finish(struct pintle_call *call)
{
	struct request *request = call->request;

	if (request->answer.error && !call->has_changed)
		op_drop_messages(call);
	else if (op_queue_messages(call) != PINTLE_OK)
		log_warn("%s: %s: a message was dropped, the queue is full", call->inst->name,
			 call->op);
	dispatch_finish(request);
}

void op_refuse(struct request *request)
{
	answer_error(request, "not_found");
	dispatch_finish(request);
}

const char *op_flow_name(const struct request *request)
{
	const struct route *route = request->chosen;
	const char *const *names = route->inst ? route->inst->plugin->api.flow_names : NULL;

	for (; names && *names; names += 2) {
		if (strcmp(names[0], route->path) == 0)
			return names[1];
	}
	return "flow_id";
}

const char *op_flow_id(struct request *request)
{
	const char *id = request_param(request, op_flow_name(request));

	return id ? id : request_field(request, op_flow_name(request));
}
