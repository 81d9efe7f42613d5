/* SPDX-License-Identifier: Apache-2.0 */
/* Short-lived keys in a memory map that all workers share: options and the table. See README.md. */
#include "bus.h"
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_EVERY_MS 1000
#define SWEEP_BUDGET_MS 500

struct conf {
	const char *path;
	int64_t max_size;
	int64_t max_readers;
};

static const struct pintle_opt opts[] = {
	{ "path", PINTLE_STRING, PINTLE_OPT(struct conf, path), "kv", 1, 1024, NULL,
	  "The folder of the store; a relative path is below the state directory." },
	{ "max_size", PINTLE_BYTES, PINTLE_OPT(struct conf, max_size), "1G", 1 << 20,
	  INT64_C(1) << 40, NULL,
	  "How large the file may grow; address space is reserved for it, not disk or memory." },
	{ "max_readers", PINTLE_INT, PINTLE_OPT(struct conf, max_readers), "2048", 16, 65536, NULL,
	  "Reads at the same time over all workers and generations." },
};

struct driver {
	struct env env;
	struct bus bus;
};

static void submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	struct driver *driver = self;
	struct ops_answer out;

	if (request->op == PINTLE_KV_PUBLISH) {
		struct pintle_kv_answer answer = { .size = sizeof(answer) };

		answer.status = bus_publish(&driver->bus, request, &answer.number);
		done(ctx, &answer);
		return;
	}
	ops_run(&driver->env, request, &out);
	done(ctx, &out.answer);
	ops_answer_fini(&out);
}

static int32_t subscribe(void *self, const char *channel, pintle_kv_message *message, void *ctx)
{
	struct driver *driver = self;

	return bus_subscribe(&driver->bus, channel, message, ctx);
}

static int32_t epoch(void *self, char *out, size_t out_len)
{
	struct driver *driver = self;
	int32_t status = env_ready(&driver->env);

	if (status != PINTLE_OK)
		return status;
	if (strlen(driver->env.epoch) >= out_len)
		return PINTLE_INTERNAL;
	memcpy(out, driver->env.epoch, strlen(driver->env.epoch) + 1);
	return PINTLE_OK;
}

static void tidy(void *arg)
{
	struct driver *driver = arg;
	int n_dead;

	if (env_ready(&driver->env) != PINTLE_OK)
		return;
	(void)mdb_reader_check(driver->env.mdb, &n_dead); /* frees what killed workers held */
	ops_sweep(&driver->env, SWEEP_BUDGET_MS);
}

static void close_driver(void *self)
{
	struct driver *driver = self;

	if (!driver)
		return;
	bus_fini(&driver->bus);
	env_fini(&driver->env);
	free(driver);
}

static int32_t open_driver(const struct pintle_host *host, struct pintle_inst *inst,
			   const void *conf_ptr, void **self_out, char *err, size_t err_len)
{
	const struct conf *conf = conf_ptr;
	struct driver *driver = calloc(1, sizeof(*driver));
	int32_t status;

	if (!driver)
		return PINTLE_INTERNAL;
	driver->env.host = host;
	driver->env.inst = inst;
	driver->env.max_size = conf->max_size;
	driver->env.max_readers = conf->max_readers;
	bus_init(&driver->bus, host, inst);
	if (!env_init(&driver->env, host->state_dir(inst), conf->path)) {
		(void)snprintf(err, err_len, "%s: too long", conf->path);
		close_driver(driver);
		return PINTLE_INVALID;
	}
	status = host->every(inst, SWEEP_EVERY_MS, tidy, driver);
	if (status != PINTLE_OK) {
		close_driver(driver);
		return status;
	}
	*self_out = driver;
	return PINTLE_OK;
}

static const struct pintle_kv kv = {
	.size = sizeof(kv),
	.flags = PINTLE_KV_INLINE,
	.submit = submit,
	.subscribe = subscribe,
	.epoch = epoch,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "kv_lmdb",
	.version = "0.1.0",
	.summary = "Short-lived keys in a memory map that all workers of this host share",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_driver,
	.close = close_driver,
	.kv = &kv,
};

PINTLE_PLUGIN(plugin)
