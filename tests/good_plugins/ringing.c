/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider whose upstream rings a phone, sends nobody back and has to be asked what was said there. The
 * answer's body is "ringing", "yes NAME" or "no".
 */
#include <pintle/plugin.h>
#include <pintle/url.h>

#include <string.h>

#define NS "ringing:phone"

struct conf {
	const char *url;
};

static const struct pintle_opt opts[] = {
	{ "url", PINTLE_STRING, PINTLE_OPT(struct conf, url), NULL, 1, 256, NULL,
	  "What to ask, with ?ring= behind it." },
};

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *ring = host->field(call, "ring");

	if (!ring || !*ring)
		return host->invalid(call, "ring", "required");
	return host->ticket(call, 0) ? host->keep(call, "ring", ring) : PINTLE_INTERNAL;
}

static int32_t hear(const struct pintle_host *host, struct pintle_call *call, const char *said)
{
	int32_t status = PINTLE_OK;

	if (strcmp(said, "no") == 0)
		return host->set_state(call, "failed");
	if (strncmp(said, "yes ", 4) != 0)
		return PINTLE_OK;
	status = host->keep(call, "name", said + 4);
	return status == PINTLE_OK ? host->set_state(call, "confirmed") : status;
}

static int32_t poll(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const struct conf *conf = self->conf;
	const char *const pairs[] = { "ring", host->kept(call, "ring"), NULL };
	struct pintle_answer answer = { .size = sizeof(answer) };
	struct pintle_request request = { .size = sizeof(request) };
	int32_t status;

	if (host->field(call, "ring") || host->subject(call, NS, "nobody") == PINTLE_OK)
		return PINTLE_INTERNAL; /* there is no request, and nobody signs in here */
	request.url = pintle_url(host, call, conf->url, '?', pairs);
	if (!request.url)
		return PINTLE_INTERNAL;
	status = host->http(call, &request, &answer);
	if (status == PINTLE_OK && answer.code != 200)
		status = PINTLE_UNAVAILABLE;
	return status == PINTLE_OK ? hear(host, call, answer.body) : status;
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const char *name = self->host->kept(call, "name");

	return name ? self->host->subject(call, NS, name) : PINTLE_DENIED;
}

static const char *const namespaces[] = { NS, NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "来电",
	.label_en = "A ringing phone",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	.begin = begin,
	.verify = verify,
	.poll = poll,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "ringing",
	.version = "1",
	.summary = "Asks what was said on a phone",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
