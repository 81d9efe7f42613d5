/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to people: groups of senders, and the queue between an op that asked and the sender that
 * delivers. What is queued is lost with the worker; the person asks again.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "address.h"
#include "arena.h"
#include "instance.h"

#include <pintle/host.h>

struct host;

/* A deep copy of a pintle_message, with what it belongs to. */
struct message {
	struct job job; /* first: what the pool runs */
	struct message *next;
	struct host *host;
	const struct group *to;     /* while it is delivered */
	size_t n_tried;             /* senders of the group that are done with */
	struct pintle_message text; /* pointers into arena */
	struct arena arena;
	char group[48];
	char flow_id[32];
	char network[ADDRESS_NETWORK_MAX]; /* that asked for it */
};

struct message *message_copy(const char *group, const struct pintle_message *text);
void message_free(struct message *message); /* and those after it */
/* Whether the group exists and has a sender in rotation. */
bool message_group_ok(const struct host *host, const char *group);
bool message_group_exists(const struct host *host, const char *group);
/* [worker] Takes message over and delivers it on a worker thread: each sender of the group in order, the
 * next one only when the one before surely did not accept. The result goes to message_logs, metrics and,
 * when it failed, the flow's state. False when the queue is full; then it is freed. */
bool message_queue(struct host *host, struct message *message);

#endif
