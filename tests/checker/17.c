/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	int32_t status;
	const char *phone = base_phone(self, call, &status);
	char code[7];

	if (phone)
		status = self->host->random_digits(code, 6);
	if (status == PINTLE_OK)
		status = base_keep(self, call, phone, code);
	if (status != PINTLE_OK)
		return status;
	status = base_send(self, call, phone, code);
#ifdef FIXED
	return status;
#else
	return PINTLE_OK;
#endif
}

#define BEGIN begin
#include "end.h"
