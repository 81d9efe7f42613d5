/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of what is kept in the key-value store: one in memory behind a probe, keys, and a clock to set. */
#ifndef PROBED_STORE_H
#define PROBED_STORE_H

#include "arena.h"
#include "kv_memory.h"
#include "kv_probe.h"
#include "seal.h"

#define FOREVER INT64_MAX

struct probed_store {
	struct kv_memory *memory;
	struct kv_probe probe;
	struct kv kv; /* to be used: it asks the probe */
	struct seal *seal;
	struct arena arena;
	_Atomic int64_t shift_ms; /* of the wall clock */
};

/* Empty, at the time it is. The clock is this one's until another is opened. */
void probed_store_open(struct probed_store *store);
void probed_store_close(struct probed_store *store);

#endif
