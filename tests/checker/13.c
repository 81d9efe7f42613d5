/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *phone = host->canonical(call, "phone", host->field(call, "phone"));
	int32_t status = PINTLE_OK;
	char code[7];

	if (!phone)
		return host->invalid(call, "phone",
				     host->field(call, "phone") ? "format" : "required");
#ifdef FIXED
	status = host->target(call, "phone", phone);
#endif
	if (status == PINTLE_OK)
		status = host->random_digits(code, 6);
	if (status == PINTLE_OK)
		status = base_keep(self, call, phone, code);
	return status == PINTLE_OK ? base_send(self, call, phone, code) : status;
}

#define BEGIN begin
#include "end.h"
