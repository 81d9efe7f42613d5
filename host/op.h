/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every route that runs a provider's op shares: the call of its request, the purpose, and how the
 * status an op ended in becomes an answer. [worker]
 */
#ifndef OP_H
#define OP_H

#include "call.h"
#include "request.h"

/* The purpose is the one of the flow that is found. */
#define OP_ANY_PURPOSE -1

/* Makes the call of request on its instance; from here on its deadline is the request's. */
struct pintle_call *op_call(struct request *request, const char *op, int32_t purpose);
/* Reads the field purpose into *purpose, which keeps its value when none is named; false: 422. */
bool op_read_purpose(struct request *request, int32_t *purpose);
/* Whether a purpose needs a user signed in; and whether this request may have it, else 401, or 403 for a
 * session of another realm: its number is another's among users. */
bool op_needs_account(int32_t purpose);
bool op_may_have_purpose(struct request *request, int32_t purpose);
/* What an op that ended OK has to show: a page, a redirect, or its data in the envelope. */
void op_answer_fine(struct pintle_call *call);
/* Denials by their names, faults without a reason. status is not OK. */
void op_answer(struct pintle_call *call, int32_t status);
/* The same for an attempt to prove something: a wrong one is logged as a failed sign-in. */
void op_fail(struct pintle_call *call, int32_t status);
/* What the request's path calls flow_id, and what the request has there; NULL: nothing. */
const char *op_flow_name(const struct request *request);
const char *op_flow_id(struct request *request);
/* Delivers what the op has sent, once all it is about is stored. BUSY: the queue is full, and the rest was
 * dropped. */
int32_t op_queue_messages(struct pintle_call *call);
/* What the op has sent goes nowhere: whom it was for need not wait for another, and no code is missing. */
void op_drop_messages(struct pintle_call *call);
/* The answer is decided and all the op is about is stored: delivers what the op has sent, or drops it where
 * the answer is an error and nothing has changed, and finishes the request. */
void op_finish(struct pintle_call *call);
/* Finishes a request for an op that the provider does not have. */
void op_refuse(struct request *request);
/* Inside the call's transaction: what a user has done; details is JSON, or NULL. */
int32_t op_audit(struct pintle_call *call, int64_t actor_id, const char *action, const char *target,
		 const char *details);

#endif
