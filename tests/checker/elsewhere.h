/* SPDX-License-Identifier: Apache-2.0 */
/* The base with a flow that is finished elsewhere: a link leads to the callback, which confirms. */
#ifndef ELSEWHERE_H
#define ELSEWHERE_H

#include "base.h"

MAYBE int32_t elsewhere_begin(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const char *ticket = self->host->ticket(call, PINTLE_TICKET_ONCE);

	return ticket ? self->host->set(call, "link", ticket) : PINTLE_INTERNAL;
}

MAYBE int32_t elsewhere_confirm(const struct base *self, struct pintle_call *call)
{
	int32_t status = self->host->flow_by_ticket(call, self->host->field(call, "state"));

	if (status == PINTLE_OK)
		status = self->host->set_state(call, "confirmed");
	return status == PINTLE_OK ? self->host->redirect(call, "/done") : status;
}

MAYBE int32_t elsewhere_callback(void *self_of_inst, struct pintle_call *call)
{
	return elsewhere_confirm(self_of_inst, call);
}

#define BEGIN elsewhere_begin

#endif
