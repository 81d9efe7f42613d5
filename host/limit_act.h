/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What limits are made of: an act is a list of counters in the kv store, "l:<policy>:<keyed hash>", that
 * are counted all or none in one step. [worker]
 */
#ifndef LIMIT_ACT_H
#define LIMIT_ACT_H

#include "limit.h"

#define LIMIT_SECOND_MS INT64_C(1000)
#define LIMIT_MINUTE_MS (60 * LIMIT_SECOND_MS)
#define LIMIT_HOUR_MS (60 * LIMIT_MINUTE_MS)
#define LIMIT_DAY_MS (24 * LIMIT_HOUR_MS)
#define LIMIT_ACT_MAX 16

/* A budget starts afresh when its window ends. Failures slide, or a patient guesser would have twice
 * as many around that end. */
#define LIMIT_BUDGET 0
#define LIMIT_FAILURES PINTLE_KV_SLIDES

struct limit_counter {
	const char *policy; /* a constant */
	const char *of;     /* whom or what it counts */
	int64_t max, window_ms;
	uint32_t flags; /* LIMIT_BUDGET or LIMIT_FAILURES */
};

/* The longest window comes first: its end is what the client is told to wait for. */
struct limit_act {
	struct limit_counter counters[LIMIT_ACT_MAX];
	size_t n_counters;
	struct kv_op
		*beside; /* asked in the same hand-over, whatever becomes of the count; or NULL */
};

void limit_act_add(struct limit_act *act, struct limit_counter counter);
/* OK; LIMITED with *hit and, if wanted, which counter was spent; or a fault. */
int32_t limit_act_count(const struct limits *limits, struct arena *arena,
			const struct limit_act *act, int64_t deadline_ms, struct limit_hit *hit,
			const struct limit_counter **spent_out);
const char *limit_act_key(const struct limits *limits, struct arena *arena, const char *policy,
			  const char *of);
/* OK also when nothing was counted. */
int32_t limit_act_forget(const struct limits *limits, struct arena *arena, const char *policy,
			 const char *of, int64_t deadline_ms);

#endif
