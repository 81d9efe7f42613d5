/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor; what the file has not defined is the base's. */
#ifndef OPTS
#define OPTS BASE_OPTS
#endif
#ifndef OPEN
#define OPEN base_open
#endif
#ifndef CLOSE
#define CLOSE free
#endif
#ifndef BEGIN
#define BEGIN base_begin
#endif
#ifndef VERIFY
#define VERIFY base_verify
#endif
#ifndef CALLBACK
#define CALLBACK NULL
#endif
#ifndef ABI
#define ABI PINTLE_ABI
#endif
#ifndef PROVIDER_SIZE
#define PROVIDER_SIZE sizeof(struct pintle_provider)
#endif
#ifndef SENDER
#define SENDER NULL
#endif

static const struct pintle_opt opts[] = { OPTS };

static const char *const namespaces[] = { "phone", NULL };

static const struct pintle_provider provider = {
	.size = PROVIDER_SIZE,
	.label_zh = "码",
	.label_en = "Code",
	.namespaces = namespaces,
	.denied = "invalid_code",
	.begin = BEGIN,
	.verify = VERIFY,
	.callback = CALLBACK,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = ABI,
	.name = NAME,
	.version = "1",
	.summary = "A plugin to be checked",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = OPEN,
	.close = CLOSE,
	.provider = &provider,
	.sender = SENDER,
};

#ifndef ENTRY
PINTLE_PLUGIN(plugin)
#endif
