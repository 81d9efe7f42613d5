/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's part of a sign-in by our own QR code. The first WeChat that opens the code claims the flow: its
 * browser remembers a ticket, by which it may load what the code says as often as it likes, and comes to where
 * it is. To every other phone the code looks like one that is over. Each step has a ticket of its own besides,
 * good once.
 */
#include "page.h"
#include "wechat.h"

#include <pintle/redirect.h>

static bool is_gone(int32_t status)
{
	return status == PINTLE_EXPIRED || status == PINTLE_CONFLICT;
}

static int32_t tell_gone(const struct wechat *self, struct pintle_call *call, int32_t status)
{
	return is_gone(status) && page_is_wanted(self, call) ? page_tell(self, call, PAGE_GONE)
							     : status;
}

/* ---- Whose it is ---- */

bool phone_has_claimed(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	const char *kept = host->kept(call, TICKET_CLAIM), *brought = host->remembered(call);

	return kept && brought && strlen(kept) == strlen(brought) &&
	       host->same(kept, brought, strlen(kept));
}

static int32_t go_to_wechat(const struct wechat *self, struct pintle_call *call)
{
	const char *ticket =
		pintle_ticket_make(self->host, call, TICKET_RETURN, PINTLE_TICKET_ONCE);
	const char *url = ticket ? url_authorize(self, call, ticket) : NULL;

	return url ? self->host->redirect(call, url) : PINTLE_INTERNAL;
}

static int32_t claim(const struct wechat *self, struct pintle_call *call)
{
	int32_t status = self->host->set_state(call, "scanned");
	const char *ticket;

	if (status != PINTLE_OK)
		return status;
	ticket = pintle_ticket_make(self->host, call, TICKET_CLAIM, 0);
	status = ticket ? self->host->remember(call, ticket) : PINTLE_INTERNAL;
	return status == PINTLE_OK ? go_to_wechat(self, call) : status;
}

/* ---- What the code says ---- */

static int32_t ask(const struct wechat *self, struct pintle_call *call)
{
	const char *ticket =
		pintle_ticket_make(self->host, call, TICKET_ANSWER, PINTLE_TICKET_ONCE);

	return ticket ? page_ask(self, call, ticket) : PINTLE_INTERNAL;
}

static int32_t go_on(const struct wechat *self, struct pintle_call *call)
{
	const char *state = self->host->state(call);
	struct person person;

	if (strcmp(state, "confirmed") == 0)
		return page_tell(self, call, PAGE_CONFIRMED);
	if (strcmp(state, "failed") == 0)
		return page_tell(self, call, PAGE_DENIED);
	return person_kept(self, call, &person) == PINTLE_OK ? ask(self, call)
							     : go_to_wechat(self, call);
}

/* A code that another phone has scanned looks like one that is over. */
static int32_t open_code(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	int32_t status = pintle_ticket_open(host, call, TICKET_SCAN, host->param(call, "ticket"));

	if (status != PINTLE_OK)
		return status;
	if (strcmp(host->state(call), "pending") == 0)
		return claim(self, call);
	return phone_has_claimed(self, call) ? go_on(self, call) : PINTLE_EXPIRED;
}

int32_t phone_scan(void *self_of_inst, struct pintle_call *call)
{
	const struct wechat *self = self_of_inst;
	const char *agent = self->host->header(call, "user-agent");

	if (self->conf->mode != MODE_QR)
		return PINTLE_NOT_FOUND;
	if (!agent || !strstr(agent, "MicroMessenger"))
		return page_tell(self, call, PAGE_NEED_WECHAT);
	return tell_gone(self, call, open_code(self, call));
}

int32_t phone_go_to_code(const struct wechat *self, struct pintle_call *call)
{
	const char *ticket = self->host->kept(call, TICKET_SCAN);
	const char *url = ticket ? url_scan(self, call, ticket) : NULL;

	return url ? self->host->redirect(call, url) : PINTLE_INTERNAL;
}

int32_t phone_resume(const struct wechat *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	const char *brought = host->remembered(call);
	int32_t status = brought ? PINTLE_OK : PINTLE_EXPIRED;

	/* A ticket of another step has opened the flow nevertheless. */
	if (status == PINTLE_OK && !host->kept(call, TICKET_SCAN))
		status = host->flow_by_ticket(call, brought);
	if (status == PINTLE_OK && !phone_has_claimed(self, call))
		status = PINTLE_EXPIRED;
	return status == PINTLE_OK ? phone_go_to_code(self, call) : status;
}

/* ---- Confirm ---- */

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
	int32_t status;

	if (!action || (strcmp(action, "confirm") != 0 && strcmp(action, "cancel") != 0))
		return host->invalid(call, "action", action ? "not_allowed" : "required");
	status = phone_answer(self, call, host->param(call, "ticket"));
	if (is_gone(status) && page_is_wanted(self, call))
		status = phone_resume(self, call);
	return tell_gone(self, call, status);
}
