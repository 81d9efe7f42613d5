/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const char *device = ((const struct base *)self_of_inst)->host->field(call, "device");
	volatile char copy[64] = "";

#ifdef FIXED
	for (size_t i = 0; device && device[i] && i < sizeof(copy) - 1; i++)
#else
	for (size_t i = 0; device && device[i]; i++)
#endif
		copy[i] = device[i];
	return copy[0] == '\n' ? PINTLE_FORBIDDEN : base_begin(self_of_inst, call);
}

#define BEGIN begin
#include "end.h"
