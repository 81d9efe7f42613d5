/* SPDX-License-Identifier: Apache-2.0 */
/* A new account out of what a call has proved and claimed. */
#ifndef NEWCOMER_H
#define NEWCOMER_H

#include "account.h"
#include "call.h"

/*
 * [worker] In the call's transaction: the account, its first identity, and what the claims say of the
 * profile (nickname, avatar, gender, birthday, address; user_type). CONFLICT as account_create. INVALID
 * when a claim is not acceptable: then the call's outcome names it, and nothing is left when the caller
 * rolls back.
 */
int32_t newcomer_create(struct pintle_call *call, const struct pintle_identity *identity,
			struct account *out);
/* [worker] INVALID when newcomer_create would refuse a claim; asked before a proof is spent on it. */
int32_t newcomer_check(struct pintle_call *call);
/* The claims as kept with an identity; NULL when there are none. In the call's arena. */
char *newcomer_claims(struct pintle_call *call);

#endif
