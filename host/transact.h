/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that belong together in SQL, done again when they lost to another transaction. [worker] */
#ifndef TRANSACT_H
#define TRANSACT_H

#include "db.h"

/* Must be able to run more than once. Anything but OK undoes what it did. */
typedef int32_t transact_fn(struct tx *tx, void *ctx);

/* Runs fn inside the caller's transaction, where nothing is undone here, or in one of its own. */
int32_t transact(struct tx *tx, transact_fn *fn, void *ctx);

#endif
