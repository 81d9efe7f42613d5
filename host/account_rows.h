/* SPDX-License-Identifier: Apache-2.0 */
/* What account.c and its other files share; nobody else's but who locks accounts. [worker], inside an
 * open transaction. */
#ifndef ACCOUNT_ROWS_H
#define ACCOUNT_ROWS_H

#include "db.h"

#include <pintle/host.h>

/* Takes the account's row lock, so that what is then read and written of its identities is one step;
 * NOT_FOUND when it is deleted or was never there. */
int32_t account_lock(struct tx *tx, int64_t id);
/* OK when identity is free, or belongs to id already; an unverified one of somebody else is dropped for a
 * verified one. Else CONFLICT, and nothing was written. */
int32_t identity_make_way(struct tx *tx, int64_t id, const struct pintle_identity *identity);
/* Inserts it; CONFLICT when another transaction was faster. */
int32_t identity_add(struct tx *tx, int64_t id, const struct pintle_identity *identity,
		     const char *instance, const char *claims_json);
/* The display copy in users, of a namespace that has one: the oldest verified identity of its kind. */
int32_t identity_refresh_copy(struct tx *tx, int64_t id, const char *ns);

#endif
