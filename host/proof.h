/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs: from a request to the flow it answers, the try it costs, and the one atomic end. Used by the
 * verify routes and by prove(), so that a code is checked the same way wherever it is asked for.
 */
#ifndef PROOF_H
#define PROOF_H

#include "call.h"

/*
 * [worker] Finds the flow of call's request into call->flow: by flow_id, or the newest one of the
 * identifier in the field named like the provider's namespace. OK; NOT_FOUND when the provider needs
 * none and none was named; EXPIRED for unknown, ended, of another instance, purpose or person; DENIED
 * when nothing was begun for that identifier; or a fault.
 */
int32_t proof_find_flow(struct pintle_call *call);
/* [worker] Takes one try of that flow and its target; LIMITED with the outcome's limit, EXPIRED when the
 * flow has no tries left. */
int32_t proof_take_try(struct pintle_call *call);
/* [worker] Whether the op may look at the proof for the flow that was found: OK after a try was taken;
 * PENDING while the flow waits, which costs none; DENIED without the grant or when it has failed; else
 * as proof_take_try. */
int32_t proof_admit(struct pintle_call *call);
/* [worker] Takes one try of the target the op has named, for a proof without flow. */
int32_t proof_take_secret_try(struct pintle_call *call);
/* [worker] After a success: what was counted is forgotten; at once, or as part of a list. */
int32_t proof_forget(struct pintle_call *call);
void proof_put_forget(struct pintle_call *call, struct kv_list *list);
/* [worker] The account signed in has bound this method anew: tries against the old one are forgotten
 * with the others. */
void proof_put_start_over(struct pintle_call *call, struct kv_list *list);
/* [worker] After an OK: checks that something was proved and consumes the flow; what was counted stays
 * for the caller to forget, when what was proved has had its effect. DENIED when somebody else has
 * consumed it. */
int32_t proof_consume(struct pintle_call *call);
/* [worker] After an OK instead of it: the flow stays as it is, for the same proof to be shown again; that it
 * was right is noted, what the op has kept is stored, the try stays counted. */
int32_t proof_leave(struct pintle_call *call);
/* [worker] All of it at once for an op that needs another provider's proof; the subject is in outer's
 * arena. */
int32_t proof_nested(struct pintle_call *outer, const char *ns, const char **subject_out);

#endif
