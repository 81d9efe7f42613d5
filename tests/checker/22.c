/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	int32_t status = base_begin(self_of_inst, call);
	char text[128] = "begun";

#ifndef FIXED
	const char *phone = self->host->canonical(call, "phone", self->host->field(call, "phone"));

	(void)snprintf(text, sizeof(text), "begun for %s", phone ? phone : "nobody");
#endif
	self->host->detail(call, text);
	return status;
}

#define BEGIN begin
#include "end.h"
