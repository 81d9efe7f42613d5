/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is alike in all providers that send a browser to an upstream's page, from where it comes back to their
 * callback: inline, and no part of the ABI. A plugin that reads JSON answers with it links -ljansson. [worker]
 */
#ifndef PINTLE_REDIRECT_H
#define PINTLE_REDIRECT_H

#include "plugin.h"
#include "url.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the opener brings must leave room in the flow for the person: it is too late to refuse it once the
 * upstream's code is spent. */
#define PINTLE_RETURN_TO_MAX 1024
#define PINTLE_CLIENT_STATE_MAX 512

/* ---- Texts in the call's memory; NULL when there is none ---- */

static inline const char *pintle_joined(const struct pintle_host *host, struct pintle_call *call,
					const char *first, const char *second)
{
	size_t len = strlen(first) + strlen(second) + 1;
	char *text = (char *)host->alloc(call, len);

	if (text)
		(void)snprintf(text, len, "%s%s", first, second);
	return text;
}

/* At most max bytes of text, in whole characters and without controls: it is shown to people. */
static inline const char *pintle_tidy(const struct pintle_host *host, struct pintle_call *call,
				      const char *text, size_t max)
{
	size_t i, len = strlen(text);
	char *copy;

	if (len > max)
		for (len = max; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80; len--)
			;
	copy = (char *)host->alloc(call, len + 1);
	for (i = 0; copy && i < len; i++)
		copy[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? ' ' : text[i];
	return copy;
}

/* A member of an upstream's answer; "" when it is absent, empty, no text, or longer than max bytes. */
static inline const char *pintle_member(const struct pintle_host *host, struct pintle_call *call,
					const json_t *object, const char *name, size_t max)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);
	size_t len = json_string_length(member);
	char *copy;

	if (!text || len == 0 || len > max || strlen(text) != len)
		return "";
	copy = (char *)host->alloc(call, len + 1);
	return copy ? (const char *)memcpy(copy, text, len + 1) : NULL;
}

/* Where an upstream sends the browser back to. */
static inline const char *pintle_callback_url(const struct pintle_host *host,
					      struct pintle_inst *inst, struct pintle_call *call)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/api/v1/auth/%s/callback", host->inst_name(inst));
	return pintle_joined(host, call, host->public_url(inst), path);
}

/* ---- The opener ---- */

/* For begin, verify and bind: a change would leave what else is known of the old person, and with it their way
 * in. */
static inline int pintle_redirect_may_prove(const struct pintle_host *host,
					    struct pintle_call *call)
{
	int32_t purpose = host->purpose(call);

	return purpose == PINTLE_LOGIN || purpose == PINTLE_REGISTER || purpose == PINTLE_BIND;
}

/* For begin: keeps where the browser goes in the end, and the client's own state. */
static inline int32_t pintle_redirect_keep(const struct pintle_host *host, struct pintle_call *call)
{
	const char *return_to = host->return_to(call, "redirect_uri");
	const char *state = host->field(call, "state");
	int32_t status;

	if (!return_to)
		return PINTLE_INVALID;
	if (strlen(return_to) > PINTLE_RETURN_TO_MAX)
		return host->invalid(call, "redirect_uri", "too_long");
	if (state && strlen(state) > PINTLE_CLIENT_STATE_MAX)
		return host->invalid(call, "state", "too_long");
	status = host->keep(call, "return_to", return_to);
	return status == PINTLE_OK ? host->keep(call, "client_state", state ? state : "") : status;
}

/* What was kept; NULL when that is nothing or empty. */
static inline const char *pintle_kept(const struct pintle_host *host, struct pintle_call *call,
				      const char *name)
{
	const char *text = host->kept(call, name);

	return text && *text ? text : NULL;
}

/* ---- Tickets: each is good for one step, under whose name the flow keeps which one it is ---- */

/* A new one; NULL when none can be had. flags are those of ticket(). */
static inline const char *pintle_ticket_make(const struct pintle_host *host,
					     struct pintle_call *call, const char *step,
					     uint32_t flags)
{
	const char *ticket = host->ticket(call, flags);

	return ticket && host->keep(call, step, ticket) == PINTLE_OK ? ticket : NULL;
}

/* Opens the flow; EXPIRED also for a ticket of another step. */
static inline int32_t pintle_ticket_open(const struct pintle_host *host, struct pintle_call *call,
					 const char *step, const char *ticket)
{
	int32_t status = ticket && *ticket ? host->flow_by_ticket(call, ticket) : PINTLE_EXPIRED;
	const char *kept = status == PINTLE_OK ? host->kept(call, step) : NULL;

	if (status != PINTLE_OK)
		return status;
	if (!kept || strlen(kept) != strlen(ticket) || !host->same(kept, ticket, strlen(kept)))
		return PINTLE_EXPIRED;
	return PINTLE_OK;
}

/* ---- The way back, in callback after pintle_ticket_open ---- */

/* To the page the flow began on, with what it should know behind '#', where no server sees it. */
static inline int32_t pintle_redirect_back(const struct pintle_host *host, struct pintle_call *call,
					   const char *name, const char *value)
{
	const char *pairs[5] = { name, value, "state", NULL, NULL };
	const char *base = host->kept(call, "return_to"), *url;

	pairs[3] = pintle_kept(host, call, "client_state");
	url = base ? pintle_url(host, call, base, '#', pairs) : NULL;
	return url ? host->redirect(call, url) : PINTLE_INTERNAL;
}

/* The upstream has named a person, who is kept: the browser gets the grant. */
static inline int32_t pintle_redirect_land(const struct pintle_host *host, struct pintle_call *call)
{
	const char *grant;
	int32_t status = host->set_state(call, "confirmed");

	if (status != PINTLE_OK)
		return status;
	grant = host->grant(call);
	return grant ? pintle_redirect_back(host, call, "grant", grant) : PINTLE_INTERNAL;
}

/* The person said no, or the upstream does. */
static inline int32_t pintle_redirect_refuse(const struct pintle_host *host,
					     struct pintle_call *call)
{
	int32_t status = host->set_state(call, "failed");

	return status == PINTLE_OK ? pintle_redirect_back(host, call, "error", "access_denied")
				   : status;
}

#ifdef __cplusplus
}
#endif
#endif
