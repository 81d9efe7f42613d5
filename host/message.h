/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to people: the queue between an op that asked and the sender that delivers. What is queued
 * is lost with the worker; the person asks again.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "address.h"
#include "arena.h"
#include "group.h"
#include "instance.h"

#include <pintle/host.h>

struct host;

/* A sender of the group that may have this message, and why it comes where it comes. */
struct message_try {
	struct pintle_inst *sender;
	int rank;         /* message_plan.c's */
	int64_t probe_ms; /* of one out of rotation */
	bool is_probe;    /* the message is the probe of its breaker */
	bool is_troubled; /* a success is worth a note */
};

/* A deep copy of a pintle_message, with what it belongs to. */
struct message {
	struct job job; /* first: what the pool runs */
	struct message *next;
	struct host *host;
	struct message_try tries[GROUP_SENDERS_MAX];
	size_t n_tries, n_tried;
	bool is_planned;
	bool has_waited;            /* in the class of the next try's sender */
	int64_t deadline_ms;        /* monotonic: no sender is tried shortly before it */
	int64_t sent_ms;            /* by the wall clock: the last try began */
	struct pintle_message text; /* pointers into arena */
	struct arena arena;
	char group[CONF_NAME_MAX + 1];
	char country[GROUP_COUNTRY_MAX];
	char flow_id[32];
	char network[ADDRESS_NETWORK_MAX]; /* that asked for the code it carries; empty: none */
};

/* What an op has sent; it may go on while others take from it. */
struct message_list {
	_Atomic(struct message *) newest;
};

struct message *message_copy(const char *group, const struct pintle_message *text);
void message_free(struct message *message); /* and those after it */
/* [worker] Whether the group has a sender in rotation for such a message. A sender whose breaker is
 * open counts: the least bad is tried when there is none better. */
bool message_group_ok(struct host *host, const char *group, const char *to, int32_t purpose);
/*
 * [worker] Takes message over and delivers it on a worker thread: each sender in the order of the plan,
 * the next one only when the one before surely did not accept and a fifth of the time of one request
 * is left. The result goes to message_logs, metrics, the sender's health and, when it failed, the flow's
 * state. False when the queue is full; then it is lost.
 */
bool message_queue(struct host *host, struct message *message);
/* [any] message and those after it are not delivered: on a worker thread, for which nobody waits, what was
 * counted for them is given back, their flows note it, if they have one, and they are freed. NULL is fine. */
void message_lose(struct host *host, struct message *message);
/* [any] Takes message over; and all of the list, in the order in which they came. */
void message_list_add(struct message_list *list, struct message *message);
struct message *message_list_take(struct message_list *list);
/* [worker] Delivers on this thread, through the one sender alone: OK, or why not. Takes message over. */
int32_t message_send_through(struct host *host, struct message *message,
			     struct pintle_inst *sender);

#endif
