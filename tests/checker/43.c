/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a grant into the log. */
#include "elsewhere.h"

static int32_t callback(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const char *grant;
	int32_t status = self->host->flow_by_ticket(call, self->host->field(call, "state"));

	if (status == PINTLE_OK)
		status = self->host->set_state(call, "confirmed");
	if (status != PINTLE_OK)
		return status;
	grant = self->host->grant(call);
	if (!grant)
		return PINTLE_INTERNAL;
#ifndef FIXED
	self->host->detail(call, grant);
#endif
	return self->host->redirect(call, "/done");
}

#define CALLBACK callback
#include "end.h"
