/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
#ifndef FIXED
	const struct base *self = self_of_inst;

	free((void *)(uintptr_t)self->host->field(call, "phone"));
#endif
	return base_begin(self_of_inst, call);
}

#define BEGIN begin
#include "end.h"
