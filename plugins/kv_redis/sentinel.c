/* SPDX-License-Identifier: Apache-2.0 */
#include "sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_MAX 256

void sentinel_init(struct sentinel *sentinel, const struct base *base)
{
	*sentinel = (struct sentinel){ .base = base };
	while (base->conf->sentinel && base->conf->sentinel[sentinel->n])
		sentinel->n++;
}

static struct timeval patience(const struct base *base)
{
	int64_t ms = base->conf->connect_timeout_ms;

	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static redisContext *connect_to(const struct base *base, const struct spot *spot)
{
	char addresses[ADDRESSES_MAX];

	if (base->host->resolve(base->inst, spot->address, base->conf->connect_timeout_ms,
				addresses, sizeof(addresses)) != PINTLE_OK)
		return NULL;
	addresses[strcspn(addresses, " ")] = '\0'; /* the best */
	return redisConnectWithTimeout(addresses, spot->port, patience(base));
}

static bool log_in(const struct base *base, redisContext *redis)
{
	const struct conf *conf = base->conf;
	redisReply *reply;
	bool ok;

	if (!*conf->sentinel_password)
		return true;
	reply = *conf->sentinel_user ? redisCommand(redis, "AUTH %s %s", conf->sentinel_user,
						    conf->sentinel_password)
				     : redisCommand(redis, "AUTH %s", conf->sentinel_password);
	ok = reply && reply->type == REDIS_REPLY_STATUS;
	freeReplyObject(reply);
	return ok;
}

static bool read_master(const redisReply *reply, struct spot *out)
{
	const redisReply *address, *port;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		return false;
	address = reply->element[0];
	port = reply->element[1];
	if (address->type != REDIS_REPLY_STRING || port->type != REDIS_REPLY_STRING ||
	    address->len == 0 || address->len >= sizeof(out->address))
		return false;
	memcpy(out->address, address->str, address->len + 1);
	out->port = atoi(port->str);
	return out->port > 0 && out->port < 65536;
}

/* NULL, or what is wrong. */
static const char *ask_one(const struct base *base, const struct spot *spot, struct spot *out)
{
	redisContext *redis = connect_to(base, spot);
	const char *why = NULL;
	redisReply *reply = NULL;

	if (!redis)
		return "its name leads nowhere";
	if (redis->err || redisSetTimeout(redis, patience(base)) != REDIS_OK)
		why = "cannot be reached";
	else if (!log_in(base, redis))
		why = "refuses the password";
	else if (!(reply = redisCommand(redis, "SENTINEL get-master-addr-by-name %s",
					base->conf->master)))
		why = "does not answer";
	else if (!read_master(reply, out))
		why = "knows no such master";
	freeReplyObject(reply);
	redisFree(redis);
	return why;
}

int32_t sentinel_ask(struct sentinel *sentinel, struct spot *out, char *why, size_t why_len)
{
	const struct base *base = sentinel->base;
	struct spot spot;

	for (size_t i = 0; i < sentinel->n; i++) {
		const char *text = base->conf->sentinel[sentinel->first];
		const char *wrong = spot_read(text, SENTINEL_PORT, &spot)
					    ? ask_one(base, &spot, out)
					    : "is no address";

		if (!wrong)
			return PINTLE_OK;
		(void)snprintf(why, why_len, "sentinel %s %s", text, wrong);
		sentinel_doubt(sentinel);
	}
	return PINTLE_UNAVAILABLE;
}

void sentinel_doubt(struct sentinel *sentinel)
{
	sentinel->first = (sentinel->first + 1) % sentinel->n;
}
