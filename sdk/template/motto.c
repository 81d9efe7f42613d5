/* SPDX-License-Identifier: Apache-2.0 */
/* A provider to start from: people sign in with their name and a motto that everybody shares. */
#include <pintle/plugin.h>

#include <string.h>

/* Filled by the host from the section of conf.d; valid until close. */
struct conf {
	const char *motto;
};

static const struct pintle_opt opts[] = {
	{ "motto", PINTLE_SECRET, PINTLE_OPT(struct conf, motto), NULL, 8, 200, NULL,
	  "What people must say to get in." },
};

static int is_right(const struct pintle_plain *self, const char *said)
{
	const struct conf *conf = self->conf;
	size_t len = strlen(conf->motto);

	return strlen(said) == len && self->host->same(said, conf->motto, len);
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct pintle_plain *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *name = host->canonical(call, "username", host->field(call, "name"));
	const char *said = host->field(call, "motto");
	int32_t status;

	if (!name)
		return host->invalid(call, "name",
				     host->field(call, "name") ? "format" : "required");
	if (!said)
		return host->invalid(call, "motto", "required");
	status = host->target(call, "motto", name); /* before the comparison: tries are counted */
	if (status != PINTLE_OK)
		return status;
	if (!is_right(self, said))
		return PINTLE_DENIED;
	return host->subject(call, "motto", name);
}

static const struct pintle_input inputs[] = {
	{ "name", "名字", "Name", "text", NULL, 1, 1 },
	{ "motto", "暗号", "Motto", "password", NULL, 1, 1 },
};

static const char *const namespaces[] = { "motto", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.flags = PINTLE_DIRECT,
	.label_zh = "暗号",
	.label_en = "Motto",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	PINTLE_INPUTS(inputs),
	.verify = verify,
	.bind = verify,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "motto",
	.version = "1.0.0",
	.summary = "Sign-in with a shared motto",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
