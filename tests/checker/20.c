/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	char *volatile note = malloc(1 << 20);
	int32_t status;

	if (!note)
		return PINTLE_INTERNAL;
	note[0] = 'n';
	status = base_verify(self_of_inst, call);
	if (status == PINTLE_OK)
		free(note);
#ifdef FIXED
	else
		free(note);
#endif
	return status;
}

#define VERIFY verify
#include "end.h"
