/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels: a connection of its own to the server the ops go to, which subscribes again after each loss.
 * What is published meanwhile is missed. [loop]
 */
#ifndef BUS_H
#define BUS_H

#include "conn.h"
#include "names.h"

struct bus_channel;

struct bus {
	const struct base *base;
	const struct names *names;
	struct conn conn;
	struct spot spot;
	struct bus_channel *channels;
	int64_t not_before_ms; /* the next attempt */
	int64_t looked_ms;
	bool has_failed; /* and that has been logged */
};

bool bus_init(struct bus *bus, const struct base *base, const struct names *names);
void bus_fini(struct bus *bus);
int32_t bus_subscribe(struct bus *bus, const char *channel, pintle_kv_message *message, void *ctx);
/* Once in a while: spot is where the ops go, NULL when they go nowhere. */
void bus_look_at_clock(struct bus *bus, const struct spot *spot);

#endif
