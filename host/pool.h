/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker threads: jobs run top to bottom and may block. Each job belongs to a class; a class bounds
 * how many of its jobs run at once and how many wait. Threads are started when needed, up to the sum
 * of the caps, so that one class with all its jobs stuck takes no thread from another.
 */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;
struct pool_class;
struct job;

typedef void job_fn(struct job *job);

/* Embedded in what it works on. */
struct job {
	job_fn *run;
	struct pool_class *in; /* the pool's */
	struct job *next;      /* the pool's */
};

enum pool_verdict { POOL_GO, POOL_QUEUED, POOL_FULL };

struct pool_load {
	size_t n_running, n_waiting, n_cap, n_queue;
};

struct pool *pool_new(void);
/* Adds a class before the first submit; name is lent for the pool's life. */
struct pool_class *pool_class_new(struct pool *pool, const char *name, size_t cap, size_t queue);
/* [any] False when the class's queue is full: the job was not taken. */
bool pool_submit(struct pool *pool, struct pool_class *class, struct job *job);
/*
 * [worker] From inside a running job: go on as a job of class instead. POOL_GO: this thread holds a
 * place there now; go on. POOL_QUEUED: job->run is called again later, return at once and do not touch
 * the job. POOL_FULL: still in the old class.
 */
enum pool_verdict pool_switch(struct pool *pool, struct pool_class *class, struct job *job);
/* [any] */
void pool_class_load(struct pool *pool, const struct pool_class *class, struct pool_load *out);
void pool_total_load(struct pool *pool, struct pool_load *out);
/* Waits for all jobs until deadline (monotonic ms; 0 only looks), then gives up; true when all ended. */
bool pool_drain(struct pool *pool, int64_t deadline_ms);
void pool_free(struct pool *pool); /* after pool_drain answered true */

#endif
