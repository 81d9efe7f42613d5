/* SPDX-License-Identifier: Apache-2.0 */
#include "waiting.h"

#include "event.h"
#include "host.h"
#include "json.h"
#include "request.h"

#include <openssl/crypto.h>
#include <string.h>

static struct flows flows_of(const struct pintle_call *call)
{
	return (struct flows){ .kv = &call->host->kv, .seal = call->host->seal };
}

static bool is_decided(const struct pintle_call *call)
{
	return call->state_before >= FLOW_CONFIRMED;
}

/* ---- The opener's side ---- */

int32_t waiting_look(const struct pintle_call *call)
{
	const struct flow *flow = &call->flow;

	if (!call->has_flow || !flow->waits || flow->state == FLOW_CONFIRMED)
		return PINTLE_OK;
	return flow->state == FLOW_FAILED ? PINTLE_DENIED : PINTLE_PENDING;
}

/* A grant is good for its own flow. */
static void hash_grant(const struct pintle_call *call, const char *text,
		       char out[2 * SEAL_MAC_LEN + 1])
{
	struct arena arena = { 0 };

	seal_blind(call->host->seal, "flow grant",
		   arena_printf(&arena, "%s\n%s", call->flow.id, text), out);
	arena_fini(&arena);
}

int32_t waiting_check_grant(struct pintle_call *call)
{
	const json_t *field = json_object_get(call->request->fields, "grant");
	const char *given = json_text_member(call->request->fields, "grant");
	char hash[2 * SEAL_MAC_LEN + 1];

	if (!call->has_flow || !*call->flow.grant)
		return PINTLE_OK;
	if (field && !json_is_null(field) && !json_is_string(field))
		return call_invalid(call, "grant", "type");
	hash_grant(call, given ? given : "", hash);
	return CRYPTO_memcmp(hash, call->flow.grant, sizeof(hash)) == 0 ? PINTLE_OK : PINTLE_DENIED;
}

/* ---- The other side ---- */

static bool is_op(const struct pintle_call *call, const char *name)
{
	return strcmp(call->op, name) == 0;
}

static int32_t take_over(struct pintle_call *call, int32_t status, const struct flow *found,
			 enum call_flow how)
{
	if (status != PINTLE_OK)
		return status == PINTLE_NOT_FOUND ? PINTLE_EXPIRED : status;
	flow_fini(&call->flow);
	call->flow = *found;
	call->opened = how;
	call->purpose = found->purpose;
	call->state_before = found->state;
	return PINTLE_OK;
}

/* Who has looked may change after all, with a ticket; not the other way round. */
static int32_t may_open(const struct pintle_call *call, enum call_flow how)
{
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (call->tx.open || call->outcome.subject || call->outcome.account_id != 0)
		return PINTLE_INTERNAL;
	return call->opened < how && (is_op(call, "callback") || is_op(call, "op"))
		       ? PINTLE_OK
		       : PINTLE_INTERNAL;
}

int32_t waiting_open(struct pintle_call *call, const char *ticket)
{
	struct flows flows = flows_of(call);
	struct flow found = { 0 };
	int32_t status = may_open(call, CALL_FLOW_TO_CHANGE);

	if (status == PINTLE_OK)
		status = ticket ? ticket_open(&flows, &call->arena, call->inst->name, ticket,
					      call->deadline_ms, &found)
				: PINTLE_NOT_FOUND;
	return take_over(call, status, &found, CALL_FLOW_TO_CHANGE);
}

int32_t waiting_open_to_poll(struct pintle_call *call, const char *flow_id)
{
	struct flows flows = flows_of(call);
	struct flow found = { 0 };
	int32_t status = flow_load(&flows, &call->arena, flow_id, call->deadline_ms, &found);

	if (status == PINTLE_OK && (!found.waits || found.state >= FLOW_CONFIRMED ||
				    strcmp(found.instance, call->inst->name) != 0)) {
		flow_fini(&found);
		status = PINTLE_NOT_FOUND;
	}
	return take_over(call, status, &found, CALL_FLOW_TO_CHANGE);
}

int32_t waiting_read(struct pintle_call *call, const char *flow_id)
{
	struct flows flows = flows_of(call);
	struct flow found = { 0 };
	int32_t status = may_open(call, CALL_FLOW_TO_READ);

	if (status == PINTLE_OK)
		status = flow_id ? flow_load(&flows, &call->arena, flow_id, call->deadline_ms,
					     &found)
				 : PINTLE_NOT_FOUND;
	if (status == PINTLE_OK && strcmp(found.instance, call->inst->name) != 0) {
		flow_fini(&found);
		status = PINTLE_NOT_FOUND;
	}
	return take_over(call, status, &found, CALL_FLOW_TO_READ);
}

int32_t waiting_set_state(struct pintle_call *call, const char *name)
{
	enum flow_state state;
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (call->opened != CALL_FLOW_TO_CHANGE || !name || !flow_state_of(name, &state) ||
	    state == FLOW_PENDING)
		return PINTLE_INTERNAL;
	if (is_decided(call) || state < call->flow.state)
		return PINTLE_CONFLICT;
	call->flow.state = state;
	return PINTLE_OK;
}

const char *waiting_ticket(struct pintle_call *call, uint32_t flags)
{
	struct ticket *ticket = &call->tickets[call->n_tickets];

	if (call_gate(call) == PINTLE_TIMEOUT || call->n_tickets == CALL_TICKETS ||
	    !(is_op(call, "begin") || call->opened == CALL_FLOW_TO_CHANGE) ||
	    !ticket_make((flags & PINTLE_TICKET_ONCE) != 0, ticket))
		return NULL;
	call->flow.waits |= is_op(call, "begin") && !(flags & PINTLE_TICKET_BESIDE);
	call->n_tickets++;
	return ticket->text;
}

const char *waiting_grant(struct pintle_call *call)
{
	char *text;

	if (call_gate(call) == PINTLE_TIMEOUT || call->opened != CALL_FLOW_TO_CHANGE ||
	    is_decided(call))
		return NULL;
	text = arena_alloc(&call->arena, RNG_WORD_LEN + 1);
	if (!rng_word(text))
		return NULL;
	hash_grant(call, text, call->flow.grant);
	return text;
}

int32_t waiting_store_tickets(struct pintle_call *call)
{
	struct flows flows = flows_of(call);
	int32_t status = PINTLE_OK;

	for (size_t i = 0; i < call->n_tickets && status == PINTLE_OK; i++)
		status = ticket_store(&flows, &call->arena, &call->tickets[i], &call->flow,
				      call->deadline_ms);
	return status;
}

int32_t waiting_store(struct pintle_call *call)
{
	struct flows flows = flows_of(call);
	int32_t status;

	if (call->opened != CALL_FLOW_TO_CHANGE)
		return PINTLE_OK;
	status = call_gate(call);
	if (status == PINTLE_OK)
		status = flow_update(&flows, &call->arena, &call->flow, call->deadline_ms);
	if (status == PINTLE_NOT_FOUND)
		return PINTLE_EXPIRED;
	if (status == PINTLE_OK && call->flow.state != call->state_before)
		waiting_tell(call->host, call->flow.id, flow_state_name(call->flow.state));
	return status == PINTLE_OK ? waiting_store_tickets(call) : status;
}

void waiting_tell(struct host *host, const char *flow_id, const char *state)
{
	const struct flows flows = { .kv = &host->kv, .seal = host->seal };
	char name[2 * SEAL_MAC_LEN + 1];

	flow_event_name(&flows, flow_id, name);
	event_tell(host, "flow", json_pack("{s:s, s:s}", "flow", name, "state", state));
}
