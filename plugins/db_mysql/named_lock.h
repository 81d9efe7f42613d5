/* SPDX-License-Identifier: Apache-2.0 */
/* A mutex for rare, long work, held by name in the server, by a connection that does nothing else. */
#ifndef NAMED_LOCK_H
#define NAMED_LOCK_H

#include "pool.h"

int32_t named_lock_take(struct pool *pool, const char *name, int64_t timeout_ms, void **lock_out);
void named_lock_give(struct pool *pool, void *lock);

#endif
