/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows a proof: the account is found or made, the session opened, the tokens issued; one
 * transaction, one commit. The only place where a person becomes signed in.
 */
#ifndef SIGNIN_H
#define SIGNIN_H

#include "call.h"
#include "session.h"

#include <jansson.h>

/* [worker] A session for whoever was proved, in the answer of the call's request. The call ended OK and its
 * flow, if any, is consumed. */
void signin_complete(struct pintle_call *call);

/* [worker] The token members of the API for a session, owned by the caller; NULL when signing or reading
 * the account failed, then *status_out says why. */
json_t *signin_tokens(struct request *request, const struct session *session, int64_t generation,
		      bool is_new, int32_t *status_out);

#endif
