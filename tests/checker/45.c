/* SPDX-License-Identifier: Apache-2.0 */
/* Says what it is once it serves. */
#include "base.h"

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
#ifndef FIXED
	const struct base *self = self_of_inst;
	const struct pintle_description description = { .size = sizeof(description) };

	(void)self->host->describe_instance(self->inst, &description);
#endif
	return base_verify(self_of_inst, call);
}

#define VERIFY verify
#include "end.h"
