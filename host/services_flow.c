/* SPDX-License-Identifier: Apache-2.0 */
/* Services for flows that are finished elsewhere: tickets, states, and what a browser is shown. */
#include "call.h"
#include "cookie.h"
#include "host.h"
#include "page.h"
#include "request.h"
#include "return_url.h"
#include "services.h"
#include "waiting.h"

#include <string.h>

#define PAGE_MAX ((size_t)4 << 20) /* bytes */

static const char *public_url(struct pintle_inst *inst)
{
	const char *url = inst->host->settings->server.public_url;

	return *url ? url : NULL;
}

static int64_t flow_ttl_ms(struct pintle_inst *inst)
{
	return inst->host->settings->limits.flow_ttl_ms;
}

/* ---- Of a flow; the rest is in waiting.c ---- */

static const char *state(struct pintle_call *call)
{
	return flow_state_name(call->flow.state);
}

/* ---- What a browser is shown ---- */

static const char *return_to(struct pintle_call *call, const char *name)
{
	const struct server_settings *server = &call->host->settings->server;
	const char *text = services()->field(call, name);
	const char *url;

	if (call->outcome.has_bad_type)
		return NULL;
	url = return_url_find(&call->arena, server->return_urls, server->public_url, text);
	if (!url)
		(void)call_invalid(call, name, "not_allowed");
	return url;
}

/* These ops end in an answer of the API, and a person may be signed in by it. */
static bool has_envelope(const struct pintle_call *call)
{
	static const char *const ops[] = { "begin", "verify", "bind", "unbind" };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i], call->op) == 0)
			return true;
	return !call->request;
}

static int32_t redirect(struct pintle_call *call, const char *url)
{
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (has_envelope(call) || !url || !return_url_is_plain(url))
		return PINTLE_INTERNAL;
	call->outcome.page =
		(struct page){ .status = 303, .location = arena_strdup(&call->arena, url) };
	return PINTLE_OK;
}

static int32_t page(struct pintle_call *call, int32_t http_status, const char *content_type,
		    const void *body, size_t len)
{
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (has_envelope(call) || http_status < 200 || http_status > 599 || !content_type ||
	    !page_is_header_value(content_type) || (len > 0 && !body) || len > PAGE_MAX)
		return PINTLE_INTERNAL;
	call->outcome.page = (struct page){
		.status = http_status,
		.type = arena_strdup(&call->arena, content_type),
		.body = { arena_copy(&call->arena, len ? body : "", len), len },
	};
	return PINTLE_OK;
}

/* ---- What a browser brings along ---- */

static int32_t remember(struct pintle_call *call, const char *text)
{
	int32_t gate = call_gate(call);

	if (gate != PINTLE_OK)
		return gate;
	if (has_envelope(call) || !text || !cookie_is_text(text, strlen(text)))
		return PINTLE_INTERNAL;
	call->outcome.remembered = arena_strdup(&call->arena, text);
	return PINTLE_OK;
}

static const char *remembered(struct pintle_call *call)
{
	return call->request ? cookie_remembered(&call->arena, call->request, call->inst->name)
			     : NULL;
}

void services_fill_flow(struct pintle_host *table)
{
	table->public_url = public_url;
	table->flow_ttl_ms = flow_ttl_ms;
	table->ticket = waiting_ticket;
	table->flow_by_ticket = waiting_open;
	table->flow_by_id = waiting_read;
	table->set_state = waiting_set_state;
	table->state = state;
	table->grant = waiting_grant;
	table->return_to = return_to;
	table->redirect = redirect;
	table->page = page;
	table->remember = remember;
	table->remembered = remembered;
}
