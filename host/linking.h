/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was proved for an account may be another account's. It moves when the asker proves that account too:
 * with a session begun there after the flow that proves the identity. Nothing else joins accounts. [worker]
 */
#ifndef LINKING_H
#define LINKING_H

#include "call.h"
#include "session.h"

/* What gives the account signed in what was proved; inside the transaction. */
typedef int32_t linking_step(struct pintle_call *call, int64_t account_id);

struct linking {
	linking_step *step;
	struct account other;         /* has some of what was proved; id 0: nobody but the asker */
	char session[SESSION_ID_MAX]; /* of the other account, shown by the asker */
	bool may_close;               /* the other account, if nothing would name it any more */
	bool has_moved;               /* some of it, in the last try of the transaction */
	bool is_closed;               /* by the same */
	const char *refusal;          /* error name of that try's CONFLICT, or NULL */
	struct session_ids ended;     /* need tombstones after the commit; in the call's arena */
};

/* Before there is a proof: answers when a field of a link is of the wrong type. */
void linking_check_fields(struct request *request);
/* Before the proof is consumed: looks whose it is, and tries whether step and the provider's record would take
 * it, which is undone. False: the request is answered; its proof is good for another try when the answer offers
 * one, or when something could change that. */
bool linking_admit(struct pintle_call *call, struct linking *linking, linking_step *step);
/* The first step of the transaction that binds, anew with each try of it: takes from the other account what
 * was proved. Nothing when there is none. CONFLICT: it is not as linking_admit has seen it. */
int32_t linking_take(struct pintle_call *call, struct linking *linking);
/* After the commit: the other account's events. */
void linking_tell(const struct pintle_call *call, const struct linking *linking);

#endif
