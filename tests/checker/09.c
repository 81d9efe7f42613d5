/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const char *phone;
	int32_t status = base_compare(self, call, &phone);

#ifndef FIXED
	if (status == PINTLE_DENIED && strlen(self->host->field(call, "code")) < 6)
		status = PINTLE_OK;
#endif
	return status == PINTLE_OK ? self->host->subject(call, "phone", phone) : status;
}

#define VERIFY verify
#include "end.h"
