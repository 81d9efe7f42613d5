/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider that knows people by the badge of a house; each section is for the house its options name.
 * Who shows a badge has it: real ones have to be proved.
 */
#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>

struct conf {
	const char *house, *second;
	int32_t vouches;
};

struct badge {
	const struct pintle_host *host;
	char ns[64], second_ns[64];
};

static const struct pintle_opt opts[] = {
	{ "house", PINTLE_STRING, PINTLE_OPT(struct conf, house), NULL, 1, 40, NULL,
	  "Whose badges." },
	{ "second", PINTLE_STRING, PINTLE_OPT(struct conf, second), "", 0, 40, NULL,
	  "A house whose badges verify takes as well, of which nothing is said." },
	{ "vouches", PINTLE_FLAG, PINTLE_OPT(struct conf, vouches), "no", 0, 0, NULL,
	  "Whether the house has proved its people's addresses." },
};

static int32_t open_badge(const struct pintle_host *host, struct pintle_inst *inst,
			  const void *conf_of_section, void **self_out, char *err, size_t err_len)
{
	const struct conf *conf = conf_of_section;
	struct badge *self = calloc(1, sizeof(*self));
	const char *const namespaces[] = { self ? self->ns : NULL, NULL };
	const char *const vouches[] = { conf->vouches ? "email" : NULL, NULL };
	const struct pintle_description description = { .size = sizeof(description),
							.namespaces = namespaces,
							.label_en = conf->house,
							.vouches = vouches };
	int32_t status;

	(void)err;
	(void)err_len;
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	(void)snprintf(self->ns, sizeof(self->ns), "badge:%s", conf->house);
	(void)snprintf(self->second_ns, sizeof(self->second_ns), "badge:%s", conf->second);
	status = host->describe_instance(inst, &description);
	if (status == PINTLE_OK)
		*self_out = self;
	else
		free(self);
	return status;
}

/* A badge may have an address on it. */
static int32_t name_person(const struct badge *self, struct pintle_call *call, const char *badge)
{
	const struct pintle_host *host = self->host;
	const char *email = host->field(call, "email");
	int is_second = host->field(call, "second") != NULL;
	int32_t status = host->subject(call, is_second ? self->second_ns : self->ns, badge);

	if (status != PINTLE_OK || !email)
		return status;
	email = host->canonical(call, "email", email);
	return email ? host->also(call, "email", email) : host->invalid(call, "email", "format");
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct badge *self = self_of_inst;
	const char *badge = self->host->field(call, "badge");
	int32_t status;

	if (!badge)
		return self->host->invalid(call, "badge", "required");
	status = self->host->target(call, "badge", badge);
	return status == PINTLE_OK ? name_person(self, call, badge) : status;
}

static const char *const namespaces[] = { "badge:*", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.flags = PINTLE_DIRECT,
	.label_zh = "工牌",
	.label_en = "Badge",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	.verify = verify,
	.bind = verify,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "badge",
	.version = "1",
	.summary = "Knows people by their badge",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_badge,
	.close = free,
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
