/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a way in away from the account signed in. */
#ifndef UNBIND_H
#define UNBIND_H

#include "request.h"

/* [worker] For request's instance: its unbind op, if it has one, then the identity. Finishes it. */
void unbind_run(struct request *request);

#endif
