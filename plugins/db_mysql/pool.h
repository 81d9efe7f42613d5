/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of this process: at most a fixed number, made when they are needed, each used by one
 * caller at a time. A connection is made on a thread of its own, so that a caller waits no longer than
 * it wants to; what comes too late serves the next one. While no server can be reached one attempt at
 * a time is under way and all others are refused at once.
 */
#ifndef POOL_H
#define POOL_H

#include "conn.h"

struct pool {
	struct site *site;
	struct servers *servers;
	struct guard *guard;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t is_changed;
	struct conn *idle;   /* the one used last is the first */
	size_t n_open;       /* idle, in use, and being made */
	size_t n_dialling;   /* threads that are */
	size_t best;         /* the server that the last connection leads to */
	int64_t dialled_ms;  /* when the last attempt began */
	int64_t climbed_ms;  /* the last one at a better server */
	int64_t failed_ms;   /* when the last one that showed no server can be reached ended */
	int64_t answered_ms; /* when a connection was last made, or given back well */
	unsigned n_failures; /* attempts that showed that no server can be reached */
	bool is_down;        /* the last one did */
	bool is_closing;
};

void pool_init(struct pool *pool, struct servers *servers, struct guard *guard);
/* False when a thread is connecting still, for one may hang in the look-up of a name: then nothing it
 * uses may be freed. */
bool pool_fini(struct pool *pool);
/* [worker] A connection that answers, its own until pool_give. TIMEOUT, UNAVAILABLE. */
int32_t pool_take(struct pool *pool, int64_t deadline_ms, struct conn **out);
/* Broken or outdated ones are closed. */
void pool_give(struct pool *pool, struct conn *conn);
/* Closes what has idled for long, and looks whether a server that is preferred is back. */
void pool_tidy(struct pool *pool);

#endif
