/* SPDX-License-Identifier: Apache-2.0 */
/* The services for flows that are finished elsewhere. A world has one flow; its tickets are good at once. */
#include "report.h"
#include "return_url.h"
#include "secrets.h"
#include "side.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

#define PUBLIC_URL "https://auth.example"
#define FLOW_TTL_MS 300000
#define TEXT_MAX 64

static const char *const return_urls[] = { "https://app.example/done", NULL };

static const char *public_url(struct pintle_inst *inst)
{
	(void)inst;
	return PUBLIC_URL;
}

static int64_t flow_ttl_ms(struct pintle_inst *inst)
{
	(void)inst;
	return FLOW_TTL_MS;
}

/* ---- Of a flow ---- */

/* The same in each run of a story, so that runs can be compared; as long as the real ones. */
static const char *new_secret(struct pintle_call *call, const char *what)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s%0*zu", what, (int)(23 - strlen(what)),
		       ++call->world->n_secret_names);
	call_say(call, what, text);
	secrets_add(&call->world->secrets, what, text);
	return lent_text(&call->lent, text);
}

static bool is_begin(const struct pintle_call *call)
{
	return strcmp(call->op, "begin") == 0;
}

static const char *ticket(struct pintle_call *call, uint32_t flags)
{
	int32_t status = service_enter(call, "ticket");
	const char *text = NULL;

	if (status == PINTLE_OK && (is_begin(call) || call->flow == FLOW_TO_CHANGE)) {
		text = new_secret(call, "ticket");
		pairs_put(&call->world->tickets, text, flags & PINTLE_TICKET_ONCE ? "once" : "");
	}
	(void)service_leave(status);
	return text;
}

static int32_t open_flow(struct pintle_call *call, enum call_flow how, bool is_known)
{
	if (is_begin(call) || call->flow >= how)
		return PINTLE_INTERNAL;
	if (is_known)
		call->flow = how;
	return is_known ? PINTLE_OK : PINTLE_EXPIRED;
}

static int32_t flow_by_ticket(struct pintle_call *call, const char *text)
{
	int32_t status = service_enter(call, "flow_by_ticket");
	struct pairs *tickets = &call->world->tickets;
	const char *kind = text ? pairs_get(tickets, text) : NULL;

	if (status == PINTLE_OK)
		status = open_flow(call, FLOW_TO_CHANGE, kind != NULL);
	if (status == PINTLE_OK && strcmp(kind, "once") == 0)
		pairs_drop(tickets, text);
	return service_leave(status);
}

static int32_t flow_by_id(struct pintle_call *call, const char *flow_id)
{
	int32_t status = service_enter(call, "flow_by_id");

	if (status == PINTLE_OK)
		status = open_flow(call, FLOW_TO_READ, flow_id && *flow_id);
	return service_leave(status);
}

static int rank_of(const char *state)
{
	static const char *const names[] = { "pending", "scanned", "confirmed", "failed" };

	for (int i = 0; i < 4; i++)
		if (state && strcmp(names[i], state) == 0)
			return i;
	return -1;
}

static bool is_decided(const struct world *world)
{
	return rank_of(world->state) >= 2;
}

static int32_t set_state(struct pintle_call *call, const char *state)
{
	int32_t status = service_enter(call, "set_state");
	struct world *world = call->world;
	int rank = rank_of(state);

	if (rank < 1) {
		report_fail("X02", "%s: set_state is given no state", call->op);
		status = PINTLE_INTERNAL;
	}
	if (status == PINTLE_OK && call->flow != FLOW_TO_CHANGE)
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK && (is_decided(world) || rank < rank_of(world->state)))
		status = PINTLE_CONFLICT;
	if (status == PINTLE_OK) {
		(void)snprintf(world->state, sizeof(world->state), "%s", state);
		call_say(call, "state", state);
	}
	return service_leave(status);
}

static const char *state(struct pintle_call *call)
{
	return service_is_late(call, "state") ? NULL : lent_text(&call->lent, call->world->state);
}

static const char *grant(struct pintle_call *call)
{
	int32_t status = service_enter(call, "grant");
	const char *text = NULL;

	if (status == PINTLE_OK && call->flow == FLOW_TO_CHANGE)
		text = new_secret(call, "grant");
	(void)service_leave(status);
	return text;
}

/* ---- What a browser is shown ---- */

static const char *return_to(struct pintle_call *call, const char *name)
{
	const struct pintle_host *host = services();
	const char *text = host->field(call, name), *url;
	struct arena arena = { 0 };

	(void)side_enter(SIDE_HOST);
	url = return_url_find(&arena, return_urls, PUBLIC_URL, text);
	url = lent_text(&call->lent, url);
	arena_fini(&arena);
	if (!url)
		(void)host->invalid(call, name, "not_allowed");
	(void)side_enter(SIDE_PLUGIN);
	return url;
}

static int32_t redirect(struct pintle_call *call, const char *url)
{
	int32_t status = service_enter(call, "redirect");

	if (!url || !return_url_is_plain(url)) {
		report_fail("X02", "%s: redirect is given what is no plain URL", call->op);
		status = PINTLE_INTERNAL;
	}
	if (status == PINTLE_OK)
		call_say(call, "redirect", url);
	return service_leave(status);
}

static int32_t page(struct pintle_call *call, int32_t http_status, const char *content_type,
		    const void *body, size_t len)
{
	int32_t status = service_enter(call, "page");
	char number[16];

	if (http_status < 200 || http_status > 599 || !call_text_ok(call, "page", content_type) ||
	    (len > 0 && !body))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK) {
		(void)snprintf(number, sizeof(number), "%d", http_status);
		call_say(call, "page.status", number);
		call_say(call, "page.type", content_type);
		call_say(call, "page.body", lent_bytes(&call->lent, body, len));
	}
	return service_leave(status);
}

/* ---- The browser ---- */

static int32_t remember(struct pintle_call *call, const char *text)
{
	int32_t status = service_enter(call, "remember");

	if (!call_text_ok(call, "remember", text))
		status = PINTLE_INTERNAL;
	if (status == PINTLE_OK) {
		call_say(call, "remembered", text);
		secrets_add(&call->world->secrets, "what a browser brings", text);
	}
	return service_leave(status);
}

/* One of the case's own, "-" for none; else what this world's browser was told. */
static const char *remembered(struct pintle_call *call)
{
	const char *given = pairs_get(call->fields, "call.remembered");
	const char *text = given ? given : pairs_get(&call->world->seen, "remembered");
	bool is_none =
		service_is_late(call, "remembered") || !text || !*text || strcmp(text, "-") == 0;

	return is_none ? NULL : lent_text(&call->lent, text);
}

void services_fill_flow(struct pintle_host *table)
{
	table->public_url = public_url;
	table->flow_ttl_ms = flow_ttl_ms;
	table->ticket = ticket;
	table->flow_by_ticket = flow_by_ticket;
	table->flow_by_id = flow_by_id;
	table->set_state = set_state;
	table->state = state;
	table->grant = grant;
	table->return_to = return_to;
	table->redirect = redirect;
	table->page = page;
	table->remember = remember;
	table->remembered = remembered;
}
