/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_look.h"

#include "clock.h"
#include "flow.h"
#include "xalloc.h"

#include <pintle/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX (RNG_ID_LEN + 8)

struct look {
	const struct kv *kv;
	char id[RNG_ID_LEN + 1];
	flow_seen *seen;
	void *ctx;
	struct flow_sight sight;
};

static void finish(struct look *look, int32_t status)
{
	look->sight.status = status;
	look->seen(look->ctx, &look->sight);
	free(look);
}

/* Only failures are noted of messages. */
static void on_note(void *ctx, const struct pintle_kv_answer *found)
{
	struct look *look = ctx;

	if (found->status == PINTLE_OK)
		look->sight.state = flow_state_name(FLOW_FAILED);
	finish(look, found->status == PINTLE_NOT_FOUND ? PINTLE_OK : found->status);
}

static int32_t read_record(struct look *look, const struct pintle_kv_answer *found)
{
	struct flow flow;
	bool is_it;

	if (found->status != PINTLE_OK)
		return found->status;
	if (!flow_decode(&flow, found->value, found->value_len))
		return PINTLE_INTERNAL;
	look->sight.state = flow_state_name(flow.state);
	look->sight.expires_ms = flow.expires_ms;
	if (flow.waits && flow.state < FLOW_CONFIRMED)
		(void)snprintf(look->sight.waits_for, sizeof(look->sight.waits_for), "%s",
			       flow.instance);
	is_it = strcmp(flow.id, look->id) == 0 && flow.expires_ms > clock_now_ms();
	flow_fini(&flow);
	return is_it ? PINTLE_OK : PINTLE_NOT_FOUND;
}

static void submit_get(struct look *look, const char *prefix, pintle_kv_done *done)
{
	char key[KEY_MAX];
	struct pintle_kv_request get;

	(void)snprintf(key, sizeof(key), "%s%s", prefix, look->id);
	get = kv_get(key);
	kv_submit(look->kv, &get, done, look);
}

/* As flow_shown. */
static void on_record(void *ctx, const struct pintle_kv_answer *found)
{
	struct look *look = ctx;
	int32_t status = read_record(look, found);

	if (status == PINTLE_OK && look->sight.state == flow_state_name(FLOW_PENDING))
		submit_get(look, "fs:", on_note);
	else
		finish(look, status);
}

void flow_look(const struct kv *kv, const char *id, flow_seen *seen, void *ctx)
{
	struct look *look = xcalloc(1, sizeof(*look));

	*look = (struct look){ .kv = kv, .seen = seen, .ctx = ctx };
	if (strlen(id) != RNG_ID_LEN) {
		finish(look, PINTLE_NOT_FOUND);
		return;
	}
	(void)snprintf(look->id, sizeof(look->id), "%s", id);
	submit_get(look, "f:", on_record);
}
