/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a proof for an account that is signed in. [worker] The flow is consumed; these answer. */
#ifndef BIND_H
#define BIND_H

#include "call.h"

/* Another way in. */
void bind_add(struct pintle_call *call);
/* One in place of the others of its namespace. */
void bind_change(struct pintle_call *call);

#endif
