/* SPDX-License-Identifier: Apache-2.0 */
#include "wechat.h"

#include <string.h>

const char *ticket_make(const struct wechat *self, struct pintle_call *call, const char *step,
			int32_t is_once)
{
	const char *ticket = self->host->ticket(call, is_once);

	return ticket && self->host->keep(call, step, ticket) == PINTLE_OK ? ticket : NULL;
}

int32_t ticket_open(const struct wechat *self, struct pintle_call *call, const char *step,
		    const char *ticket)
{
	const struct pintle_host *host = self->host;
	int32_t status = ticket && *ticket ? host->flow_by_ticket(call, ticket) : PINTLE_EXPIRED;
	const char *kept = status == PINTLE_OK ? host->kept(call, step) : NULL;

	if (status != PINTLE_OK)
		return status;
	if (!kept || strlen(kept) != strlen(ticket) || !host->same(kept, ticket, strlen(kept)))
		return PINTLE_EXPIRED;
	return PINTLE_OK;
}
