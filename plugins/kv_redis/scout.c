/* SPDX-License-Identifier: Apache-2.0 */
#include "scout.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LOOK_EVERY_MS 200
#define ASK_AGAIN_MS 1000 /* the Sentinels, while all is well */
#define ADDRESSES_MAX 256

static bool is_numeric(const char *address)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1;
}

bool scout_has_sentinels(const struct scout *scout)
{
	return scout->sentinel.n > 0;
}

/* ---- [worker] ---- */

static void put_spots(struct scouted *out, char *addresses, int port)
{
	char *rest = NULL;

	for (char *one = strtok_r(addresses, " ", &rest); one && out->n < SCOUT_MAX_SPOTS;
	     one = strtok_r(NULL, " ", &rest)) {
		struct spot *spot = &out->spots[out->n++];

		(void)snprintf(spot->address, sizeof(spot->address), "%s", one);
		spot->port = port;
	}
}

static void look_up(const struct base *base, const struct spot *spot, struct scouted *out)
{
	char addresses[ADDRESSES_MAX];
	int32_t status =
		base->host->resolve(base->inst, spot->address, base->conf->connect_timeout_ms,
				    addresses, sizeof(addresses));

	if (status == PINTLE_OK)
		put_spots(out, addresses, spot->port);
	else
		(void)snprintf(out->why, sizeof(out->why), "%.*s: %s", SPOT_MAX, spot->address,
			       status == PINTLE_NOT_FOUND ? "no such name"
							  : "the name cannot be looked up");
}

static void search(struct scout *scout, struct scouted *out)
{
	struct spot spot = scout->spot;

	if (atomic_exchange(&scout->is_doubted, false) && scout_has_sentinels(scout))
		sentinel_doubt(&scout->sentinel);
	if (scout_has_sentinels(scout) &&
	    sentinel_ask(&scout->sentinel, &spot, out->why, sizeof(out->why)) != PINTLE_OK)
		return;
	if (spot_is_path(&spot) || is_numeric(spot.address))
		out->spots[out->n++] = spot;
	else
		look_up(scout->base, &spot, out);
}

/* [loop] */
static void tell(void *arg)
{
	struct scout *scout = arg;
	struct scouted scouted;

	(void)pthread_mutex_lock(&scout->mutex);
	scouted = scout->scouted;
	(void)pthread_mutex_unlock(&scout->mutex);
	scout->found(scout->owner, &scouted);
}

static void search_and_tell(struct scout *scout)
{
	const struct base *base = scout->base;
	struct scouted scouted = { .n = 0 };

	search(scout, &scouted);
	(void)pthread_mutex_lock(&scout->mutex);
	scout->scouted = scouted;
	(void)pthread_mutex_unlock(&scout->mutex);
	if (base->host->timer(base->inst, 0, tell, scout) != PINTLE_OK)
		atomic_store(&scout->is_wanted, true);
}

static void look(void *arg)
{
	struct scout *scout = arg;
	int64_t now_ms = scout->base->host->mono_ms();
	bool is_due = scout_has_sentinels(scout) && now_ms - scout->asked_ms >= ASK_AGAIN_MS;

	if (!atomic_exchange(&scout->is_wanted, false) && !is_due)
		return;
	scout->asked_ms = now_ms;
	search_and_tell(scout);
}

/* ---- The rest ---- */

static bool needs_search(const struct scout *scout)
{
	const struct spot *spot = &scout->spot;

	return scout_has_sentinels(scout) || !(spot_is_path(spot) || is_numeric(spot->address));
}

void scout_want(struct scout *scout, bool is_doubted)
{
	struct scouted scouted = { .n = 0 };

	if (!needs_search(scout)) {
		search(scout, &scouted);
		scout->found(scout->owner, &scouted);
		return;
	}
	if (is_doubted)
		atomic_store(&scout->is_doubted, true);
	atomic_store(&scout->is_wanted, true);
}

int32_t scout_init(struct scout *scout, const struct base *base, scout_found *found, void *owner)
{
	*scout = (struct scout){ .base = base, .found = found, .owner = owner };
	(void)pthread_mutex_init(&scout->mutex, NULL);
	sentinel_init(&scout->sentinel, base);
	if (!spot_read(base->conf->host, REDIS_PORT, &scout->spot))
		return PINTLE_INVALID;
	return needs_search(scout) ? base->host->every(base->inst, LOOK_EVERY_MS, look, scout)
				   : PINTLE_OK;
}

void scout_fini(struct scout *scout)
{
	if (!scout->base)
		return;
	(void)pthread_mutex_destroy(&scout->mutex);
	*scout = (struct scout){ 0 };
}
