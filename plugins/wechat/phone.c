/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's part of a sign-in by our own QR code. The first WeChat that opens the code claims the flow: from
 * there on each step has a ticket of its own, good once, that only this phone has seen.
 */
#include "page.h"
#include "wechat.h"

#include <pintle/redirect.h>

static int32_t tell_gone(const struct wechat *self, struct pintle_call *call, int32_t status)
{
	bool is_gone = status == PINTLE_EXPIRED || status == PINTLE_CONFLICT;

	return is_gone && page_is_wanted(self, call) ? page_tell(self, call, PAGE_GONE) : status;
}

/* ---- Scan ---- */

static int32_t claim(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	const char *ticket, *url;
	int32_t status =
		pintle_ticket_open(self->host, call, TICKET_SCAN, host->param(call, "ticket"));

	/* A code that was scanned already looks like one that is over. */
	if (status == PINTLE_OK && strcmp(host->state(call), "pending") != 0)
		status = PINTLE_EXPIRED;
	if (status == PINTLE_OK)
		status = host->set_state(call, "scanned");
	if (status != PINTLE_OK)
		return status;
	ticket = pintle_ticket_make(self->host, call, TICKET_RETURN, PINTLE_TICKET_ONCE);
	url = ticket ? url_authorize(self, call, ticket) : NULL;
	return url ? host->redirect(call, url) : PINTLE_INTERNAL;
}

int32_t phone_scan(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	const char *agent = self->host->header(call, "user-agent");

	if (self->conf->mode != MODE_QR)
		return PINTLE_NOT_FOUND;
	if (!agent || !strstr(agent, "MicroMessenger"))
		return page_tell(self, call, PAGE_NEED_WECHAT);
	return tell_gone(self, call, claim(self, call));
}

/* ---- Confirm ---- */

int32_t phone_ask(const struct wechat *self, struct pintle_call *call)
{
	const char *ticket =
		pintle_ticket_make(self->host, call, TICKET_ANSWER, PINTLE_TICKET_ONCE);

	return ticket ? page_ask(self, call, ticket) : PINTLE_INTERNAL;
}

int32_t phone_answer(const struct wechat *self, struct pintle_call *call, const char *ticket)
{
	const struct pintle_host *host = self->host;
	const char *action = host->field(call, "action");
	bool is_yes = action && strcmp(action, "confirm") == 0;
	int32_t status = pintle_ticket_open(self->host, call, TICKET_ANSWER, ticket);

	if (status == PINTLE_OK)
		status = host->set_state(call, is_yes ? "confirmed" : "failed");
	if (status == PINTLE_OK)
		status = host->set(call, "status", host->state(call));
	if (status == PINTLE_OK && page_is_wanted(self, call))
		return page_tell(self, call, is_yes ? PAGE_CONFIRMED : PAGE_DENIED);
	return status;
}

int32_t phone_post(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *action = host->field(call, "action");

	if (!action || (strcmp(action, "confirm") != 0 && strcmp(action, "cancel") != 0))
		return host->invalid(call, "action", action ? "not_allowed" : "required");
	return tell_gone(self, call, phone_answer(self, call, host->param(call, "ticket")));
}
