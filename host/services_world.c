/* SPDX-License-Identifier: Apache-2.0 */
/* Services on the world outside the call: HTTP, messages, time, log, the loop, recurring work. */
#include "call.h"
#include "clock.h"
#include "host.h"
#include "http_client.h"
#include "log.h"
#include "namespace.h"
#include "receipt.h"
#include "request.h"
#include "resolve.h"
#include "send_gate.h"
#include "services.h"
#include "test_number.h"
#include "watch.h"

#include <string.h>

static int32_t http(struct pintle_call *call, const struct pintle_request *given,
		    struct pintle_answer *out)
{
	struct pintle_request mine = { 0 };
	int32_t status = call_gate(call);
	struct err why = { "" };

	if (status != PINTLE_OK)
		return status;
	if (call->tx.open)
		return PINTLE_INTERNAL;
	memcpy(&mine, given, given->size < sizeof(mine) ? given->size : sizeof(mine));
	mine.size = sizeof(mine);
	status = http_client_do(call->host->client, &call->arena, &mine, call->deadline_ms, out,
				&why);
	if (PINTLE_IS_FAULT(status) && !call->outcome.detail)
		call->outcome.detail = arena_strdup(&call->arena, why.text);
	return status;
}

/* Where nobody waits for the op any more, who gave back what it had sent may have missed this one. */
static int32_t add_message(struct pintle_call *call, const char *group,
			   const struct pintle_message *text)
{
	struct message *message = message_copy(group, text);

	if (strcmp(call->op, "begin") == 0 && !(text->flags & PINTLE_MESSAGE_NOTICE))
		address_network(&call->request->client, message->network);
	message_list_add(&call->sent, message);
	if (call_gate(call) != PINTLE_TIMEOUT)
		return PINTLE_OK;
	call_lose_messages(call);
	return PINTLE_TIMEOUT;
}

static int32_t send_message(struct pintle_call *call, const char *group,
			    const struct pintle_message *given)
{
	struct pintle_message mine = { 0 };
	int32_t status;

	memcpy(&mine, given, given->size < sizeof(mine) ? given->size : sizeof(mine));
	status = group ? send_gate(call, group, &mine) : PINTLE_INTERNAL;
	call->outcome.has_sent = call->outcome.has_sent || status == PINTLE_OK;
	if (status == PINTLE_OK && !test_number_is(call->host->test_numbers, mine.to))
		status = add_message(call, group, &mine);
	return status;
}

static int32_t charge(struct pintle_call *call, const char *to)
{
	const struct pintle_message message = { .to = to, .purpose = call->purpose };
	int32_t status = PINTLE_INTERNAL;

	if (strcmp(call->op, "begin") == 0)
		status = send_gate(call, NULL, &message);
	if (status == PINTLE_OK) {
		call->outcome.has_sent = true;
		call->outcome.charged = test_number_is(call->host->test_numbers, to)
						? NULL
						: arena_strdup(&call->arena, to);
	}
	return status;
}

static void log_text(struct pintle_inst *inst, int32_t level, const char *text)
{
	log_line(level < PINTLE_LOG_ERROR || level > PINTLE_LOG_DEBUG ? LOG_INFO
								      : (enum log_level)level,
		 "%s: %s", inst->name, text);
}

static const char *inst_name(struct pintle_inst *inst)
{
	return inst->name;
}

static const char *state_dir(struct pintle_inst *inst)
{
	return inst->host->settings->server.state_dir;
}

static int32_t is_development(struct pintle_inst *inst)
{
	const struct settings *settings = inst->host->settings;

	return settings->server.mode == MODE_DEVELOPMENT || settings_is_loopback(settings);
}

static int32_t resolve(struct pintle_inst *inst, const char *name, int64_t timeout_ms, char *out,
		       size_t out_len)
{
	(void)inst;
	return resolve_name(name, timeout_ms, out, out_len);
}

void services_fill_world(struct pintle_host *table)
{
	table->http = http;
	table->send = send_message;
	table->now_ms = clock_now_ms;
	table->mono_ms = clock_mono_ms;
	table->log = log_text;
	table->inst_name = inst_name;
	table->state_dir = state_dir;
	table->is_development = is_development;
	table->watch = watch_fd;
	table->timer = watch_timer;
	table->every = watch_every;
	table->resolve = resolve;
	table->receipt = receipt_note;
	table->charge = charge;
	table->describe_instance = namespace_describe;
}
