/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mutex guards everything here. A class that has both a waiting job and room for it stands in the
 * ready list; threads take one job from the first class of that list and put the class last again.
 */
#include "pool.h"

#include "board.h"
#include "clock.h"
#include "log.h"
#include "xalloc.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct pool_class {
	const char *name;
	size_t cap, queue;
	size_t n_running, n_waiting;
	size_t n_runnable; /* waiting jobs there is room for */
	struct job *first, **last;
	bool is_ready;                  /* stands in the ready list */
	STAILQ_ENTRY(pool_class) ready; /* in the ready list */
	SLIST_ENTRY(pool_class) all;
};

struct pool {
	pthread_mutex_t lock; /* guards all below, and the classes */
	pthread_cond_t work;  /* a job became runnable, or the pool ends */
	pthread_cond_t calm;  /* the last job ended */
	STAILQ_HEAD(ready_list, pool_class) ready;
	SLIST_HEAD(class_list, pool_class) classes;
	pthread_t *threads;
	size_t n_threads, max_threads;
	size_t n_idle, n_runnable, n_jobs; /* n_jobs: waiting and running */
	bool is_ending;
};

/* The class this thread holds a place of. */
static _Thread_local struct pool_class *held;

struct pool *pool_new(void)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr); /* none of these can fail on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->work, NULL);
	(void)pthread_cond_init(&pool->calm, &attr);
	(void)pthread_condattr_destroy(&attr);
	STAILQ_INIT(&pool->ready);
	SLIST_INIT(&pool->classes);
	return pool;
}

struct pool_class *pool_class_new(struct pool *pool, const char *name, size_t cap, size_t queue)
{
	struct pool_class *class = xcalloc(1, sizeof(*class));

	assert(cap > 0 && pool->n_threads == 0);
	class->name = name;
	class->cap = cap;
	class->queue = queue;
	class->last = &class->first;
	SLIST_INSERT_HEAD(&pool->classes, class, all);
	pool->max_threads += cap;
	pool->threads = xrealloc(pool->threads, pool->max_threads * sizeof(*pool->threads));
	return class;
}

/* After any change of a class's counts. */
static void class_update(struct pool *pool, struct pool_class *class)
{
	size_t room = class->cap - class->n_running;
	size_t n_runnable = class->n_waiting < room ? class->n_waiting : room;

	pool->n_runnable = pool->n_runnable - class->n_runnable + n_runnable;
	class->n_runnable = n_runnable;
	if (n_runnable > 0 && !class->is_ready) {
		STAILQ_INSERT_TAIL(&pool->ready, class, ready);
		class->is_ready = true;
	}
}

static void class_push(struct pool *pool, struct pool_class *class, struct job *job)
{
	job->in = class;
	job->next = NULL;
	*class->last = job;
	class->last = &job->next;
	class->n_waiting++;
	pool->n_jobs++;
	class_update(pool, class);
}

/* NULL when no class has both a job and room. The calling thread holds a place of the job's class. */
static struct job *take_job(struct pool *pool)
{
	struct pool_class *class = STAILQ_FIRST(&pool->ready);
	struct job *job;

	if (!class)
		return NULL;
	STAILQ_REMOVE_HEAD(&pool->ready, ready);
	class->is_ready = false;
	job = class->first;
	class->first = job->next;
	if (!class->first)
		class->last = &class->first;
	class->n_waiting--;
	class->n_running++;
	class_update(pool, class);
	held = class;
	return job;
}

static void release_place(struct pool *pool)
{
	held->n_running--;
	class_update(pool, held);
	held = NULL;
	if (--pool->n_jobs == 0)
		(void)pthread_cond_broadcast(&pool->calm);
}

/* A thread of the batch class does not interrupt the one that wakes it: the loop hands out all it has
 * before a processor that both share goes from one to the other. */
static void give_way_to_loop(void)
{
	const struct sched_param none = { 0 };

	(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none); /* refused, it is slower */
}

static void *run_jobs(void *arg)
{
	struct pool *pool = arg;

	board_watch_thread();
	give_way_to_loop();
	(void)pthread_mutex_lock(&pool->lock);
	while (!pool->is_ending) {
		struct job *job = take_job(pool);

		if (!job) {
			pool->n_idle++;
			(void)pthread_cond_wait(&pool->work, &pool->lock);
			pool->n_idle--;
			continue;
		}
		(void)pthread_mutex_unlock(&pool->lock);
		job->run(job);
		(void)pthread_mutex_lock(&pool->lock);
		release_place(pool);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Signals for the process are the loop's; a plugin's blocking calls are not to be interrupted. */
static int start_thread(pthread_t *thread, struct pool *pool)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGSEGV);
	(void)sigdelset(&all, SIGBUS);
	(void)sigdelset(&all, SIGFPE);
	(void)sigdelset(&all, SIGILL);
	(void)sigdelset(&all, SIGABRT);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = pthread_create(thread, NULL, run_jobs, pool);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* Sees that a runnable job finds a thread. A job that can run has a thread to run it, so there are
 * never more threads than the sum of the caps. */
static void wake_or_start(struct pool *pool)
{
	int rc;

	if (pool->n_runnable == 0)
		return;
	if (pool->n_idle > 0)
		(void)pthread_cond_signal(&pool->work);
	if (pool->n_runnable <= pool->n_idle || pool->n_threads == pool->max_threads)
		return;
	rc = start_thread(&pool->threads[pool->n_threads], pool);
	if (rc == 0)
		pool->n_threads++;
	else if (pool->n_threads > 0)
		log_warn("no further worker thread: %s", strerror(rc));
	else
		out_of_memory();
}

/* Jobs there is room for do not count as waiting. */
static bool class_is_full(const struct pool_class *class)
{
	return class->n_running + class->n_waiting >= class->cap + class->queue;
}

bool pool_submit(struct pool *pool, struct pool_class *class, struct job *job)
{
	bool is_taken;

	(void)pthread_mutex_lock(&pool->lock);
	is_taken = !class_is_full(class);
	if (is_taken) {
		class_push(pool, class, job);
		wake_or_start(pool);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return is_taken;
}

static enum pool_verdict switch_locked(struct pool *pool, struct pool_class *class, struct job *job)
{
	assert(held == job->in);
	if (class == held)
		return POOL_GO;
	if (class_is_full(class))
		return POOL_FULL;
	if (class->n_waiting > 0 || class->n_running == class->cap) {
		class_push(pool, class, job); /* the old place is given back when run returns */
		return POOL_QUEUED;
	}
	held->n_running--;
	class_update(pool, held);
	class->n_running++;
	class_update(pool, class);
	job->in = held = class;
	return POOL_GO;
}

enum pool_verdict pool_switch(struct pool *pool, struct pool_class *class, struct job *job)
{
	enum pool_verdict verdict;

	(void)pthread_mutex_lock(&pool->lock);
	verdict = switch_locked(pool, class, job);
	wake_or_start(pool);
	(void)pthread_mutex_unlock(&pool->lock);
	return verdict;
}

void pool_class_load(struct pool *pool, const struct pool_class *class, struct pool_load *out)
{
	(void)pthread_mutex_lock(&pool->lock);
	*out = (struct pool_load){ .n_running = class->n_running,
				   .n_waiting = class->n_waiting,
				   .n_cap = class->cap,
				   .n_queue = class->queue };
	(void)pthread_mutex_unlock(&pool->lock);
}

void pool_total_load(struct pool *pool, struct pool_load *out)
{
	const struct pool_class *class = NULL;

	*out = (struct pool_load){ 0 };
	(void)pthread_mutex_lock(&pool->lock);
	SLIST_FOREACH(class, &pool->classes, all) {
		out->n_running += class->n_running;
		out->n_waiting += class->n_waiting;
		out->n_cap += class->cap;
		out->n_queue += class->queue;
	}
	(void)pthread_mutex_unlock(&pool->lock);
}

bool pool_drain(struct pool *pool, int64_t deadline_ms)
{
	struct timespec until = { .tv_sec = deadline_ms / 1000,
				  .tv_nsec = deadline_ms % 1000 * 1000000 };
	bool is_calm;
	int rc = 0;

	(void)pthread_mutex_lock(&pool->lock);
	while (pool->n_jobs > 0 && rc == 0)
		rc = pthread_cond_timedwait(&pool->calm, &pool->lock, &until);
	is_calm = pool->n_jobs == 0;
	(void)pthread_mutex_unlock(&pool->lock);
	return is_calm;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	(void)pthread_mutex_lock(&pool->lock);
	pool->is_ending = true;
	(void)pthread_cond_broadcast(&pool->work);
	(void)pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->n_threads; i++)
		(void)pthread_join(pool->threads[i], NULL);
	while (!SLIST_EMPTY(&pool->classes)) {
		struct pool_class *class = SLIST_FIRST(&pool->classes);

		SLIST_REMOVE_HEAD(&pool->classes, all);
		free(class);
	}
	(void)pthread_cond_destroy(&pool->calm);
	(void)pthread_cond_destroy(&pool->work);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
	free(pool);
}
