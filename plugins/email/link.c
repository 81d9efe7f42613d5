/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link stands beside the code of its flow: whichever is used first ends both. To sign in or to bind it
 * leads to our page, whose button gives the browser there a grant; the opener needs it together with
 * the flow's id. For a new password it carries a ticket to where the password is typed, since
 * nobody is signed in by that.
 */
#include "email.h"

#include <pintle/helpers.h>
#include <pintle/url.h>

#include <stdio.h>
#include <string.h>

#define SECRET_BYTES (LINK_SECRET_LEN / 2)
#define MARK_MAX 512 /* an address, a space and a secret */
#define STATE_MAX 128

/* What is kept of a secret: a keyed hash, bound to the address. */
static const char *mark_of(const struct pintle_host *host, struct pintle_call *call, const char *to,
			   const char *secret)
{
	char text[MARK_MAX];
	const char *mark;

	(void)snprintf(text, sizeof(text), "%s %s", to, secret);
	mark = host->blind(call, "link", text);
	host->wipe(text, sizeof(text));
	return mark;
}

static int32_t keep_mark(const struct pintle_host *host, struct pintle_call *call, const char *name,
			 const char *to, const char *secret)
{
	const char *mark = mark_of(host, call, to, secret);

	return mark ? host->keep(call, name, mark) : PINTLE_INTERNAL;
}

/* ---- Making ---- */

static const char *url_of(const struct email *self, struct pintle_call *call, const char *page,
			  const char *const *pairs)
{
	const struct pintle_host *host = self->host;
	const char *base = *page == '/' ? host->public_url(self->inst) : "";
	size_t len = strlen(base) + strlen(page) + 1;
	char *url = host->alloc(call, len);

	if (!url)
		return NULL;
	(void)snprintf(url, len, "%s%s", base, page);
	return pintle_url(host, call, url, strchr(page, '?') ? '&' : '?', pairs);
}

/* Who gets the mail has the ticket, and nobody else. */
static int32_t make_reset(const struct email *self, struct pintle_call *call, const char *to,
			  const char **link_out)
{
	const struct pintle_host *host = self->host;
	char ticket[LINK_SECRET_LEN + 1];
	const char *const pairs[] = { "email", to, "ticket", ticket, NULL };
	int32_t status = pintle_random_hex(host, ticket, SECRET_BYTES);

	if (status != PINTLE_OK)
		return status;
	*link_out = url_of(self, call, self->conf->reset_page, pairs);
	status = *link_out ? keep_mark(host, call, "ticket", to, ticket) : PINTLE_INTERNAL;
	host->wipe(ticket, sizeof(ticket));
	return status;
}

/* What the page behind return_to finds again. */
static int32_t keep_state(const struct pintle_host *host, struct pintle_call *call)
{
	const char *state = host->field(call, "state");

	if (!state)
		return PINTLE_OK;
	return strlen(state) <= STATE_MAX ? host->keep(call, "state", state)
					  : host->invalid(call, "state", "too_long");
}

static int32_t make_landing(const struct email *self, struct pintle_call *call,
			    const char **link_out)
{
	const struct pintle_host *host = self->host;
	const char *to = host->return_to(call, "redirect_uri"), *ticket;
	int32_t status = to ? host->keep(call, "return_to", to) : PINTLE_INVALID;

	if (status == PINTLE_OK)
		status = keep_state(host, call);
	if (status != PINTLE_OK)
		return status;
	ticket = host->ticket(call, PINTLE_TICKET_BESIDE);
	if (ticket) {
		const char *const pairs[] = { "ticket", ticket, NULL };

		*link_out = url_of(self, call, LANDING_PAGE, pairs);
	}
	return *link_out ? PINTLE_OK : PINTLE_INTERNAL;
}

int32_t link_make(const struct email *self, struct pintle_call *call, const char *to,
		  const char **link_out)
{
	return self->host->purpose(call) == PINTLE_RESET ? make_reset(self, call, to, link_out)
							 : make_landing(self, call, link_out);
}

/* ---- Taking it back ---- */

/* The field with what a followed link gave; NULL: none. */
static const char *proof_field(const struct pintle_host *host, struct pintle_call *call)
{
	const char *name = host->purpose(call) == PINTLE_RESET ? "ticket" : "grant";

	return host->field(call, name) ? name : NULL;
}

int link_is_followed(const struct email *self, struct pintle_call *call)
{
	return proof_field(self->host, call) != NULL;
}

int32_t link_give(const struct email *self, struct pintle_call *call,
		  char grant[LINK_SECRET_LEN + 1])
{
	const struct pintle_host *host = self->host;
	const char *to = host->kept(call, "email");
	int32_t status = pintle_random_hex(host, grant, SECRET_BYTES);

	return status == PINTLE_OK && to ? keep_mark(host, call, "grant", to, grant)
					 : PINTLE_INTERNAL;
}

static int is_same_address(const struct pintle_host *host, struct pintle_call *call, const char *to)
{
	const char *given = host->field(call, "email");

	if (!given)
		return 1;
	given = host->canonical(call, "email", given);
	return given && strcmp(given, to) == 0;
}

/* A grant is nothing without the flow's id: the browser it was given to does not get in by itself. */
int32_t link_verify(const struct email *self, struct pintle_call *call)
{
	const struct pintle_host *host = self->host;
	const char *name = proof_field(host, call), *to = host->kept(call, "email");
	const char *kept = host->kept(call, name), *given = host->field(call, name), *mark;

	if (strcmp(name, "grant") == 0 && !host->field(call, "flow_id"))
		return host->invalid(call, "flow_id", "required");
	if (!to)
		return PINTLE_EXPIRED;
	if (!kept || strlen(given) != LINK_SECRET_LEN || !is_same_address(host, call, to))
		return PINTLE_DENIED;
	mark = mark_of(host, call, to, given);
	if (!mark)
		return PINTLE_INTERNAL;
	if (strlen(mark) != strlen(kept) || !host->same(mark, kept, strlen(mark)))
		return PINTLE_DENIED;
	return host->subject(call, "email", to);
}
