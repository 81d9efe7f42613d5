/* SPDX-License-Identifier: Apache-2.0 */
/* Signs in who comes back, instead of who has opened the flow. */
#include "elsewhere.h"

static int32_t callback(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	int32_t status = elsewhere_confirm(self, call);

#ifndef FIXED
	if (status == PINTLE_OK)
		status = self->host->subject(call, "phone", "+8613800138000");
#endif
	return status;
}

#define CALLBACK callback
#include "end.h"
