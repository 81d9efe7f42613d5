/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of delivery: three senders that answer as told, over a real pool and stores that only take notes. */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "call.h"
#include "host.h"
#include "message.h"
#include "metrics.h"

#include <pthread.h>

#define DELIVERY_SENDERS 3
#define DELIVERY_NOTES_MAX 512
#define DELIVERY_LONG_MS 10000 /* never waited for */

/* What a sender is told to answer, and what it was given. */
struct script {
	int32_t status;
	int64_t leave_ms; /* answers so long before the call ends, if not 0 */
	_Atomic int n_sent, n_probes;
	char seen[128];
};

struct record {
	char key[128], value[256];
};

struct delivery {
	struct host host;
	struct settings settings;
	struct board *board;
	struct pintle_inst senders[DELIVERY_SENDERS];
	struct script scripts[DELIVERY_SENDERS];
	struct group_settings group_settings;
	struct group group;
	struct plugin plugin;
	pthread_mutex_t lock;           /* of what follows: the fakes run on many threads */
	char rows[DELIVERY_NOTES_MAX];  /* gateway=result of each row of message_logs */
	char state[DELIVERY_NOTES_MAX]; /* what was noted of the flow */
	char off[DELIVERY_NOTES_MAX];   /* names of senders that are switched off */
	int32_t off_status;             /* of reading them */
	int n_off_read;                 /* how often they were */
	bool may_resend;                /* the target's wait was lifted */
	int n_given_back;               /* counters of missing codes */
	bool is_again;                  /* all messages are to one person */
	struct record records
		[8]; /* of the senders' health, of who had a message lately and what it met */
};

/* A job that stands where it is put until the gate is opened. */
struct gate {
	struct job job; /* first: what the pool runs */
	_Atomic bool is_open;
};

int delivery_setup(void **state); /* a struct delivery */
int delivery_teardown(void **state);

/* To the one number of these tests, with a code, of flow1. */
struct message *delivery_message(void);
/* Queues such a message to somebody who had none before, unless told otherwise, and waits for its end. */
void delivery_send(struct delivery *world);
/* Waits for all jobs. */
void delivery_drain(struct delivery *world);
void delivery_wait_for_sent(struct delivery *world, size_t sender, int n_sent);
/* Whether group would take one. */
bool delivery_is_ok(struct delivery *world, const char *group);
void delivery_nap(void); /* a millisecond, in bounded loops */
/* Puts gate in class, where it stands until it is open. */
void delivery_put(struct delivery *world, struct gate *gate, struct pool_class *class);

/* Lets a sender fail until it is out of rotation. */
void delivery_take_out(struct delivery *world, size_t i);
void delivery_let_pass(struct delivery *world, int64_t ms); /* by the clock */
uint64_t delivery_counted(const struct delivery *world, enum metric_counter counter);
/* What the key-value store holds under key; a free place when there is nothing. */
struct record *delivery_record(struct delivery *world, const char *key);
/* The senders' send, until a test has another one. */
int32_t delivery_send_as_told(void *self, struct pintle_call *call,
			      const struct pintle_message *message);

#endif
