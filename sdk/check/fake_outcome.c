/* SPDX-License-Identifier: Apache-2.0 */
/* The services by which an op says what has come of it: whom it has proved, its data, what is wrong. */
#include "identifier.h"
#include "json.h"
#include "report.h"
#include "secrets.h"
#include "side.h"
#include "utf8.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

#define SUBJECT_MAX 255
#define VALUE_MAX 65536

/* Who comes by a ticket or to a callback has not opened the flow. */
static const char *why_nobody(const struct pintle_call *call)
{
	return strcmp(call->op, "callback") == 0 || call->flow != FLOW_NONE
		       ? "names somebody, which is for verify alone"
		       : NULL;
}

/* What the host would refuse, or would have to take for another person. */
static const char *why_no_subject(const struct pintle_call *call, const char *ns,
				  const char *subject, bool is_its)
{
	static const char *const kinds[] = { "phone", "email", "username" };
	char out[IDENTIFIER_MAX];

	if (why_nobody(call))
		return why_nobody(call);
	if (!ns || !subject || !*subject)
		return "names no subject";
	if (!is_its)
		return "names a subject in a namespace it has not declared";
	if (strlen(subject) > SUBJECT_MAX || !utf8_is_valid(subject))
		return "names a subject that is too long or not UTF-8";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i], ns) == 0 &&
		    !(identifier_canonical(ns, subject, out) && strcmp(out, subject) == 0))
			return "names a subject that is not in its canonical spelling";
	}
	return NULL;
}

/* why: what is wrong with it; NULL when nothing is. */
static int32_t say_identity(struct pintle_call *call, const char *service, const char *ns,
			    const char *subject, const char *why)
{
	int32_t status = service_enter(call, service);
	char text[512];

	if (why) {
		report_fail("V01", "%s: it %s", call->op, why);
		status = PINTLE_INTERNAL;
	}
	if (status == PINTLE_OK) {
		(void)snprintf(text, sizeof(text), "%s %s", ns, subject);
		call_say(call, service, text);
	}
	return service_leave(status);
}

static int32_t name_subject(struct pintle_call *call, const char *ns, const char *subject)
{
	bool is_its = ns && inst_owns(call->inst, ns);

	return say_identity(call, "subject", ns, subject,
			    why_no_subject(call, ns, subject, is_its));
}

static int32_t name_also(struct pintle_call *call, const char *ns, const char *subject)
{
	bool is_its = ns && (inst_owns(call->inst, ns) || inst_vouches(call->inst, ns));

	return say_identity(call, "also", ns, subject,
			    pairs_get(&call->said, "subject")
				    ? why_no_subject(call, ns, subject, is_its)
				    : "names another subject before its first");
}

static int32_t name_account(struct pintle_call *call, int64_t account_id)
{
	int32_t status = service_enter(call, "account");
	const struct pairs *accounts = &call->world->accounts;
	const char *name = NULL;
	char number[32];

	(void)snprintf(number, sizeof(number), "%lld", (long long)account_id);
	for (size_t i = 0; i < accounts->n; i++) {
		if (strcmp(accounts->items[i].value, number) == 0)
			name = accounts->items[i].name;
	}
	if (!name) {
		report_fail("V01", "%s: it names account %s, which there is not", call->op, number);
		status = PINTLE_INTERNAL;
	} else if (why_nobody(call)) {
		report_fail("V01", "%s: it %s", call->op, why_nobody(call));
		status = PINTLE_INTERNAL;
	}
	if (status == PINTLE_OK)
		call_say(call, "account", name);
	return service_leave(status);
}

static int32_t put(struct pintle_call *call, const char *service, const char *group,
		   const char *name, const char *value)
{
	int32_t status = service_enter(call, service);

	if (!call_text_ok(call, service, name) || !call_text_ok(call, service, value) ||
	    strlen(value) > VALUE_MAX)
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK)
		call_say_part(call, group, name, value);
	return service_leave(status);
}

static int32_t claim(struct pintle_call *call, const char *name, const char *value)
{
	return put(call, "claim", "claim", name, value);
}

static int32_t set(struct pintle_call *call, const char *name, const char *value)
{
	return put(call, "set", "data", name, value);
}

static int32_t set_int(struct pintle_call *call, const char *name, int64_t value)
{
	char number[32];

	(void)snprintf(number, sizeof(number), "%lld", (long long)value);
	return put(call, "set_int", "data", name, number);
}

static int32_t set_json(struct pintle_call *call, const char *name, const char *json)
{
	json_t *parsed;
	const char *why;

	(void)side_enter(SIDE_HOST);
	parsed = json ? json_parse(json, strlen(json), &why) : NULL;
	json_decref(parsed);
	(void)side_enter(SIDE_PLUGIN);
	if (parsed)
		return put(call, "set_json", "data", name, json);
	report_fail("X02", "%s: set_json is given what is no JSON", call->op);
	return PINTLE_INTERNAL;
}

static int32_t invalid(struct pintle_call *call, const char *name, const char *reason)
{
	char text[256];

	(void)side_enter(SIDE_HOST);
	if (call_text_ok(call, "invalid", name) && call_text_ok(call, "invalid", reason)) {
		(void)snprintf(text, sizeof(text), "%s %s", name, reason);
		call_say(call, "invalid", text);
	}
	return service_leave(PINTLE_INVALID);
}

static void detail(struct pintle_call *call, const char *text)
{
	(void)side_enter(SIDE_HOST);
	if (!service_is_late(call, "detail") && call_text_ok(call, "detail", text)) {
		secrets_look(&call->world->secrets, text, call->op, "detail()");
		secrets_look(&call->inst->secrets, text, call->op, "detail()");
		call_say(call, "detail", text);
	}
	(void)side_enter(SIDE_PLUGIN);
}

void services_fill_outcome(struct pintle_host *table)
{
	table->subject = name_subject;
	table->account = name_account;
	table->also = name_also;
	table->claim = claim;
	table->set = set;
	table->set_int = set_int;
	table->set_json = set_json;
	table->invalid = invalid;
	table->detail = detail;
}
