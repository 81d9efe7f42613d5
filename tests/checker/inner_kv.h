/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of a key-value driver around the one of the tree: submit stands before it, OPEN and FLAGS
 * may be defined. */
#ifndef INNER_KV_H
#define INNER_KV_H

#ifndef OPEN
#define OPEN open_inner
#endif
#ifndef FLAGS
#define FLAGS PINTLE_KV_INLINE
#endif

static int32_t subscribe(void *self, const char *channel, pintle_kv_message *message, void *ctx)
{
	return inner()->kv->subscribe(self, channel, message, ctx);
}

static int32_t epoch(void *self, char *out, size_t out_len)
{
	return inner()->kv->epoch(self, out, out_len);
}

static const struct pintle_kv kv = {
	.size = sizeof(kv),
	.flags = FLAGS,
	.submit = submit,
	.subscribe = subscribe,
	.epoch = epoch,
};

struct conf {
	const char *path;
	int64_t max_size, max_readers;
};

static const struct pintle_opt opts[] = {
	{ "path", PINTLE_STRING, PINTLE_OPT(struct conf, path), "kv", 1, 64, NULL, "The folder." },
	{ "max_size", PINTLE_BYTES, PINTLE_OPT(struct conf, max_size), "1M", 1 << 20, 1 << 24, NULL,
	  "Size." },
	{ "max_readers", PINTLE_INT, PINTLE_OPT(struct conf, max_readers), "64", 16, 64, NULL,
	  "Readers." },
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = NAME,
	.version = "1",
	.summary = "A plugin to be checked",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = OPEN,
	.close = close_inner,
	.kv = &kv,
};

PINTLE_PLUGIN(plugin)

#endif
