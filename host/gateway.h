/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The circuit breaker of each sender, in the kv store ("m:b:<name>"), so that all workers and hosts see
 * one: sends that failed in a row take it out of rotation; after a while one probe, its own or a real
 * message, brings it back or lets it wait longer. Without the store every sender counts as well.
 * [worker]
 */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "arena.h"

#include <stdbool.h>
#include <stdint.h>

struct host;
struct pintle_inst;

#define GATEWAY_FAILURES 5              /* in a row */
#define GATEWAY_RETRY_MS INT64_C(30000) /* the first wait; each probe that fails doubles it */
#define GATEWAY_RETRY_MAX_MS INT64_C(300000)

/* Zeroed: well. Times are of the wall clock. */
struct gateway_health {
	int64_t n_failures; /* since the last success */
	int64_t opened_ms;  /* 0: in rotation */
	int64_t probe_ms;   /* when it may be tried again */
	int64_t wait_ms;
};

int32_t gateway_health(const struct host *host, struct arena *arena,
		       const struct pintle_inst *sender, struct gateway_health *out);
bool gateway_is_due(const struct gateway_health *health);
/* Whether the caller is the one who probes now: health is what it has read. */
bool gateway_claim_probe(const struct host *host, struct arena *arena,
			 const struct pintle_inst *sender, const struct gateway_health *health);
/* What a send or a probe said of the sender. A failure beside a probe under way changes nothing. */
void gateway_note_failure(const struct host *host, struct arena *arena,
			  const struct pintle_inst *sender, bool is_probe);
void gateway_note_success(const struct host *host, struct arena *arena,
			  const struct pintle_inst *sender);
/* Runs the sender's own probe beside the caller, once it has been claimed. */
void gateway_probe(struct host *host, struct pintle_inst *sender);

#endif
