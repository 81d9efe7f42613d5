/* SPDX-License-Identifier: Apache-2.0 */
#include "bus.h"

#include "hello.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define MAX_UNDER_WAY 1024
#define RETRY_MS 250
#define LOOK_EVERY_MS 1000

struct bus_channel {
	struct bus_channel *next;
	pintle_kv_message *message;
	void *ctx;
	size_t len;
	char name[]; /* as Redis has it */
};

static void on_message(void *owner, const redisReply *reply)
{
	const struct bus *bus = owner;
	const redisReply *name = reply->element[1], *value = reply->element[2];

	if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING)
		return;
	for (const struct bus_channel *one = bus->channels; one; one = one->next) {
		if (one->len == name->len && memcmp(one->name, name->str, name->len) == 0)
			one->message(one->ctx, value->str, value->len);
	}
}

static void on_end(void *owner, const char *why)
{
	struct bus *bus = owner;
	char text[SPOT_MAX + 16];

	bus->not_before_ms = bus->base->host->mono_ms() + RETRY_MS;
	if (!bus->has_failed)
		base_log(bus->base, PINTLE_LOG_WARN, "no messages until subscribed again: %s: %s",
			 spot_text(&bus->spot, text), why);
	bus->has_failed = true;
}

/* What was published before this may have been missed. */
static void tell_channel(const struct bus *bus, const redisReply *name)
{
	for (const struct bus_channel *one = bus->channels; one; one = one->next) {
		if (name->type == REDIS_REPLY_STRING && one->len == name->len &&
		    memcmp(one->name, name->str, name->len) == 0)
			one->message(one->ctx, NULL, 0);
	}
}

static void on_subscribed(void *ctx, const redisReply *reply)
{
	struct bus *bus = ctx;
	char why[REASON_MAX];

	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		base_reason(why, sizeof(why), reply);
		conn_end(&bus->conn, why);
		return;
	}
	if (bus->has_failed)
		base_log(bus->base, PINTLE_LOG_INFO, "subscribed again");
	bus->has_failed = false;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3)
		tell_channel(bus, reply->element[1]);
}

static bool ask_channel(struct bus *bus, const struct bus_channel *channel)
{
	struct wire wire = { 0 };
	bool ok;

	wire_begin(&wire, 2);
	wire_put_text(&wire, "SUBSCRIBE");
	wire_put(&wire, channel->name, channel->len);
	ok = !wire.is_broken && conn_ask(&bus->conn, wire.bytes, wire.len, on_subscribed, bus);
	wire_fini(&wire);
	return ok;
}

static struct bus_channel *channel_new(const struct bus *bus, const char *name)
{
	const struct names *names = bus->names;
	size_t len = strlen(name);
	struct bus_channel *channel = malloc(sizeof(*channel) + names->channel_len + len);

	if (!channel)
		return NULL;
	*channel = (struct bus_channel){ .len = names->channel_len + len };
	memcpy(channel->name, names->channel, names->channel_len);
	memcpy(channel->name + names->channel_len, name, len);
	return channel;
}

int32_t bus_subscribe(struct bus *bus, const char *name, pintle_kv_message *message, void *ctx)
{
	struct bus_channel *channel, **end = &bus->channels;

	if (strlen(name) > PINTLE_KV_KEY_MAX)
		return PINTLE_INTERNAL;
	channel = channel_new(bus, name);
	if (!channel)
		return PINTLE_INTERNAL;
	channel->message = message;
	channel->ctx = ctx;
	while (*end) /* in the order asked, so that who hears of the last hears of all */
		end = &(*end)->next;
	*end = channel;
	if (conn_is_open(&bus->conn) && !ask_channel(bus, channel))
		conn_end(&bus->conn, "no memory");
	return PINTLE_OK;
}

static void try_spot(struct bus *bus, const struct spot *spot)
{
	char why[REASON_MAX];
	bool ok;

	bus->spot = *spot;
	if (!conn_open(&bus->conn, spot, why, sizeof(why))) {
		on_end(bus, why);
		return;
	}
	ok = hello_log_in(&bus->conn);
	for (const struct bus_channel *one = bus->channels; ok && one; one = one->next)
		ok = ask_channel(bus, one);
	if (!ok)
		conn_end(&bus->conn, "no memory");
}

static void on_pong(void *ctx, const redisReply *reply)
{
	(void)ctx, (void)reply; /* that it came in time is all */
}

void bus_look_at_clock(struct bus *bus, const struct spot *spot)
{
	static const char *const ping[] = { "PING" };
	int64_t now_ms = bus->base->host->mono_ms();

	conn_look_at_clock(&bus->conn);
	if (!spot)
		return;
	if (conn_is_open(&bus->conn) && !spot_equals(spot, &bus->spot))
		conn_end(&bus->conn, "the master is another server now");
	if (!conn_is_open(&bus->conn) && bus->channels &&
	    (now_ms >= bus->not_before_ms || !spot_equals(spot, &bus->spot)))
		try_spot(bus, spot);
	if (!conn_is_open(&bus->conn) || now_ms - bus->looked_ms < LOOK_EVERY_MS)
		return;
	bus->looked_ms = now_ms;
	(void)conn_ask_words(&bus->conn, ping, 1, on_pong, NULL);
}

bool bus_init(struct bus *bus, const struct base *base, const struct names *names)
{
	*bus = (struct bus){ .base = base, .names = names };
	return conn_init(&bus->conn, base, MAX_UNDER_WAY, on_end, on_message, bus);
}

void bus_fini(struct bus *bus)
{
	struct bus_channel *next;

	if (!bus->base)
		return;
	conn_fini(&bus->conn);
	for (struct bus_channel *one = bus->channels; one; one = next) {
		next = one->next;
		free(one);
	}
	*bus = (struct bus){ 0 };
}
