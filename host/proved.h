/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identities one proof has named: that of subject() first, then those of also(). [worker] Steps of the
 * transaction of the call.
 */
#ifndef PROVED_H
#define PROVED_H

#include "call.h"

size_t proved_count(const struct pintle_call *call); /* 0: the op named an account, or nobody */
struct pintle_identity proved_at(const struct pintle_call *call, size_t i);
/* The account of the first that has one; NOT_FOUND. */
int32_t proved_find(struct pintle_call *call, struct account *out);
/* Those that are nobody's become the account's. One that is another's stays there, and staff are told: two
 * accounts of one person are never made one without them. */
int32_t proved_join(struct pintle_call *call, const struct account *account);
/* All become the account's, or CONFLICT. */
int32_t proved_link(struct pintle_call *call, int64_t account_id);

#endif
