/* SPDX-License-Identifier: Apache-2.0 */
#include "inner.h"

static int32_t begin(void *self, int64_t timeout_ms, struct pintle_tx **tx_out)
{
	return inner()->db->begin(self, timeout_ms, tx_out);
}

static int32_t commit(void *self, struct pintle_tx *tx)
{
	return inner()->db->commit(self, tx);
}

static void rollback(void *self, struct pintle_tx *tx)
{
	inner()->db->rollback(self, tx);
}

static int32_t query(void *self, struct pintle_tx *tx, const struct pintle_query *query)
{
	int32_t status = inner()->db->query(self, tx, query);

#ifndef FIXED
	if (status == PINTLE_CONFLICT)
		status = PINTLE_OK;
#endif
	return status;
}

static int32_t lock(void *self, const char *name, int64_t timeout_ms, void **lock_out)
{
	return inner()->db->lock(self, name, timeout_ms, lock_out);
}

static void unlock(void *self, void *held)
{
	inner()->db->unlock(self, held);
}

static int32_t ping(void *self, int64_t timeout_ms)
{
	return inner()->db->ping(self, timeout_ms);
}

static const struct pintle_db db = {
	.size = sizeof(db),
	.dialect = "sqlite",
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.query = query,
	.lock = lock,
	.unlock = unlock,
	.ping = ping,
};

struct conf {
	const char *path;
	int64_t readers, checkpoint_pages;
};

static const struct pintle_opt opts[] = {
	{ "path", PINTLE_STRING, PINTLE_OPT(struct conf, path), "pintle.db", 1, 64, NULL,
	  "The file." },
	{ "readers", PINTLE_INT, PINTLE_OPT(struct conf, readers), "4", 1, 64, NULL, "Readers." },
	{ "checkpoint_pages", PINTLE_INT, PINTLE_OPT(struct conf, checkpoint_pages), "1000", 10,
	  1000000, NULL, "Pages." },
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = NAME,
	.version = "1",
	.summary = "A plugin to be checked",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_inner,
	.close = close_inner,
	.db = &db,
};

PINTLE_PLUGIN(plugin)
