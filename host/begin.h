/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a flow: the provider's begin, the record, then the messages. */
#ifndef BEGIN_H
#define BEGIN_H

#include "request.h"

/* [worker] For request's instance; purpose is what the request means when it names none. Finishes it. */
void begin_run(struct request *request, int32_t purpose);

#endif
