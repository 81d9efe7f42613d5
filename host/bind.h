/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a proof for an account that is signed in: another way in, or one in place of another. */
#ifndef BIND_H
#define BIND_H

#include "call.h"

/* [worker] After the op ended OK, with purpose bind or change: consumes the flow and answers; or answers, and
 * the flow stays, when what was proved is somebody else's, see linking.h. */
void bind_complete(struct pintle_call *call);

#endif
