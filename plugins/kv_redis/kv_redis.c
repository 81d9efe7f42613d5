/* SPDX-License-Identifier: Apache-2.0 */
/* Short-lived keys in a Redis that all hosts share: options and the table. See README.md. */
#include "bus.h"
#include "link.h"
#include "scout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 100
#define RETRY_MS 250

static const struct pintle_opt opts[] = {
	{ "host", PINTLE_STRING, PINTLE_OPT(struct conf, host), "127.0.0.1:6379", 1, 256, NULL,
	  "The server: name, name:port, [address]:port or the absolute path of a Unix socket; of "
	  "no "
	  "use with sentinel." },
	{ "user", PINTLE_STRING, PINTLE_OPT(struct conf, user), "", 0, 256, NULL,
	  "The ACL user; empty: the default one." },
	{ "password", PINTLE_SECRET, PINTLE_OPT(struct conf, password), "", 0, 512, NULL,
	  "The password; empty: none is sent unless there is a user." },
	{ "database", PINTLE_INT, PINTLE_OPT(struct conf, database), "0", 0, 1000000, NULL,
	  "The number of the database." },
	{ "prefix", PINTLE_STRING, PINTLE_OPT(struct conf, prefix), "pintle:", 1, PREFIX_MAX, NULL,
	  "What all keys and channels begin with; hosts of one installation have the same." },
	{ "connect_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, connect_timeout_ms), "1s", 50,
	  30000, NULL, "Time a connection, or the look-up of a name, may take." },
	{ "command_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, command_timeout_ms), "1s", 50,
	  30000, NULL,
	  "Time an answer may take; then the connection counts as dead. Less than "
	  "storage.timeout." },
	{ "sentinel", PINTLE_LIST, PINTLE_OPT(struct conf, sentinel), "", 0, 16, NULL,
	  "The Sentinels that know the master: name, name:port or [address]:port each." },
	{ "master", PINTLE_STRING, PINTLE_OPT(struct conf, master), "", 0, 128, NULL,
	  "The name the Sentinels know the master by." },
	{ "sentinel_user", PINTLE_STRING, PINTLE_OPT(struct conf, sentinel_user), "", 0, 256, NULL,
	  "The ACL user at the Sentinels; empty: the default one." },
	{ "sentinel_password", PINTLE_SECRET, PINTLE_OPT(struct conf, sentinel_password), "", 0,
	  512, NULL, "The password at the Sentinels; empty: none is sent." },
};

struct driver {
	struct base base;
	struct link link;
	struct bus bus;
	struct scout scout;
	size_t next_spot; /* where a name has several addresses */
	bool is_asking;   /* the scout */
	int64_t not_before_ms;
};

/* ---- [loop] ---- */

static bool is_among(const struct scouted *scouted, const struct spot *spot)
{
	for (size_t i = 0; i < scouted->n; i++) {
		if (spot_equals(&scouted->spots[i], spot))
			return true;
	}
	return false;
}

static void on_found(void *owner, const struct scouted *scouted)
{
	struct driver *driver = owner;
	struct link *link = &driver->link;

	driver->is_asking = false;
	if (link_wants(link) && scouted->n == 0)
		link_give_up(link, scouted->why);
	else if (link_wants(link))
		link_try(link, &scouted->spots[driver->next_spot++ % scouted->n]);
	else if (scout_has_sentinels(&driver->scout) && scouted->n > 0 &&
		 !is_among(scouted, &link->spot)) {
		link_leave(link, "the Sentinels name another master");
		link_try(link, &scouted->spots[0]);
	}
}

static void seek(struct driver *driver)
{
	int64_t now_ms = driver->base.host->mono_ms();

	if (!link_wants(&driver->link) || driver->is_asking || now_ms < driver->not_before_ms)
		return;
	driver->not_before_ms = now_ms + RETRY_MS;
	driver->is_asking = true;
	scout_want(&driver->scout, driver->link.is_down);
}

static void tick(void *arg)
{
	struct driver *driver = arg;
	const struct base *base = &driver->base;

	link_look_at_clock(&driver->link);
	bus_look_at_clock(&driver->bus, driver->link.is_up ? &driver->link.spot : NULL);
	seek(driver);
	(void)base->host->timer(base->inst, TICK_MS, tick, driver);
}

static void submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	struct driver *driver = self;

	link_submit(&driver->link, request, done, ctx);
}

static int32_t subscribe(void *self, const char *channel, pintle_kv_message *message, void *ctx)
{
	struct driver *driver = self;

	return bus_subscribe(&driver->bus, channel, message, ctx);
}

/* ---- [any] ---- */

static int32_t epoch(void *self, char *out, size_t out_len)
{
	struct driver *driver = self;

	if (out_len <= EPOCH_LEN)
		return PINTLE_INTERNAL;
	link_epoch(&driver->link, out);
	return *out ? PINTLE_OK : PINTLE_UNAVAILABLE;
}

/* ---- Life ---- */

static void close_driver(void *self)
{
	struct driver *driver = self;

	if (!driver)
		return;
	bus_fini(&driver->bus);
	link_fini(&driver->link);
	scout_fini(&driver->scout);
	free(driver);
}

/* NULL, or what is wrong with the options. */
static const char *objection(const struct conf *conf)
{
	bool has_sentinels = conf->sentinel && conf->sentinel[0];
	struct spot spot;

	if (!spot_read(conf->host, REDIS_PORT, &spot))
		return "host: neither name, name:port, [address]:port nor an absolute path";
	for (size_t i = 0; has_sentinels && conf->sentinel[i]; i++) {
		if (!spot_read(conf->sentinel[i], SENTINEL_PORT, &spot))
			return "sentinel: neither name, name:port nor [address]:port";
	}
	if (has_sentinels != (*conf->master != '\0'))
		return "sentinel and master belong together";
	if ((*conf->user && !*conf->password) ||
	    (*conf->sentinel_user && !*conf->sentinel_password))
		return "a user needs a password";
	return NULL;
}

static int32_t start(struct driver *driver)
{
	const struct base *base = &driver->base;
	int32_t status = PINTLE_INTERNAL;

	if (link_init(&driver->link, base) && bus_init(&driver->bus, base, &driver->link.names))
		status = scout_init(&driver->scout, base, on_found, driver);
	if (status == PINTLE_OK)
		status = base->host->timer(base->inst, 0, tick, driver);
	return status;
}

static int32_t open_driver(const struct pintle_host *host, struct pintle_inst *inst,
			   const void *conf, void **self_out, char *err, size_t err_len)
{
	const char *why = objection(conf);
	struct driver *driver;
	int32_t status;

	if (why) {
		(void)snprintf(err, err_len, "%s", why);
		return PINTLE_INVALID;
	}
	driver = calloc(1, sizeof(*driver));
	if (!driver)
		return PINTLE_INTERNAL;
	driver->base = (struct base){ host, inst, conf };
	status = start(driver);
	if (status == PINTLE_OK)
		*self_out = driver;
	else
		close_driver(driver);
	return status;
}

static const struct pintle_kv kv = {
	.size = sizeof(kv),
	.submit = submit,
	.subscribe = subscribe,
	.epoch = epoch,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "kv_redis",
	.version = "0.1.0",
	.summary = "Short-lived keys in a Redis that all hosts share",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_driver,
	.close = close_driver,
	.kv = &kv,
};

PINTLE_PLUGIN(plugin)
