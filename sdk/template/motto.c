/* SPDX-License-Identifier: Apache-2.0 */
/* A provider to start from: people sign in with their name and a motto that everybody shares. */
#include <pintle/plugin.h>

#include <stdlib.h>
#include <string.h>

/* Filled by the host from the section of conf.d; valid until close. */
struct conf {
	const char *motto;
};

static const struct pintle_opt opts[] = {
	{ "motto", PINTLE_SECRET, PINTLE_OPT(struct conf, motto), NULL, 8, 200, NULL,
	  "What people must say to get in." },
};

/* One section. Nothing here changes after open, so that all threads may read it. */
struct motto {
	const struct pintle_host *host;
	const struct conf *conf;
};

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf, void **self_out, char *err, size_t err_len)
{
	struct motto *self = calloc(1, sizeof(*self));

	(void)inst;
	(void)err;
	(void)err_len;
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

static int is_right(const struct motto *self, const char *said)
{
	size_t len = strlen(self->conf->motto);

	return strlen(said) == len && self->host->same(said, self->conf->motto, len);
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct motto *self = self_of_inst;
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
	.inputs = inputs,
	.n_inputs = sizeof(inputs) / sizeof(inputs[0]),
	.input_size = sizeof(inputs[0]),
	.verify = verify,
	.bind = verify,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "motto",
	.version = "1.0.0",
	.summary = "Sign-in with a shared motto",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.opt_size = sizeof(opts[0]),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
