/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows: what a begin left for its verify, in the kv store ("f:<id>" the record, "fl:<hash>" the newest
 * flow of a target, "fs:<id>" what became of its message). A flow is consumed by one take: one winner.
 */
#ifndef FLOW_H
#define FLOW_H

#include "arena.h"
#include "kv.h"
#include "rng.h"

#include <jansson.h>
#include <stdint.h>

#define FLOW_KEPT_MAX 4096

struct flow {
	char id[RNG_ID_LEN + 1];
	char instance[48];
	int32_t purpose;
	int64_t account_id; /* of who was signed in at begin, 0: nobody; bind and change need the same */
	char session[64];                /* theirs */
	char target_ns[64], target[256]; /* empty: none named */
	int64_t created_ms, expires_ms;
	json_t *kept; /* object of texts; owned */
};

void flow_fini(struct flow *flow); /* wipes what was kept */

/* [any] Record as bytes in the arena, and back; false for what it does not know. */
char *flow_encode(struct arena *arena, const struct flow *flow, size_t *len_out);
bool flow_decode(struct flow *flow, const void *bytes, size_t len);

/* [worker] all. store also replaces the target's older flow of the same instance and purpose. */
int32_t flow_store(const struct kv *kv, struct arena *arena, const struct flow *flow,
		   int64_t deadline_ms);
/* NOT_FOUND: unknown or expired. */
int32_t flow_load(const struct kv *kv, struct arena *arena, const char *id, int64_t deadline_ms,
		  struct flow *out);
/* The newest live flow of a target; NOT_FOUND. */
int32_t flow_latest(const struct kv *kv, struct arena *arena, const char *instance, int32_t purpose,
		    const char *ns, const char *subject, int64_t deadline_ms, struct flow *out);
/* The atomic end: OK for exactly one caller, NOT_FOUND for all others. */
int32_t flow_consume(const struct kv *kv, struct arena *arena, const struct flow *flow,
		     int64_t deadline_ms);
/* What poll shows besides pending: "failed" when its message did not go. */
int32_t flow_note_state(const struct kv *kv, struct arena *arena, const char *id, const char *state,
			int64_t deadline_ms);
int32_t flow_state(const struct kv *kv, struct arena *arena, const char *id, int64_t deadline_ms,
		   const char **state_out);

#endif
