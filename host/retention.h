/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions whose end has passed are marked so, and rows older than their settings say are deleted: in
 * batches so small that nobody waits for the writer longer than a few milliseconds. [worker]
 */
#ifndef RETENTION_H
#define RETENTION_H

#include "db.h"
#include "settings.h"

#include <stdatomic.h>

/* Until all is done, *must_stop is true, or a fault; what is left is for the next run. */
int32_t retention_run(const struct db *db, const struct settings *settings,
		      const _Atomic bool *must_stop);

#endif
