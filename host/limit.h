/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that are counted, in the kv store, so that all workers and hosts agree: requests of an address
 * and tries here, messages in send_limit.h. Counting happens before the act and all counters of one act
 * go in one all-or-none step. Without the store the answer is a fault: nothing is sent, nothing is
 * compared. Targets are kept as keyed hashes. [worker]
 */
#ifndef LIMIT_H
#define LIMIT_H

#include "address.h"
#include "kv.h"
#include "seal.h"
#include "settings.h"

#include <stdint.h>

/* Which limit said no; for Retry-After, RateLimit and RateLimit-Policy. policy is a constant. */
struct limit_hit {
	const char *policy;
	int64_t retry_ms, quota, window_ms;
};

struct limits {
	const struct kv *kv;
	const struct seal *seal;
	const struct limit_settings *settings;
};

struct limit_target {
	const char *ns, *subject; /* canonical */
	int32_t purpose;
	const char *instance;
};

/* Whatever counts: OK, LIMITED with *hit filled, or a fault. */
/* A request of any kind from this address; auth: one of the sign-in routes. beside: see limit_act.h. */
int32_t limit_address(const struct limits *limits, struct arena *arena,
		      const struct address *client, bool is_auth, struct kv_op *beside,
		      int64_t deadline_ms, struct limit_hit *hit);
/* Before a code is compared: this flow's tries, and the target's failures of this purpose. */
int32_t limit_code_try(const struct limits *limits, struct arena *arena, const char *flow_id,
		       const struct limit_target *target, int64_t deadline_ms,
		       struct limit_hit *hit);
/* Before a secret is compared, without flow. */
int32_t limit_secret_try(const struct limits *limits, struct arena *arena,
			 const struct limit_target *target, int64_t deadline_ms,
			 struct limit_hit *hit);
/* After a success: the failures of that target and purpose are forgotten, those only, when the list is
 * done. */
void limit_put_forget(const struct limits *limits, struct kv_list *list,
		      const struct limit_target *target, bool is_flow);
/* What counters of an address are kept by: itself, or the /64 of IPv6. In the arena. */
const char *limit_address_text(struct arena *arena, const struct address *client);

#endif
