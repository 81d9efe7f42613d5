/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is. Requests lie on their callers' stacks: a caller leaves early only while it is still
 * queued, and waits for the end once a thread has taken its request. */
#include "hasher.h"

#include "clock.h"
#include "hash_scheme.h"
#include "log.h"
#include "xalloc.h"

#include <assert.h>
#include <pintle/status.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE_LAST 19

enum request_state { REQUEST_QUEUED, REQUEST_RUNNING, REQUEST_DONE };

struct hash_request {
	TAILQ_ENTRY(hash_request) next;
	enum request_state state;
	struct hash_setting setting;
	const char *secret;
	bool is_verify;
	const char *stored; /* verify; may be NULL */
	char *out;          /* hash */
	int32_t status;
	pthread_cond_t done;
};

struct hasher {
	pthread_mutex_t lock; /* guards all below, and the state of requests */
	pthread_cond_t work;
	TAILQ_HEAD(hash_queue, hash_request) waiting;
	size_t n_waiting, max_waiting, n_running;
	bool is_ending;
	size_t n_threads;
	pthread_t threads[];
};

/* Whatever the outcome, a verify costs at least one hash of the setting. */
static int32_t run_verify(const struct hash_request *request)
{
	char unused[HASHER_TEXT_MAX];
	bool is_known = false;
	bool ok = request->stored && hash_matches(request->secret, request->stored, &is_known);

	if (!is_known && !hash_make(&request->setting, "", unused))
		return PINTLE_INTERNAL;
	return ok ? PINTLE_OK : PINTLE_DENIED;
}

static int32_t run_request(const struct hash_request *request)
{
	if (request->is_verify)
		return run_verify(request);
	if (!hash_fits(&request->setting, request->secret))
		return PINTLE_INVALID;
	return hash_make(&request->setting, request->secret, request->out) ? PINTLE_OK
									   : PINTLE_INTERNAL;
}

static void run_first(struct hasher *hasher)
{
	struct hash_request *request = TAILQ_FIRST(&hasher->waiting);

	TAILQ_REMOVE(&hasher->waiting, request, next);
	hasher->n_waiting--;
	hasher->n_running++;
	request->state = REQUEST_RUNNING;
	(void)pthread_mutex_unlock(&hasher->lock);
	request->status = run_request(request);
	(void)pthread_mutex_lock(&hasher->lock);
	hasher->n_running--;
	request->state = REQUEST_DONE;
	(void)pthread_cond_signal(&request->done);
}

static void *run_requests(void *arg)
{
	struct hasher *hasher = arg;

	/* On Linux a thread has a priority of its own. */
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_LAST) != 0)
		log_warn("hashing threads keep the ordinary priority");
	(void)pthread_mutex_lock(&hasher->lock);
	while (!hasher->is_ending) {
		if (TAILQ_EMPTY(&hasher->waiting))
			(void)pthread_cond_wait(&hasher->work, &hasher->lock);
		else
			run_first(hasher);
	}
	(void)pthread_mutex_unlock(&hasher->lock);
	return NULL;
}

static void start_threads(struct hasher *hasher, size_t n_threads)
{
	sigset_t all, before;

	(void)sigfillset(&all); /* signals for the process are the loop's */
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	for (; hasher->n_threads < n_threads; hasher->n_threads++) {
		if (pthread_create(&hasher->threads[hasher->n_threads], NULL, run_requests,
				   hasher) != 0)
			out_of_memory();
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct hasher *hasher_new(size_t n_threads, size_t queue)
{
	struct hasher *hasher =
		xcalloc(1, sizeof(*hasher) + n_threads * sizeof(hasher->threads[0]));

	assert(n_threads > 0);
	(void)pthread_mutex_init(&hasher->lock, NULL); /* cannot fail on Linux */
	(void)pthread_cond_init(&hasher->work, NULL);
	TAILQ_INIT(&hasher->waiting);
	hasher->max_waiting = queue;
	start_threads(hasher, n_threads);
	return hasher;
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	(void)pthread_mutex_lock(&hasher->lock);
	assert(TAILQ_EMPTY(&hasher->waiting));
	hasher->is_ending = true;
	(void)pthread_cond_broadcast(&hasher->work);
	(void)pthread_mutex_unlock(&hasher->lock);
	for (size_t i = 0; i < hasher->n_threads; i++)
		(void)pthread_join(hasher->threads[i], NULL);
	(void)pthread_cond_destroy(&hasher->work);
	(void)pthread_mutex_destroy(&hasher->lock);
	free(hasher);
}

static void wait_for_end(struct hasher *hasher, struct hash_request *request, int64_t deadline_ms)
{
	struct timespec until = { .tv_sec = deadline_ms / 1000,
				  .tv_nsec = deadline_ms % 1000 * 1000000 };
	int rc = 0;

	while (request->state == REQUEST_QUEUED && rc == 0)
		rc = pthread_cond_timedwait(&request->done, &hasher->lock, &until);
	if (request->state == REQUEST_QUEUED) {
		TAILQ_REMOVE(&hasher->waiting, request, next);
		hasher->n_waiting--;
		request->status = PINTLE_TIMEOUT;
		return;
	}
	while (request->state != REQUEST_DONE)
		(void)pthread_cond_wait(&request->done, &hasher->lock);
}

/* Those a thread is free for do not count as waiting. */
static bool enqueue(struct hasher *hasher, struct hash_request *request)
{
	if (hasher->n_running + hasher->n_waiting >= hasher->n_threads + hasher->max_waiting)
		return false;
	TAILQ_INSERT_TAIL(&hasher->waiting, request, next);
	hasher->n_waiting++;
	(void)pthread_cond_signal(&hasher->work);
	return true;
}

static int32_t submit_and_wait(struct hasher *hasher, struct hash_request *request,
			       int64_t deadline_ms)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&request->done, &attr);
	(void)pthread_condattr_destroy(&attr);
	request->status = PINTLE_BUSY;
	(void)pthread_mutex_lock(&hasher->lock);
	if (enqueue(hasher, request))
		wait_for_end(hasher, request, deadline_ms);
	(void)pthread_mutex_unlock(&hasher->lock);
	(void)pthread_cond_destroy(&request->done);
	return request->status;
}

int32_t hasher_hash(struct hasher *hasher, const char *setting, const char *secret,
		    int64_t deadline_ms, char out[HASHER_TEXT_MAX])
{
	struct hash_request request = { .secret = secret, .out = out };

	if (!hash_setting_read(&request.setting, setting))
		return PINTLE_INVALID;
	return submit_and_wait(hasher, &request, deadline_ms);
}

int32_t hasher_verify(struct hasher *hasher, const char *setting, const char *secret,
		      const char *stored, int64_t deadline_ms, bool *is_stale_out)
{
	struct hash_request request = { .secret = secret, .is_verify = true, .stored = stored };
	int32_t status;

	*is_stale_out = false;
	if (!hash_setting_read(&request.setting, setting))
		return PINTLE_INVALID;
	status = submit_and_wait(hasher, &request, deadline_ms);
	if (status == PINTLE_OK)
		*is_stale_out = !hash_is_current(&request.setting, stored);
	return status;
}

bool hasher_setting_ok(const char *setting)
{
	struct hash_setting unused;

	return hash_setting_read(&unused, setting);
}

size_t hasher_waiting(struct hasher *hasher)
{
	size_t n;

	(void)pthread_mutex_lock(&hasher->lock);
	n = hasher->n_waiting;
	(void)pthread_mutex_unlock(&hasher->lock);
	return n;
}

size_t hasher_running(struct hasher *hasher)
{
	size_t n;

	(void)pthread_mutex_lock(&hasher->lock);
	n = hasher->n_running;
	(void)pthread_mutex_unlock(&hasher->lock);
	return n;
}
