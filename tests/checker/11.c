/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#ifdef FIXED
#define NS "phone"
#else
#define NS "staff"
#endif

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const char *phone;
	int32_t status = base_compare(self, call, &phone);

	return status == PINTLE_OK ? self->host->subject(call, NS, phone) : status;
}

#define VERIFY verify
#include "end.h"
