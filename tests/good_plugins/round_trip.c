/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider that sends the browser to an upstream and gets it back: an upstream that says of everybody
 * that they are who the code says. "down" is an upstream that does not answer, "refused" a person who
 * does not want to, and with "steal" the op tries to sign in who landed. Who comes back may have a
 * number told of it.
 */
#include <pintle/plugin.h>
#include <pintle/url.h>

#define NS "trip:upstream"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *back = host->return_to(call, "return_to"), *state, *url;
	int32_t status;

	if (!back)
		return PINTLE_INVALID;
	state = host->ticket(call, PINTLE_TICKET_ONCE);
	url = pintle_url(host, call, "https://upstream.example/authorize", '?',
			 (const char *const[]){ "state", state, NULL });
	if (!state || !url)
		return PINTLE_INTERNAL;
	status = host->keep(call, "return_to", back);
	if (status == PINTLE_OK)
		status = host->set(call, "url", url);
	return status == PINTLE_OK ? host->set(call, "next", "redirect") : status;
}

static int32_t send_back(const struct pintle_host *host, struct pintle_call *call, const char *name,
			 const char *value)
{
	const char *const pairs[] = { name, value, NULL };
	const char *url = pintle_url(host, call, host->kept(call, "return_to"), '#', pairs);

	return url ? host->redirect(call, url) : PINTLE_INTERNAL;
}

static int32_t confirm(const struct pintle_host *host, struct pintle_call *call, const char *person)
{
	const char *grant = host->grant(call);
	int32_t status = host->keep(call, "person", person);

	if (status == PINTLE_OK)
		status = host->set_state(call, "confirmed");
	if (status != PINTLE_OK)
		return status;
	return grant ? send_back(host, call, "grant", grant) : PINTLE_CONFLICT;
}

/* NULL: nobody. */
static int32_t tell(const struct pintle_host *host, struct pintle_call *call, const char *phone)
{
	const struct pintle_message message = { .size = sizeof(message),
						.purpose = PINTLE_LOGIN,
						.to = phone,
						.template_name = "notice",
						.text = "Somebody has come back.",
						.lang = "en" };

	return phone ? host->send(call, "sms", &message) : PINTLE_OK;
}

static int32_t callback(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *state = host->field(call, "state"), *code = host->field(call, "code");
	int32_t status;

	if (!state || !code)
		return host->invalid(call, state ? "code" : "state", "required");
	status = host->flow_by_ticket(call, state);
	if (status == PINTLE_OK)
		status = tell(host, call, host->field(call, "tell"));
	if (status != PINTLE_OK)
		return status;
	if (strcmp(code, "down") == 0)
		return PINTLE_UNAVAILABLE;
	if (strcmp(code, "steal") == 0)
		return host->subject(call, NS, code);
	if (strcmp(code, "refused") == 0) {
		status = host->set_state(call, "failed");
		return status == PINTLE_OK ? send_back(host, call, "error", "access_denied")
					   : status;
	}
	return confirm(host, call, code);
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const char *person = self->host->kept(call, "person");

	return person ? self->host->subject(call, NS, person) : PINTLE_DENIED;
}

static const char *const namespaces[] = { "trip:*", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "往返",
	.label_en = "Round trip",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	.begin = begin,
	.verify = verify,
	.bind = verify,
	.callback = callback,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "round_trip",
	.version = "1",
	.summary = "Sends the browser away and gets it back",
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
