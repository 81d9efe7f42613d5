/* SPDX-License-Identifier: Apache-2.0 */
/* The order of writes in flow_store is such that a crash leaves at most a flow nobody knows of, never two
 * that are good for the same target. */
#include "flow.h"

#include "clock.h"

#include <pintle/status.h>
#include <string.h>

#define SWAP_TRIES 8
#define STATE_TTL_MS 3600000 /* longer than any flow lives */

/* Ids come from clients: what rng_id could not have made is not looked for. */
static bool id_ok(const char *id)
{
	return strlen(id) == RNG_ID_LEN &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
		       RNG_ID_LEN;
}

static const char *record_key(struct arena *arena, const char *id)
{
	return arena_printf(arena, "f:%s", id);
}

/* None of the parts can hold a line end. */
static const char *pointer_key(const struct flows *flows, struct arena *arena,
			       const struct flow *flow)
{
	const char *text = arena_printf(arena, "%s\n%d\n%s\n%s", flow->instance, flow->purpose,
					flow->target_ns, flow->target);
	char blind[2 * SEAL_MAC_LEN + 1];

	seal_blind(flows->seal, "flow target", text, blind);
	return arena_printf(arena, "fl:%s", blind);
}

static int32_t read_pointer(const struct flows *flows, struct arena *arena, const char *key,
			    int64_t deadline_ms, const char **id_out)
{
	struct pintle_kv_request get = kv_get(key);
	struct kv_result result = { 0 };
	int32_t status = kv_do(flows->kv, &get, deadline_ms, arena, &result);

	if (status == PINTLE_OK)
		*id_out = result.value ? result.value : "";
	return status;
}

/* Does what add asks for if the pointer still holds *former (NULL: if there is none). CONFLICT, NOT_FOUND:
 * it does not, and *former is what it holds. */
static int32_t move_pointer(const struct flows *flows, struct arena *arena,
			    const struct pintle_kv_request *add, const char **former,
			    int64_t deadline_ms)
{
	struct pintle_kv_request request = *add;
	struct kv_result present = { 0 };
	int32_t status;

	if (*former) {
		request.op = PINTLE_KV_SWAP;
		request.expect = *former;
		request.expect_len = strlen(*former);
	}
	status = kv_do(flows->kv, &request, deadline_ms, arena, &present);
	*former = status == PINTLE_CONFLICT ? present.value : NULL;
	return status;
}

static int32_t delete_record(const struct flows *flows, struct arena *arena, const char *id,
			     int64_t deadline_ms)
{
	struct pintle_kv_request request = kv_delete(record_key(arena, id));
	int32_t status = kv_do(flows->kv, &request, deadline_ms, arena, NULL);

	return status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}

/* Of two that replace the same flow at once, the one that comes second also ends the first. */
static int32_t replace_former(const struct flows *flows, struct arena *arena,
			      const struct flow *flow, const struct pintle_kv_request *add,
			      const char *former, int64_t deadline_ms)
{
	for (int i = 0; i < SWAP_TRIES; i++) {
		int32_t status = PINTLE_OK;

		if (former && strcmp(former, flow->id) != 0)
			status = delete_record(flows, arena, former, deadline_ms);
		if (status == PINTLE_OK)
			status = move_pointer(flows, arena, add, &former, deadline_ms);
		if (status != PINTLE_CONFLICT && status != PINTLE_NOT_FOUND)
			return status;
	}
	return PINTLE_BUSY;
}

/* The pointer at once as well: most targets have no older flow. */
int32_t flow_store(const struct flows *flows, struct arena *arena, const struct flow *flow,
		   int64_t deadline_ms)
{
	int64_t ttl_ms = flow->expires_ms - clock_now_ms();
	bool has_target = flow->target[0] != '\0';
	struct kv_op ops[2];
	int32_t status;
	size_t len;
	char *text = flow_encode(arena, flow, &len);

	if (!text)
		return PINTLE_INTERNAL;
	if (ttl_ms < 1)
		return PINTLE_EXPIRED;
	ops[0].request = kv_set(record_key(arena, flow->id), text, len, ttl_ms);
	if (has_target)
		ops[1].request =
			kv_add(pointer_key(flows, arena, flow), flow->id, strlen(flow->id), ttl_ms);
	status = kv_do_all(flows->kv, ops, has_target ? 2 : 1, deadline_ms, arena);
	if (status != PINTLE_OK || !has_target || ops[1].status == PINTLE_OK)
		return status;
	return replace_former(flows, arena, flow, &ops[1].request, ops[1].result.value,
			      deadline_ms);
}

int32_t flow_load(const struct flows *flows, struct arena *arena, const char *id,
		  int64_t deadline_ms, struct flow *out)
{
	struct kv_result result = { 0 };
	struct pintle_kv_request get;
	int32_t status;

	if (!id_ok(id))
		return PINTLE_NOT_FOUND;
	get = kv_get(record_key(arena, id));
	status = kv_do(flows->kv, &get, deadline_ms, arena, &result);
	if (status != PINTLE_OK)
		return status;
	if (!flow_decode(out, result.value, result.value_len))
		return PINTLE_INTERNAL;
	out->record = result.value;
	out->record_len = result.value_len;
	if (strcmp(out->id, id) == 0 && out->expires_ms > clock_now_ms())
		return PINTLE_OK;
	flow_fini(out);
	return PINTLE_NOT_FOUND;
}

static bool has_target_of(const struct flow *flow, const struct flow *wanted)
{
	return flow->purpose == wanted->purpose && strcmp(flow->instance, wanted->instance) == 0 &&
	       strcmp(flow->target_ns, wanted->target_ns) == 0 &&
	       strcmp(flow->target, wanted->target) == 0;
}

int32_t flow_latest(const struct flows *flows, struct arena *arena, const struct flow *wanted,
		    int64_t deadline_ms, struct flow *out)
{
	const char *id;
	int32_t status =
		read_pointer(flows, arena, pointer_key(flows, arena, wanted), deadline_ms, &id);

	if (status == PINTLE_OK)
		status = flow_load(flows, arena, id, deadline_ms, out);
	if (status != PINTLE_OK || has_target_of(out, wanted))
		return status;
	flow_fini(out);
	return PINTLE_NOT_FOUND;
}

int32_t flow_consume(const struct flows *flows, struct arena *arena, const struct flow *flow,
		     int64_t deadline_ms)
{
	struct pintle_kv_request take = kv_take(record_key(arena, flow->id));

	return kv_do(flows->kv, &take, deadline_ms, arena, NULL);
}

int32_t flow_update(const struct flows *flows, struct arena *arena, const struct flow *flow,
		    int64_t deadline_ms)
{
	struct pintle_kv_request swap;
	size_t len;
	char *text = flow_encode(arena, flow, &len);

	if (!text || !flow->record)
		return PINTLE_INTERNAL;
	if (len == flow->record_len && memcmp(text, flow->record, len) == 0)
		return PINTLE_OK;
	swap = kv_set(record_key(arena, flow->id), text, len, 0); /* its end stays */
	swap.op = PINTLE_KV_SWAP;
	swap.expect = flow->record;
	swap.expect_len = flow->record_len;
	return kv_do(flows->kv, &swap, deadline_ms, arena, NULL);
}

static const char *state_key(struct arena *arena, const char *id)
{
	return arena_printf(arena, "fs:%s", id);
}

int32_t flow_note_state(const struct flows *flows, struct arena *arena, const char *id,
			const char *state, int64_t deadline_ms)
{
	struct pintle_kv_request set =
		kv_set(state_key(arena, id), state, strlen(state), STATE_TTL_MS);

	return kv_do(flows->kv, &set, deadline_ms, arena, NULL);
}

int32_t flow_shown(const struct flows *flows, struct arena *arena, const struct flow *flow,
		   int64_t deadline_ms, const char **state_out)
{
	struct kv_result result = { 0 };
	struct pintle_kv_request get = kv_get(state_key(arena, flow->id));
	int32_t status;

	*state_out = flow_state_name(flow->state);
	if (flow->state != FLOW_PENDING)
		return PINTLE_OK;
	status = kv_do(flows->kv, &get, deadline_ms, arena, &result);
	if (status == PINTLE_OK)
		*state_out = result.value;
	return status == PINTLE_NOT_FOUND ? PINTLE_OK : status;
}

void flow_event_name(const struct flows *flows, const char *id, char out[2 * SEAL_MAC_LEN + 1])
{
	seal_blind(flows->seal, "flow event", id, out);
}
