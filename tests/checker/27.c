/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

#include <sched.h>

static char code[7];

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	int32_t status;
	const char *phone = base_phone(self, call, &status);
	char own[7];
#ifdef FIXED
	char *at = own;
#else
	char *at = code;
#endif

	(void)own;
	(void)code;
	if (phone)
		status = self->host->random_digits(at, 6);
	if (status == PINTLE_OK)
		status = base_keep(self, call, phone, at);
	(void)sched_yield();
	return status == PINTLE_OK ? base_send(self, call, phone, at) : status;
}

#define BEGIN begin
#include "end.h"
