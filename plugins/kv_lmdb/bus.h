/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publish and subscribe between the processes of this host: a datagram socket for each subscriber in
 * the folder bus, and a publisher sends to all of them. A message for a full receiver is dropped, and it is
 * told that it has missed some as soon as it has room.
 */
#ifndef BUS_H
#define BUS_H

#include "peers.h"

#include <limits.h>
#include <pintle/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define BUS_LATE_MAX 64 /* more receivers than a host has */

struct bus_channel;

struct bus {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	char path[PATH_MAX];
	_Atomic int64_t quiet_until_ms;

	pthread_mutex_t mutex; /* guards what follows up to the loop's; nothing waits under it */
	struct peers peers;
	int sender_fd;
	char late[BUS_LATE_MAX][PEER_NAME_MAX]; /* who has missed a message and does not know */
	size_t n_late;
	bool is_armed; /* the timer that tells them */

	/* The loop's. */
	int socket_fd;
	char name[64];
	char *buffer;
	struct bus_channel *channels;
};

void bus_init(struct bus *bus, const struct pintle_host *host, struct pintle_inst *inst);
void bus_fini(struct bus *bus);
/* [loop] */
int32_t bus_subscribe(struct bus *bus, const char *channel, pintle_kv_message *message, void *ctx);
/* [any] n_sent_out: how many sockets took it. */
int32_t bus_publish(struct bus *bus, const struct pintle_kv_request *request, int64_t *n_sent_out);

#endif
