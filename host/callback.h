/* SPDX-License-Identifier: Apache-2.0 */
/* An upstream's redirect or push, or a link that somebody opened. It signs nobody in, see waiting.h. */
#ifndef CALLBACK_H
#define CALLBACK_H

#include "request.h"

/* [worker] For request's instance. Finishes it. */
void callback_run(struct request *request);

#endif
