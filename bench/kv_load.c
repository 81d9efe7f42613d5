/* SPDX-License-Identifier: Apache-2.0 */
/* Key-value operations from worker threads and nothing else: each begin of a flow does many, one after
 * the other, as any op of a plugin would: gets, or sets when the body has the field "writes". */
#include <pintle/plugin.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_KEYS 64
#define LIFE_MS 600000

struct conf {
	int64_t ops, value;
};

struct kv_load {
	const struct pintle_host *host;
	const struct conf *conf;
	_Atomic unsigned n_begun;
};

static const char *const namespaces[] = { "kv_load", NULL };

static const struct pintle_opt opts[] = {
	{ "ops", PINTLE_INT, PINTLE_OPT(struct conf, ops), "500", 1, 100000, NULL,
	  "Operations of one begin." },
	{ "value", PINTLE_INT, PINTLE_OPT(struct conf, value), "200", 1, 4096, NULL,
	  "Bytes of a value." },
};

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	struct kv_load *self = self_of_inst;
	const struct conf *conf = self->conf;
	char key[32];
	int len = snprintf(key, sizeof(key), "%u", atomic_fetch_add(&self->n_begun, 1) % N_KEYS);
	struct pintle_kv_request request = { .size = sizeof(request),
					     .op = PINTLE_KV_SET,
					     .key = key,
					     .key_len = (size_t)len,
					     .value = self->host->alloc(call, (size_t)conf->value),
					     .value_len = (size_t)conf->value,
					     .ttl_ms = LIFE_MS };
	int32_t status = self->host->kv(call, &request, NULL);

	if (!self->host->field(call, "writes")) {
		request.op = PINTLE_KV_GET;
		request.ttl_ms = PINTLE_KV_NO_LIFE;
	}
	for (int64_t i = 1; status == PINTLE_OK && i < conf->ops; i++)
		status = self->host->kv(call, &request, NULL);
	return status;
}

static int32_t verify(void *self, struct pintle_call *call)
{
	(void)self, (void)call;
	return PINTLE_DENIED;
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf, void **self_out, char *err, size_t err_len)
{
	struct kv_load *self = calloc(1, sizeof(*self));

	(void)inst, (void)err, (void)err_len;
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

static void close_instance(void *self)
{
	free(self);
}

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "负载",
	.label_en = "Load",
	.namespaces = namespaces,
	.denied = "invalid_credentials",
	.begin = begin,
	.verify = verify,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "kv_load",
	.version = "0.1.0",
	.summary = "Key-value operations for the benchmark",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = close_instance,
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
