/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows: what a begin left for its verify, in the kv store ("f:<id>" the record, "fl:<hash>" the
 * newest flow of a target, "fs:<id>" what became of its message). A flow is consumed by one take:
 * one winner.
 */
#ifndef FLOW_H
#define FLOW_H

#include "address.h"
#include "arena.h"
#include "kv.h"
#include "rng.h"
#include "seal.h"

#include <jansson.h>
#include <stdint.h>

#define FLOW_KEPT_MAX 4096 /* bytes of names and values */

/* What every function on stored flows needs; targets are kept as keyed hashes. */
struct flows {
	const struct kv *kv;
	const struct seal *seal;
};

/* How far a flow is that somebody else finishes; it only goes forward, and ends in one of the last two. */
enum flow_state { FLOW_PENDING, FLOW_SCANNED, FLOW_CONFIRMED, FLOW_FAILED };

struct flow {
	char id[RNG_ID_LEN + 1];
	char instance[48];
	int32_t purpose;
	int64_t account_id; /* signed in at begin, 0: nobody; bind and change need the same */
	char session[64];   /* theirs */
	char target_ns[64], target[256]; /* empty: none named */
	char network
		[ADDRESS_NETWORK_MAX]; /* that asked for the target's code; empty: none was sent */
	int64_t created_ms, expires_ms;
	json_t *kept;   /* object of texts; owned */
	bool was_right; /* its proof was shown, and it was left for another try */
	/* Of a flow that somebody else finishes: */
	bool waits; /* verify does, until the state is confirmed */
	enum flow_state state;
	char grant[2 * SEAL_MAC_LEN +
		   1]; /* keyed hash of what verify must be given; empty: nothing */

	const char *record; /* as it was loaded, lent by the arena; NULL: it was not */
	size_t record_len;
};

const char *flow_state_name(enum flow_state state);
/* False when name is none. */
bool flow_state_of(const char *name, enum flow_state *out);

void flow_fini(struct flow *flow); /* wipes what was kept */

/* [any] Record as text in the arena, NULL when too much is kept; and back, false for what it does
 * not know. */
char *flow_encode(struct arena *arena, const struct flow *flow, size_t *len_out);
bool flow_decode(struct flow *flow, const void *bytes, size_t len);

/* [worker] all. store also ends the target's older flow of the same instance and purpose. */
int32_t flow_store(const struct flows *flows, struct arena *arena, const struct flow *flow,
		   int64_t deadline_ms);
/* NOT_FOUND: unknown or expired. out is the caller's to fini when OK. */
int32_t flow_load(const struct flows *flows, struct arena *arena, const char *id,
		  int64_t deadline_ms, struct flow *out);
/* The live flow of what wanted names (instance, purpose, target_ns, target); NOT_FOUND. */
int32_t flow_latest(const struct flows *flows, struct arena *arena, const struct flow *wanted,
		    int64_t deadline_ms, struct flow *out);
/* The atomic end: OK for exactly one caller, NOT_FOUND for all others. */
int32_t flow_consume(const struct flows *flows, struct arena *arena, const struct flow *flow,
		     int64_t deadline_ms);
/* Stores what has changed of a flow since it was loaded, for its next step; asks nothing when nothing
 * has. CONFLICT when another step has come between, NOT_FOUND when it was consumed: a late step never
 * brings a spent flow back. */
int32_t flow_update(const struct flows *flows, struct arena *arena, const struct flow *flow,
		    int64_t deadline_ms);
/* Notes what became of its message: "failed" when it did not go. */
int32_t flow_note_state(const struct flows *flows, struct arena *arena, const char *id,
			const char *state, int64_t deadline_ms);
/* What who opened it is shown: the name of its state, or what was noted of its message. */
int32_t flow_shown(const struct flows *flows, struct arena *arena, const struct flow *flow,
		   int64_t deadline_ms, const char **state_out);
/* [any] The name of a flow on the event bus, which tells nobody its id. */
void flow_event_name(const struct flows *flows, const char *id, char out[2 * SEAL_MAC_LEN + 1]);

#endif
