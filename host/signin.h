/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows a proof: the account is found or made, the session opened, the tokens issued; one
 * transaction, one commit. The only place where a person becomes signed in.
 */
#ifndef SIGNIN_H
#define SIGNIN_H

#include "call.h"

/* [worker] The call ended OK and its flow, if any, is consumed. Fills the request's answer. */
void signin_complete(struct pintle_call *call);
/* [worker] The same proof for an account already signed in: the identity is added to it. */
void signin_bind(struct pintle_call *call);
/* [worker] Tokens of a session that exists (refresh): the members of api.md as a JSON object, owned by
 * the caller; NULL when signing failed. */
json_t *signin_tokens(struct request *request, const struct session *session, int64_t generation,
		      bool is_new);

#endif
