/* SPDX-License-Identifier: Apache-2.0 */
/* SQL in one file: options and the table of the driver. See README.md. */
#include "named_lock.h"
#include "readers.h"
#include "writer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define TIDY_EVERY_MS 1000

struct conf {
	const char *path;
	int64_t readers;
	int64_t checkpoint_pages;
};

static const struct pintle_opt opts[] = {
	{ "path", PINTLE_STRING, PINTLE_OPT(struct conf, path), "pintle.db", 1, 1024, NULL,
	  "The database file; a relative path is below the state directory." },
	{ "readers", PINTLE_INT, PINTLE_OPT(struct conf, readers), "4", 1, 64, NULL,
	  "How many connections of a worker read at the same time." },
	{ "checkpoint_pages", PINTLE_INT, PINTLE_OPT(struct conf, checkpoint_pages), "1000", 10,
	  1000000, NULL, "Pages in the write-ahead log at which it is moved into the file." },
};

struct driver {
	struct site site;
	struct writer writer;
	struct readers readers;
};

static int32_t begin(void *self, int64_t timeout_ms, struct pintle_tx **tx_out)
{
	struct driver *driver = self;
	struct pintle_tx *tx = calloc(1, sizeof(*tx));
	int32_t status;

	if (!tx)
		return PINTLE_INTERNAL;
	status = writer_begin(&driver->writer, site_deadline(&driver->site, timeout_ms), tx);
	if (status != PINTLE_OK) {
		free(tx);
		return status;
	}
	*tx_out = tx;
	return PINTLE_OK;
}

static int32_t commit(void *self, struct pintle_tx *tx)
{
	struct driver *driver = self;
	int32_t status = writer_commit(&driver->writer, tx);

	free(tx);
	return status;
}

static void rollback(void *self, struct pintle_tx *tx)
{
	struct driver *driver = self;

	writer_rollback(&driver->writer, tx);
	free(tx);
}

static int32_t write_alone(struct driver *driver, const struct pintle_query *query)
{
	int64_t deadline_ms = site_deadline(&driver->site, query->timeout_ms);
	struct pintle_tx tx;
	int32_t status = writer_begin(&driver->writer, deadline_ms, &tx);

	if (status != PINTLE_OK)
		return status;
	status = writer_query(&driver->writer, &tx, query);
	if (status == PINTLE_OK)
		return writer_commit(&driver->writer, &tx);
	writer_rollback(&driver->writer, &tx);
	return status;
}

static int32_t read_alone(struct driver *driver, const struct pintle_query *query)
{
	int64_t deadline_ms = site_deadline(&driver->site, query->timeout_ms);
	struct conn *conn;
	int32_t status = writer_prepare(&driver->writer, deadline_ms);

	if (status == PINTLE_OK)
		status = readers_take(&driver->readers, deadline_ms, &conn);
	if (status != PINTLE_OK)
		return status;
	status = conn_query(conn, query, false);
	readers_give(&driver->readers, conn);
	return status;
}

/* Worth trying on a read connection; SQLite itself then says whether it writes. */
static bool looks_like_read(const char *sql)
{
	while (isspace((unsigned char)*sql))
		sql++;
	return strncasecmp(sql, "SELECT", 6) == 0 || strncasecmp(sql, "WITH", 4) == 0 ||
	       strncasecmp(sql, "EXPLAIN", 7) == 0;
}

static int32_t query_one(void *self, struct pintle_tx *tx, const struct pintle_query *query)
{
	struct driver *driver = self;
	int32_t status = CONN_WRITES;

	if (tx)
		return writer_query(&driver->writer, tx, query);
	if (looks_like_read(query->sql))
		status = read_alone(driver, query);
	return status == CONN_WRITES ? write_alone(driver, query) : status;
}

static int32_t lock(void *self, const char *name, int64_t timeout_ms, void **lock_out)
{
	struct driver *driver = self;

	return named_lock_take(&driver->site, name, timeout_ms, lock_out);
}

static void unlock(void *self, void *held)
{
	(void)self;
	named_lock_give(held);
}

static int32_t ping(void *self, int64_t timeout_ms)
{
	struct driver *driver = self;
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "SELECT count(*) FROM sqlite_schema",
		.timeout_ms = timeout_ms,
	};
	int32_t status = read_alone(driver, &query);

	if (status == PINTLE_OK && !site_is_same(&driver->site))
		return PINTLE_UNAVAILABLE;
	return status;
}

static void tidy(void *arg)
{
	struct driver *driver = arg;

	writer_tidy(&driver->writer);
}

static void close_driver(void *self)
{
	struct driver *driver = self;

	if (!driver)
		return;
	readers_fini(&driver->readers);
	writer_fini(&driver->writer);
	free(driver);
}

static int32_t open_driver(const struct pintle_host *host, struct pintle_inst *inst,
			   const void *conf_ptr, void **self_out, char *err, size_t err_len)
{
	const struct conf *conf = conf_ptr;
	struct driver *driver = calloc(1, sizeof(*driver));
	int32_t status = PINTLE_INTERNAL;

	if (!driver)
		return status;
	driver->site.host = host;
	driver->site.inst = inst;
	if (!site_init(&driver->site, host->state_dir(inst), conf->path, err, err_len)) {
		status = PINTLE_INVALID;
		goto out;
	}
	writer_init(&driver->writer, &driver->site, conf->checkpoint_pages);
	if (!readers_init(&driver->readers, &driver->site, (size_t)conf->readers)) {
		(void)snprintf(err, err_len, "no memory");
		goto out;
	}
	status = host->every(inst, TIDY_EVERY_MS, tidy, driver);
	if (status != PINTLE_OK)
		goto out;
	*self_out = driver;
	driver = NULL;
out:
	close_driver(driver);
	return status;
}

static const struct pintle_db db = {
	.size = sizeof(db),
	.dialect = "sqlite",
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.query = query_one,
	.lock = lock,
	.unlock = unlock,
	.ping = ping,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "db_sqlite",
	.version = "0.1.0",
	.summary = "SQL in one SQLite file, shared by all workers of this host",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_driver,
	.close = close_driver,
	.db = &db,
};

PINTLE_PLUGIN(plugin)
