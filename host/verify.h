/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proving: the flow is found, a try is taken, the provider's op runs, the flow is consumed, and what the
 * proof is for happens. One way for sign-in, bind and change. [worker] Each finishes the request.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "request.h"

#include <pintle/host.h>

/* purpose may be OP_ANY_PURPOSE. op NULL is refused. */
void verify_run(struct request *request, pintle_op *op, const char *name, int32_t purpose);
/* An op of a plugin's own route: it may end in a proof, and then somebody is signed in. */
void verify_run_own(struct request *request, pintle_op *op, int32_t purpose);

#endif
