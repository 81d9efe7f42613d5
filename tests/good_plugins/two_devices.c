/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider whose flow is finished on another device: a phone scans a picture, is shown what it would
 * confirm, and taps. Phones say who they are in a field, which real ones have to prove. The flow may be
 * for an address that is known beforehand.
 */
#include <pintle/plugin.h>

#include <string.h>

#define NS "device:phone"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *ticket = host->ticket(call, 0);
	const char *email = host->canonical(call, "email", host->field(call, "email"));
	int32_t status = ticket ? PINTLE_OK : PINTLE_INTERNAL;

	if (status == PINTLE_OK && email)
		status = host->target(call, "email", email);
	if (status == PINTLE_OK)
		status = host->keep(call, "from", host->client(call));
	return status == PINTLE_OK ? host->set(call, "ticket", ticket) : status;
}

/* Opens the flow the phone has scanned; who in *phone_out. */
static int32_t open_flow(const struct pintle_host *host, struct pintle_call *call,
			 const char **phone_out)
{
	const char *ticket = host->field(call, "ticket");

	*phone_out = host->field(call, "phone");
	if (!ticket || !*phone_out)
		return host->invalid(call, ticket ? "phone" : "ticket", "required");
	return host->flow_by_ticket(call, ticket);
}

static int32_t claim(const struct pintle_host *host, struct pintle_call *call, const char *phone)
{
	const char *owner = host->kept(call, "phone");
	int32_t status;

	if (owner)
		return strcmp(owner, phone) == 0 ? PINTLE_OK : PINTLE_FORBIDDEN;
	status = host->keep(call, "phone", phone);
	return status == PINTLE_OK ? host->set_state(call, "scanned") : status;
}

static int32_t scan(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *phone, *from;
	int32_t status = open_flow(host, call, &phone);

	if (status == PINTLE_OK)
		status = claim(host, call, phone);
	if (status != PINTLE_OK)
		return status;
	from = host->kept(call, "from");
	if (host->field(call, "quiet"))
		return PINTLE_OK;
	return host->page(call, 200, "text/html; charset=utf-8", from, strlen(from));
}

static int32_t confirm(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *phone, *owner, *action = host->field(call, "action");
	int32_t status = open_flow(host, call, &phone);

	if (status != PINTLE_OK)
		return status;
	owner = host->kept(call, "phone");
	if (!owner || strcmp(owner, phone) != 0)
		return PINTLE_FORBIDDEN;
	return host->set_state(call,
			       action && strcmp(action, "cancel") == 0 ? "failed" : "confirmed");
}

/* What the opener's page asks under a path of its own; it may look and no more. */
static int32_t look(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	int32_t status = host->flow_by_id(call, host->field(call, "flow_id"));

	if (status != PINTLE_OK)
		return status;
	if (host->keep(call, "x", "y") != PINTLE_INTERNAL ||
	    host->set_state(call, "confirmed") != PINTLE_INTERNAL || host->grant(call) ||
	    host->ticket(call, 0))
		return PINTLE_INTERNAL;
	return host->set(call, "state", host->state(call));
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const char *phone = self->host->kept(call, "phone");

	return phone ? self->host->subject(call, NS, phone) : PINTLE_DENIED;
}

static const char *const namespaces[] = { "email", "device:*", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "两台设备",
	.label_en = "Two devices",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	.begin = begin,
	.verify = verify,
	.bind = verify,
};

static const struct pintle_route routes[] = {
	{ "POST", "/test/scan", PINTLE_TO_OP, -1, NULL, NULL, scan, "A phone scans" },
	{ "POST", "/test/confirm", PINTLE_TO_OP, -1, NULL, NULL, confirm, "A phone taps" },
	{ "GET", "/test/state", PINTLE_TO_OP, -1, NULL, NULL, look, "The opener looks" },
};

static const struct pintle_api api = { .size = sizeof(api), PINTLE_ROUTES(routes) };

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "two_devices",
	.version = "1",
	.summary = "Is finished on another device",
	.provider = &provider,
	.api = &api,
};

PINTLE_PLUGIN(plugin)
