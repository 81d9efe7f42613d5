/* SPDX-License-Identifier: Apache-2.0 */
/* Sends a link without a ticket when there is none. */
#include "elsewhere.h"

#ifndef FIXED
static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const char *ticket = self->host->ticket(call, PINTLE_TICKET_ONCE);

	return self->host->set(call, "link", ticket ? ticket : "none");
}

#undef BEGIN
#define BEGIN begin
#endif
#define CALLBACK elsewhere_callback
#include "end.h"
