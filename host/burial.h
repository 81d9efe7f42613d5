/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that SQL has revoked while the key-value store did not take their tombstones, because it was
 * full or away or the worker died in between: these are written late. Without it such a session would
 * live on in the store until it ends.
 */
#ifndef BURIAL_H
#define BURIAL_H

#include "session.h"

#include <stdatomic.h>

/* Where a run stopped for the next to go on; zeroed: at the beginning. */
struct burial {
	int64_t end_ms, row_id;
};

/*
 * [worker] Looks at the next 20,000 revoked sessions at most and buries what was revoked since yesterday
 * and is not buried. Faults of either store; the next run begins with what this one could not do.
 */
int32_t burial_run(struct burial *burial, const struct db *db, const struct kv *kv,
		   const struct settings *settings, const _Atomic bool *must_stop);

#endif
