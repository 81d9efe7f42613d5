/* SPDX-License-Identifier: Apache-2.0 */
/* The services about the call itself: its fields, its flow, its end. */
#include "identifier.h"
#include "json.h"
#include "report.h"
#include "secrets.h"
#include "side.h"
#include "world.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 4096

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
		call_say_part(call, "kept", name, value);
	}
	return service_leave(status);
}

static const char *kept(struct pintle_call *call, const char *name)
{
	return service_is_late(call, "kept")
		       ? NULL
		       : lent_text(&call->lent, pairs_get(&call->world->kept, name));
}

/* ---- Its memory, its end, and the proof of another ---- */

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
	table->alloc = alloc;
	table->done = done;
	table->prove = prove;
	table->left_ms = left_ms;
}
