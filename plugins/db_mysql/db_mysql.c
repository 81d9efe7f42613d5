/* SPDX-License-Identifier: Apache-2.0 */
/* SQL in MySQL or MariaDB: options and the table of the driver. See README.md. */
#include "named_lock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TIDY_EVERY_MS 1000
#define COMMIT_LEAST_MS 500 /* once it has been sent, its outcome is worth a little time */
#define ROLLBACK_MS 500

static const struct pintle_opt opts[] = {
	{ "host", PINTLE_LIST, PINTLE_OPT(struct conf, hosts), "127.0.0.1", 1, SERVERS_MAX, NULL,
	  "The servers in order of preference, each a name, name:port or [address]:port; the first "
	  "one "
	  "that can be reached and written to is used." },
	{ "port", PINTLE_INT, PINTLE_OPT(struct conf, port), "3306", 1, 65535, NULL,
	  "The port of servers that are named without one." },
	{ "socket", PINTLE_STRING, PINTLE_OPT(struct conf, socket), "", 1, 100, NULL,
	  "A Unix socket of a server on this machine, used instead of host." },
	{ "user", PINTLE_STRING, PINTLE_OPT(struct conf, user), "pintle", 1, 80, NULL,
	  "The account at the server; it needs all rights on the database, and no others." },
	{ "password", PINTLE_SECRET, PINTLE_OPT(struct conf, password), "", 1, 256, NULL,
	  "Its password." },
	{ "database", PINTLE_STRING, PINTLE_OPT(struct conf, database), "pintle", 1, 64, NULL,
	  "The database, which must be there; its tables are made." },
	{ "tls", PINTLE_CHOICE, PINTLE_OPT(struct conf, tls), "off", 0, 0, "off required verify",
	  "Whether connections are encrypted (required), and the server proves its name by a "
	  "certificate of tls_ca as well (verify)." },
	{ "tls_ca", PINTLE_STRING, PINTLE_OPT(struct conf, tls_ca), "", 1, 1024, NULL,
	  "A PEM file with the certificates that may sign the server's; with verify it is "
	  "needed." },
	{ "tls_cert", PINTLE_STRING, PINTLE_OPT(struct conf, tls_cert), "", 1, 1024, NULL,
	  "A PEM file with our own certificate, for servers that ask for one." },
	{ "tls_key", PINTLE_STRING, PINTLE_OPT(struct conf, tls_key), "", 1, 1024, NULL,
	  "A PEM file with the key of tls_cert." },
	{ "pool", PINTLE_INT, PINTLE_OPT(struct conf, pool), "8", 2, 256, NULL,
	  "How many connections a worker has at most." },
	{ "connect_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, connect_timeout_ms), "1s",
	  100, 30000, NULL,
	  "How long one server may take to accept a connection and make it ready." },
};

struct driver {
	struct site site;
	struct servers servers;
	struct guard guard;
	struct pool pool;
};

struct pintle_tx {
	struct conn *conn;
	int64_t deadline_ms;
	int32_t status; /* a fault that ended it */
};

/* ---- Transactions ---- */

/* A begin that was lost with its connection has done nothing: a second one may try. */
static int32_t begin_on_some(struct driver *driver, int64_t deadline_ms, struct conn **out)
{
	int32_t status = PINTLE_UNAVAILABLE;

	for (int i = 0; i < 2 && status == PINTLE_UNAVAILABLE; i++) {
		status = pool_take(&driver->pool, deadline_ms, out);
		if (status != PINTLE_OK)
			return status;
		status = conn_run(*out, "START TRANSACTION", deadline_ms);
		if (status != PINTLE_OK)
			pool_give(&driver->pool, *out);
	}
	return status;
}

static int32_t begin(void *self, int64_t timeout_ms, struct pintle_tx **tx_out)
{
	struct driver *driver = self;
	struct pintle_tx *tx = calloc(1, sizeof(*tx));
	int32_t status;

	if (!tx)
		return PINTLE_INTERNAL;
	tx->deadline_ms = site_deadline(&driver->site, timeout_ms);
	status = begin_on_some(driver, tx->deadline_ms, &tx->conn);
	if (status != PINTLE_OK) {
		free(tx);
		return status;
	}
	*tx_out = tx;
	return PINTLE_OK;
}

/* A server undoes what was open on a connection that ends. */
static void rollback(void *self, struct pintle_tx *tx)
{
	struct driver *driver = self;
	struct conn *conn = tx->conn;

	if (!conn->is_broken &&
	    conn_run(conn, "ROLLBACK", site_deadline(&driver->site, ROLLBACK_MS)) != PINTLE_OK)
		conn->is_broken = true;
	pool_give(&driver->pool, conn);
	free(tx);
}

/* A fault leaves open whether it is committed, but for BUSY: then the server says that it is not. */
static int32_t commit(void *self, struct pintle_tx *tx)
{
	struct driver *driver = self;
	int64_t now = site_now(&driver->site), deadline_ms = tx->deadline_ms;
	int32_t status = tx->status;

	if (status == PINTLE_OK && now >= deadline_ms)
		status = PINTLE_TIMEOUT;
	if (status != PINTLE_OK) {
		rollback(driver, tx);
		return status;
	}
	if (deadline_ms < now + COMMIT_LEAST_MS)
		deadline_ms = now + COMMIT_LEAST_MS;
	status = conn_run(tx->conn, "COMMIT", deadline_ms);
	if (status != PINTLE_OK)
		tx->conn->is_broken = true;
	pool_give(&driver->pool, tx->conn);
	free(tx);
	return status;
}

/* ---- Statements ---- */

static bool begins_with(const char *sql, const char *word)
{
	while (isspace((unsigned char)*sql))
		sql++;
	return strncasecmp(sql, word, strlen(word)) == 0;
}

/* Such a statement ends the transaction it stands in. */
static bool changes_schema(const char *sql)
{
	static const char *const words[] = { "CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (begins_with(sql, words[i]))
			return true;
	}
	return false;
}

/* What follows a change of the schema is a transaction again. */
static int32_t query_inside(struct driver *driver, struct pintle_tx *tx,
			    const struct pintle_query *query)
{
	int64_t deadline_ms = site_deadline(&driver->site, query->timeout_ms);
	bool has_begun;
	int32_t status;

	if (tx->status != PINTLE_OK)
		return tx->status;
	status = conn_query(tx->conn, query, deadline_ms, &has_begun);
	if (status == PINTLE_BUSY || tx->conn->is_broken)
		tx->status = status == PINTLE_OK ? PINTLE_TIMEOUT : status;
	else if (has_begun && changes_schema(query->sql))
		tx->status = conn_run(tx->conn, "START TRANSACTION", deadline_ms);
	return tx->status != PINTLE_OK ? tx->status : status;
}

/* On another connection once more, when the first was lost: before the server can have begun, or when
 * it makes no difference. Rows are handed on only after all of them have come. */
static int32_t query_alone(struct driver *driver, const struct pintle_query *query)
{
	int64_t deadline_ms = site_deadline(&driver->site, query->timeout_ms);
	int32_t status;

	for (int n_tries = 1;; n_tries++) {
		bool has_begun = false, is_lost;
		struct conn *conn;

		status = pool_take(&driver->pool, deadline_ms, &conn);
		if (status != PINTLE_OK)
			return status;
		status = conn_query(conn, query, deadline_ms, &has_begun);
		is_lost = conn->is_broken && status == PINTLE_UNAVAILABLE;
		pool_give(&driver->pool, conn);
		if (!is_lost || n_tries > 1 || (has_begun && !begins_with(query->sql, "SELECT")))
			return status;
	}
}

static int32_t query_one(void *self, struct pintle_tx *tx, const struct pintle_query *query)
{
	return tx ? query_inside(self, tx, query) : query_alone(self, query);
}

static int32_t lock(void *self, const char *name, int64_t timeout_ms, void **lock_out)
{
	struct driver *driver = self;

	return named_lock_take(&driver->pool, name, timeout_ms, lock_out);
}

static void unlock(void *self, void *held)
{
	struct driver *driver = self;

	named_lock_give(&driver->pool, held);
}

static int32_t ping(void *self, int64_t timeout_ms)
{
	const struct pintle_query query = {
		.size = sizeof(query),
		.sql = "SELECT 1",
		.timeout_ms = timeout_ms,
	};

	return query_alone(self, &query);
}

/* ---- The instance ---- */

static void tidy(void *arg)
{
	struct driver *driver = arg;

	pool_tidy(&driver->pool);
}

static void close_driver(void *self)
{
	struct driver *driver = self;

	if (!driver)
		return;
	atomic_store(&driver->site.is_closed, true);
	if (!pool_fini(&driver->pool))
		return; /* a thread that is connecting comes back to it one day */
	guard_fini(&driver->guard);
	servers_fini(&driver->servers);
	site_fini(&driver->site);
	free(driver);
}

static bool is_sane(const struct conf *conf, char *err, size_t err_len)
{
	const char *reason = NULL;

	if (conf->tls == TLS_VERIFY && !*conf->tls_ca)
		reason = "tls = verify needs tls_ca";
	else if (conf->tls != TLS_OFF && *conf->socket)
		reason = "tls is for host; a socket leaves the machine nowhere";
	else if (!*conf->tls_cert != !*conf->tls_key)
		reason = "tls_cert and tls_key belong together";
	if (reason)
		(void)snprintf(err, err_len, "%s", reason);
	return !reason;
}

static int32_t open_driver(const struct pintle_host *host, struct pintle_inst *inst,
			   const void *conf_ptr, void **self_out, char *err, size_t err_len)
{
	const struct conf *conf = conf_ptr;
	struct driver *driver;
	int32_t status;

	if (!is_sane(conf, err, err_len))
		return PINTLE_INVALID;
	driver = calloc(1, sizeof(*driver));
	if (!driver)
		return PINTLE_INTERNAL;
	status = site_init(&driver->site, host, inst, conf) ? PINTLE_OK : PINTLE_INTERNAL;
	guard_init(&driver->guard, &driver->site);
	if (status == PINTLE_OK &&
	    !servers_init(&driver->servers, &driver->site, conf->hosts, err, err_len))
		status = PINTLE_INVALID;
	pool_init(&driver->pool, &driver->servers, &driver->guard);
	if (status == PINTLE_OK)
		status = host->every(inst, TIDY_EVERY_MS, tidy, driver);
	if (status != PINTLE_OK) {
		close_driver(driver);
		return status;
	}
	*self_out = driver;
	return PINTLE_OK;
}

static const struct pintle_db db = {
	.size = sizeof(db),
	.dialect = "mysql",
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
	.name = "db_mysql",
	.version = "0.1.0",
	.summary = "SQL in MySQL or MariaDB, shared by any number of hosts",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_driver,
	.close = close_driver,
	.db = &db,
};

PINTLE_PLUGIN(plugin)
