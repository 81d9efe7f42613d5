/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	struct base *self = self_of_inst;
	const char *phone = self->host->field(call, "phone");

#ifndef FIXED
	if (self->more && phone && strcmp(self->more, phone) == 0)
		self->host->detail(call, "the same one again");
	self->more = (void *)(uintptr_t)phone;
#endif
	return phone ? base_begin(self, call) : self->host->invalid(call, "phone", "required");
}

#define BEGIN begin
#include "end.h"
