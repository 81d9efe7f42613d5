/* SPDX-License-Identifier: Apache-2.0 */
#include "kv_probe.h"

#include <assert.h>
#include <pintle/status.h>

static void submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	const struct pintle_kv_answer down = { .size = sizeof(down), .status = PINTLE_UNAVAILABLE };
	struct kv_probe *probe = self;
	int n = probe->n_ops++;
	void (*race)(void) = probe->race;

	assert(n < KV_PROBE_MAX);
	probe->ops[n] = request->op;
	probe->n_limits[n] = request->n_limits;
	if (race && n == probe->race_at) {
		probe->race = NULL;
		race();
	}
	if (probe->fail_at >= 0 && n >= probe->fail_at)
		done(ctx, &down);
	else
		probe->store.ops->submit(probe->store.self, request, done, ctx);
}

static const struct pintle_kv ops = {
	.size = sizeof(ops),
	.flags = PINTLE_KV_INLINE,
	.submit = submit,
};

void kv_probe_init(struct kv_probe *probe, const struct kv *store, struct kv *kv)
{
	*probe = (struct kv_probe){ .store = *store, .fail_at = -1 };
	*kv = (struct kv){ .ops = &ops, .self = probe };
}

void kv_probe_reset(struct kv_probe *probe)
{
	probe->n_ops = 0;
	probe->fail_at = -1;
	probe->race = NULL;
}
