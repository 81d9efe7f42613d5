/* SPDX-License-Identifier: Apache-2.0 */
/* Named locks between processes and threads: a locked file each, beside the database. */
#ifndef NAMED_LOCK_H
#define NAMED_LOCK_H

#include "site.h"

int32_t named_lock_take(struct site *site, const char *name, int64_t timeout_ms, void **lock_out);
void named_lock_give(void *lock);

#endif
