/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const char *device = ((const struct base *)self_of_inst)->host->field(call, "device");

#ifndef FIXED
	if (device && strlen(device) > 1000)
		exit(0);
#endif
	return device && !*device ? PINTLE_FORBIDDEN : base_begin(self_of_inst, call);
}

#define BEGIN begin
#include "end.h"
