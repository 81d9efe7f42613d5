/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection that ops go over, again and again. [loop] all but link_epoch.
 *
 * An op under way when the connection dies ends UNAVAILABLE: whether it happened is not known. One that
 * comes while a connection is being made waits for it, so that a blip costs time and no failure. After an
 * attempt that failed, or a server that fell silent, ops end UNAVAILABLE at once until there is a
 * connection, so that an outage costs no time.
 */
#ifndef LINK_H
#define LINK_H

#include "hello.h"
#include "parked.h"

#include <pthread.h>

struct flight;

struct link {
	const struct base *base;
	struct conn conn;
	struct hello hello;
	struct names names;
	struct spot spot;
	struct parked parked;
	struct wire wire;
	struct flight *spare;                    /* used again */
	struct flight *unproved, **unproved_end; /* answered, but perhaps in another epoch */
	bool is_look_due;                        /* at the epoch, behind what is to be proved */
	bool is_up, is_down;                     /* neither: an attempt is under way or due */
	int64_t looked_ms;                       /* when it was last asked whether it is a master */
	int64_t quiet_until_ms;
	char last_why[REASON_MAX];

	pthread_mutex_t mutex; /* guards what follows */
	char epoch[EPOCH_LEN + 1];
};

bool link_init(struct link *link, const struct base *base);
void link_fini(struct link *link);
void link_submit(struct link *link, const struct pintle_kv_request *request, pintle_kv_done *done,
		 void *ctx);
/* Whether somebody must find a server for it. */
bool link_wants(const struct link *link);
void link_try(struct link *link, const struct spot *spot);
/* There is none, or it will not do. */
void link_give_up(struct link *link, const char *why);
/* The store has moved: what is under way there ends. */
void link_leave(struct link *link, const char *why);
void link_look_at_clock(struct link *link);
/* [any] Empty when none is known yet. */
void link_epoch(struct link *link, char out[EPOCH_LEN + 1]);

#endif
