/* SPDX-License-Identifier: Apache-2.0 */
#include "send_gate.h"

#include "audit.h"
#include "host.h"
#include "json.h"
#include "log.h"
#include "message.h"
#include "metrics.h"
#include "request.h"
#include "send_limit.h"
#include "test_number.h"

#include <string.h>

static void log_alarm(const struct limit_hit *hit, const struct send_alarm *alarm)
{
	if (alarm->is_missing)
		log_error("alarm: codes for %s are not entered; none is sent for %lld s, or until "
			  "pintlectl send lift %s",
			  alarm->what, (long long)(hit->retry_ms / 1000), alarm->what);
	else
		log_error("alarm: the budget %s of %lld messages to %s is spent; none is sent for "
			  "%lld s",
			  hit->policy, (long long)hit->quota, alarm->what,
			  (long long)(hit->retry_ms / 1000));
}

/* Losing the line loses no alarm: it is in the log and in the metrics. */
static void audit_alarm(struct pintle_call *call, const char *policy, const char *what)
{
	const struct audit_entry entry = { .actor_kind = "system",
					   .action = policy,
					   .target = what,
					   .result = "held",
					   .ip = call->request->client_text,
					   .request_id = call->request->id };

	if (audit_write(&call->tx, &entry) != PINTLE_OK)
		log_warn("audit log: the alarm about %s was not written", what);
}

static void refused(struct pintle_call *call, const struct send_alarm *alarm)
{
	const struct limit_hit *hit = &call->outcome.limit;
	struct board_worker *self = call->host->self;

	metrics_count(self, METRIC_SENDS_REFUSED, 1);
	if (!alarm->is_first)
		return;
	metrics_count(self, alarm->is_missing ? METRIC_ALARMS_MISSING : METRIC_ALARMS_BUDGET, 1);
	log_alarm(hit, alarm);
	audit_alarm(call, hit->policy, alarm->what);
}

static const char *device_of(const struct request *request)
{
	return json_text_member(json_object_get(request->fields, "device"), "device_id");
}

static enum send_kind kind_of(const struct pintle_call *call, const struct pintle_message *message)
{
	if (message->flags & PINTLE_MESSAGE_NOTICE)
		return SEND_NOTICE;
	return strcmp(call->op, "begin") == 0 ? SEND_CODE : SEND_OTHER;
}

static struct send send_of(const struct pintle_call *call, const struct pintle_message *message)
{
	return (struct send){ .to = message->to,
			      .client = &call->request->client,
			      .device = device_of(call->request),
			      .kind = kind_of(call, message) };
}

static int32_t count_free(struct pintle_call *call, const struct send *send)
{
	return send_limit_count_free(&call->host->limits, &call->arena, send, call->deadline_ms,
				     &call->outcome.limit);
}

static int32_t count(struct pintle_call *call, const struct send *send)
{
	const struct host *host = call->host;
	struct send_alarm alarm = { 0 };
	int32_t status = send_limit_count(&host->limits, &call->arena, send, call->deadline_ms,
					  &call->outcome.limit, &alarm);

	if (status == PINTLE_LIMITED)
		refused(call, &alarm);
	else if (status == PINTLE_OK && send->kind == SEND_CODE)
		metrics_count(host->self, METRIC_CODES_SENT, 1);
	return status;
}

int32_t send_gate(struct pintle_call *call, const char *group, const struct pintle_message *message)
{
	struct host *host = call->host;
	const char *to = message->to;
	int32_t gate = call_gate(call);
	struct send send;

	if (gate != PINTLE_OK)
		return gate;
	if (call->tx.open || !call->request || !to || (group && !group_exists(host, group)))
		return PINTLE_INTERNAL;
	send = send_of(call, message);
	if (test_number_is(host->test_numbers, to))
		return count_free(call, &send);
	if (!send_limit_country_ok(&host->settings->limits, to))
		return PINTLE_FORBIDDEN;
	if (group && !message_group_ok(host, group, to, message->purpose))
		return PINTLE_UNAVAILABLE;
	return count(call, &send);
}
