/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	char *note = malloc(32);
	int32_t status;

#ifdef FIXED
	if (!note)
		return PINTLE_INTERNAL;
#endif
	(void)snprintf(note, 32, "a note");
	status = base_verify(self_of_inst, call);
	free(note);
	return status;
}

#define VERIFY verify
#include "end.h"
