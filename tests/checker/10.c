/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const char *phone;
	int32_t status = base_compare(self, call, &phone);

#ifdef FIXED
	if (status == PINTLE_OK)
		status = self->host->subject(call, "phone", phone);
#endif
	return status;
}

#define VERIFY verify
#include "end.h"
