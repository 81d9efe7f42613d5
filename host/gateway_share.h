/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the messages of each sender fare after it has taken them: counters in the kv store for each window
 * of time ("m:n:<name>:<window>:<kind>"), filed under the window in which the message was sent. A sender
 * whose messages do not arrive is weak: others are tried before it. It is never taken out for that,
 * since anybody can ask for codes and enter none. [worker]
 */
#ifndef GATEWAY_SHARE_H
#define GATEWAY_SHARE_H

#include "arena.h"

#include <stdbool.h>
#include <stdint.h>

struct host;
struct pintle_inst;

enum gateway_fate {
	GATEWAY_ACCEPTED,  /* messages with a code */
	GATEWAY_ENTERED,   /* whose code was entered */
	GATEWAY_DELIVERED, /* by a delivery receipt */
	GATEWAY_LOST
};
#define GATEWAY_FATES 4

void gateway_count(const struct host *host, struct arena *arena, const char *sender,
		   int64_t sent_ms, enum gateway_fate fate);
/* Over the windows that are still kept, the last 20 to 30 minutes. */
void gateway_recent(const struct host *host, struct arena *arena, const char *sender,
		    int64_t counts_out[GATEWAY_FATES]);
/* As this worker saw it within the last seconds. */
bool gateway_is_weak(const struct host *host, struct arena *arena, struct pintle_inst *sender);

#endif
