/* SPDX-License-Identifier: Apache-2.0 */
/* The services about the call itself: its fields, its flow, its outcome. */
#include "identifier.h"
#include "json.h"
#include "report.h"
#include "secrets.h"
#include "side.h"
#include "utf8.h"
#include "world.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECT_MAX 255
#define VALUE_MAX 65536
#define KEPT_MAX 4096

static void say_part(struct pintle_call *call, const char *group, const char *name,
		     const char *value)
{
	char whole[128];

	(void)snprintf(whole, sizeof(whole), "%s.%s", group, name);
	call_say(call, whole, value);
}

/* ---- The request ---- */

static const char *input(struct pintle_call *call, const char *group, const char *name)
{
	char whole[128];
	const char *value = NULL;

	if (service_is_late(call, "a getter") || !name)
		return NULL;
	(void)snprintf(whole, sizeof(whole), "%s%s", group, name);
	value = pairs_get(call->fields, whole);
	return lent_text(&call->lent, value);
}

static const char *field(struct pintle_call *call, const char *name)
{
	return input(call, "", name);
}

static const char *quoted(struct pintle_call *call, const char *text)
{
	json_t *json = json_string(text);
	char *dumped = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
	const char *lent = lent_text(&call->lent, dumped);

	free(dumped);
	json_decref(json);
	return lent;
}

static const char *field_json(struct pintle_call *call, const char *name, size_t *len_out)
{
	const char *json = input(call, "json.", name), *text = json ? NULL : field(call, name);

	(void)side_enter(SIDE_HOST);
	if (text)
		json = quoted(call, text);
	if (len_out)
		*len_out = json ? strlen(json) : 0;
	(void)side_enter(SIDE_PLUGIN);
	return json;
}

static const void *body(struct pintle_call *call, size_t *len_out)
{
	const char *text = input(call, "call.", "body");

	*len_out = text ? strlen(text) : 0;
	return text;
}

static const char *header(struct pintle_call *call, const char *name)
{
	return input(call, "header.", name);
}

static const char *param(struct pintle_call *call, const char *name)
{
	return input(call, "param.", name);
}

static const char *client(struct pintle_call *call)
{
	const char *given = input(call, "call.", "client");

	return given ? given : lent_text(&call->lent, "192.0.2.7");
}

static const char *lang(struct pintle_call *call)
{
	const char *given = input(call, "call.", "lang");

	return given ? given : lent_text(&call->lent, "en");
}

static int32_t purpose(struct pintle_call *call)
{
	return call->purpose;
}

static int64_t user(struct pintle_call *call)
{
	return call->world->user;
}

static const char *canonical(struct pintle_call *call, const char *kind, const char *text)
{
	char out[IDENTIFIER_MAX];
	const char *lent = NULL;

	(void)side_enter(SIDE_HOST);
	if (!service_is_late(call, "canonical") && identifier_canonical(kind, text, out)) {
		secrets_add(&call->world->secrets, "an identifier", out);
		lent = lent_text(&call->lent, out);
	}
	(void)side_enter(SIDE_PLUGIN);
	return lent;
}

static const char *fixed_code(struct pintle_call *call, const char *to)
{
	(void)to;
	return input(call, "call.", "fixed_code");
}

/* ---- The flow ---- */

static int32_t target(struct pintle_call *call, const char *ns, const char *subject)
{
	int32_t status = service_enter(call, "target");
	char text[512];

	if (!call_text_ok(call, "target", ns) || !call_text_ok(call, "target", subject))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK) {
		(void)snprintf(text, sizeof(text), "%s %s", ns, subject);
		call_say(call, "target", text);
		call->has_target = true;
	}
	return service_leave(status);
}

static size_t kept_size(const struct pairs *kept)
{
	size_t size = 0;

	for (size_t i = 0; i < kept->n; i++)
		size += strlen(kept->items[i].name) + strlen(kept->items[i].value);
	return size;
}

static int32_t keep(struct pintle_call *call, const char *name, const char *value)
{
	struct pairs *kept = &call->world->kept;
	int32_t status = service_enter(call, "keep");

	if (!call_text_ok(call, "keep", name) || !call_text_ok(call, "keep", value) ||
	    kept_size(kept) + strlen(name) + strlen(value) > KEPT_MAX)
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK) {
		pairs_put(kept, name, value);
		say_part(call, "kept", name, value);
	}
	return service_leave(status);
}

static const char *kept(struct pintle_call *call, const char *name)
{
	return service_is_late(call, "kept")
		       ? NULL
		       : lent_text(&call->lent, pairs_get(&call->world->kept, name));
}

/* ---- The outcome ---- */

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

static int32_t name_subject(struct pintle_call *call, const char *ns, const char *subject)
{
	int32_t status = service_enter(call, "subject");
	bool is_its = ns && inst_owns(call->inst, ns);
	const char *why = why_no_subject(call, ns, subject, is_its);
	char text[512];

	if (why) {
		report_fail("V01", "%s: it %s", call->op, why);
		status = PINTLE_INTERNAL;
	}
	if (status == PINTLE_OK) {
		(void)snprintf(text, sizeof(text), "%s %s", ns, subject);
		call_say(call, "subject", text);
	}
	return service_leave(status);
}

static int32_t name_also(struct pintle_call *call, const char *ns, const char *subject)
{
	int32_t status = service_enter(call, "also");
	bool is_its = ns && (inst_owns(call->inst, ns) || inst_vouches(call->inst, ns));
	const char *why = pairs_get(&call->said, "subject")
				  ? why_no_subject(call, ns, subject, is_its)
				  : "names another subject before its first";
	char text[512];

	if (why) {
		report_fail("V01", "%s: it %s", call->op, why);
		status = PINTLE_INTERNAL;
	}
	if (status == PINTLE_OK) {
		(void)snprintf(text, sizeof(text), "%s %s", ns, subject);
		call_say(call, "also", text);
	}
	return service_leave(status);
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
		say_part(call, group, name, value);
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

static void *alloc(struct pintle_call *call, size_t len)
{
	int32_t status = service_enter(call, "alloc");
	void *ptr = status == PINTLE_OK ? lent_alloc(&call->lent, len) : NULL;

	(void)service_leave(status);
	return ptr;
}

static void done(struct pintle_call *call, int32_t status)
{
	(void)side_enter(SIDE_HOST);
	(void)pthread_mutex_lock(&call->mutex);
	if (++call->n_done > 1 || call->state == CALL_OVER) {
		report_fail("D01", "%s: done() for a call that has ended already", call->op);
	} else {
		call->done_status = status;
		/* While the op has not returned yet it may still read what it was lent. */
		if (call->state == CALL_PENDING)
			lent_end(&call->lent);
		call->state = call->state == CALL_PENDING ? CALL_OVER : call->state;
	}
	(void)pthread_mutex_unlock(&call->mutex);
	(void)side_enter(SIDE_PLUGIN);
}

static int32_t prove(struct pintle_call *call, const char *ns, const char **subject_out)
{
	int32_t status = service_enter(call, "prove");
	const struct world *world = call->world;

	if (status == PINTLE_OK && world->prove_status != PINTLE_OK)
		status = world->prove_status;
	if (status == PINTLE_OK && (!world->prove_ns || strcmp(world->prove_ns, ns) != 0))
		status = PINTLE_DENIED;
	if (status == PINTLE_OK)
		*subject_out = lent_text(&call->lent, world->prove_subject);
	return service_leave(status);
}

static int64_t left_ms(struct pintle_call *call)
{
	const struct twist *twist = call->world->twist;

	return twist && twist->kind == TWIST_LATE && twist->has_come ? 0 : 5000;
}

void services_fill_call(struct pintle_host *table)
{
	table->field = field;
	table->field_json = field_json;
	table->body = body;
	table->header = header;
	table->param = param;
	table->client = client;
	table->lang = lang;
	table->purpose = purpose;
	table->user = user;
	table->canonical = canonical;
	table->target = target;
	table->fixed_code = fixed_code;
	table->keep = keep;
	table->kept = kept;
	table->subject = name_subject;
	table->account = name_account;
	table->also = name_also;
	table->claim = claim;
	table->set = set;
	table->set_int = set_int;
	table->set_json = set_json;
	table->invalid = invalid;
	table->detail = detail;
	table->alloc = alloc;
	table->done = done;
	table->prove = prove;
	table->left_ms = left_ms;
}
