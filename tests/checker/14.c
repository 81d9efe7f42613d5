/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_host *host = ((const struct base *)self_of_inst)->host;

	if (!host->canonical(call, "phone", host->field(call, "phone"))) {
#ifdef FIXED
		return host->invalid(call, "phone", "format");
#endif
		return PINTLE_INVALID;
	}
	return base_begin(self_of_inst, call);
}

#define BEGIN begin
#include "end.h"
