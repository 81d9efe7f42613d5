/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a flow is JSON; what most flows do not have stands in it only where it says something. */
#include "flow.h"

#include "json.h"

#include <pintle/status.h>
#include <string.h>

#define RECORD_VERSION 1
#define RECORD_MEMBERS 16 /* more than the record has besides what is kept */

/* Texts of a jansson object are its own memory, so they may be overwritten before it goes. */
void flow_fini(struct flow *flow)
{
	const char *name;
	json_t *value;

	json_object_foreach(flow->kept, name, value) {
		explicit_bzero((char *)json_string_value(value), json_string_length(value));
	}
	json_decref(flow->kept);
	flow->kept = NULL;
}

/* ---- States ---- */

static const char *const states[] = { "pending", "scanned", "confirmed", "failed" };

const char *flow_state_name(enum flow_state state)
{
	return states[state];
}

bool flow_state_of(const char *name, enum flow_state *out)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(states[i], name) == 0) {
			*out = (enum flow_state)i;
			return true;
		}
	}
	return false;
}

/* ---- The record ---- */

static bool kept_fits(const json_t *kept)
{
	const char *name;
	json_t *value;
	size_t len = 0;

	if (json_object_size(kept) > JSON_MAX_KEYS - RECORD_MEMBERS)
		return false;
	json_object_foreach((json_t *)kept, name, value) {
		len += strlen(name) + json_string_length(value);
	}
	return len <= FLOW_KEPT_MAX;
}

static void add_rare(json_t *record, const struct flow *flow)
{
	if (*flow->network)
		json_object_set_new(record, "network", json_string(flow->network));
	if (flow->was_right)
		json_object_set_new(record, "right", json_true());
	if (flow->waits)
		json_object_set_new(record, "waits", json_true());
	if (flow->state != FLOW_PENDING)
		json_object_set_new(record, "state", json_string(flow_state_name(flow->state)));
	if (*flow->grant)
		json_object_set_new(record, "grant", json_string(flow->grant));
}

char *flow_encode(struct arena *arena, const struct flow *flow, size_t *len_out)
{
	json_t *kept = flow->kept ? json_incref(flow->kept) : json_object();
	char *text = NULL;
	json_t *record = json_pack(
		"{s:i, s:s, s:s, s:i, s:I, s:s, s:s, s:s, s:I, s:I, s:o}", "v", RECORD_VERSION,
		"id", flow->id, "instance", flow->instance, "purpose", (int)flow->purpose,
		"account", (json_int_t)flow->account_id, "session", flow->session, "ns",
		flow->target_ns, "target", flow->target, "created", (json_int_t)flow->created_ms,
		"expires", (json_int_t)flow->expires_ms, "kept", kept);

	if (record && kept_fits(kept)) {
		add_rare(record, flow);
		text = json_text(arena, record);
		*len_out = strlen(text);
	}
	json_decref(record);
	return text;
}

static bool copy(char *out, size_t max, const char *text)
{
	size_t len = strlen(text);

	if (len >= max)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool all_texts(const json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value) {
		if (!json_is_string(value))
			return false;
	}
	return json_is_object(object);
}

static bool read_record(struct flow *flow, json_t *record)
{
	const char *id, *instance, *session, *ns, *target;
	const char *network = "", *state = states[FLOW_PENDING], *grant = "";
	json_int_t account, created, expires;
	int version, purpose, right = 0, waits = 0;
	json_t *kept;

	if (json_unpack_ex(record, NULL, JSON_STRICT,
			   "{s:i, s:s, s:s, s:i, s:I, s:s, s:s, s:s, s:I, s:I, s:o, s?s, s?b, s?b, "
			   "s?s, s?s}",
			   "v", &version, "id", &id, "instance", &instance, "purpose", &purpose,
			   "account", &account, "session", &session, "ns", &ns, "target", &target,
			   "created", &created, "expires", &expires, "kept", &kept, "network",
			   &network, "right", &right, "waits", &waits, "state", &state, "grant",
			   &grant) != 0)
		return false;
	if (version != RECORD_VERSION || purpose < PINTLE_LOGIN || purpose > PINTLE_MFA ||
	    !all_texts(kept) || !copy(flow->id, sizeof(flow->id), id) ||
	    !copy(flow->instance, sizeof(flow->instance), instance) ||
	    !copy(flow->session, sizeof(flow->session), session) ||
	    !copy(flow->target_ns, sizeof(flow->target_ns), ns) ||
	    !copy(flow->target, sizeof(flow->target), target) ||
	    !copy(flow->network, sizeof(flow->network), network) ||
	    !flow_state_of(state, &flow->state) || !copy(flow->grant, sizeof(flow->grant), grant))
		return false;
	flow->was_right = right != 0;
	flow->waits = waits != 0;
	flow->purpose = purpose;
	flow->account_id = account;
	flow->created_ms = created;
	flow->expires_ms = expires;
	flow->kept = json_incref(kept);
	return true;
}

bool flow_decode(struct flow *flow, const void *bytes, size_t len)
{
	const char *why;
	json_t *record = json_parse(bytes, len, &why);
	bool ok;

	*flow = (struct flow){ 0 };
	ok = record && read_record(flow, record);
	json_decref(record);
	return ok;
}
