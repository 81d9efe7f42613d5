/* SPDX-License-Identifier: Apache-2.0 */
#include "transact.h"

#include "clock.h"

#include <pintle/status.h>

#define MAX_TRIES 4

static int32_t run_once(struct tx *tx, transact_fn *fn, void *ctx)
{
	int32_t status = db_begin(tx);

	if (status != PINTLE_OK)
		return status;
	status = fn(tx, ctx);
	if (status != PINTLE_OK) {
		db_rollback(tx);
		return status;
	}
	return db_commit(tx);
}

int32_t transact(struct tx *tx, transact_fn *fn, void *ctx)
{
	int32_t status;
	int n_tries = 0;

	if (tx->open)
		return fn(tx, ctx);
	do
		status = run_once(tx, fn, ctx);
	while (status == PINTLE_BUSY && ++n_tries < MAX_TRIES && clock_mono_ms() < tx->deadline_ms);
	return status;
}
