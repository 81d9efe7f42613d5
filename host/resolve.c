/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getaddrinfo knows no deadline and cannot be stopped, so it runs on a thread of its own that the caller
 * may leave behind; how many may be left is bounded.
 */
#include "resolve.h"

#include "clock.h"
#include "text.h"
#include "xalloc.h"

#include <errno.h>
#include <netdb.h>
#include <pintle/status.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MAX_LOOKUPS 16
#define ADDRESSES_MAX 256 /* bytes */

/* The last of the two threads that use it frees it. */
struct lookup {
	char *name;
	pthread_mutex_t mutex;
	pthread_cond_t is_answered; /* mutex guards what follows */
	bool is_done;
	int n_refs;
	int32_t status;
	char addresses[ADDRESSES_MAX];
};

static _Atomic int n_lookups;

static void put_addresses(struct lookup *lookup, const struct addrinfo *found)
{
	struct text out = { .bytes = lookup->addresses, .size = sizeof(lookup->addresses) };
	char address[NI_MAXHOST];

	for (; found; found = found->ai_next) {
		if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL,
				0, NI_NUMERICHOST) != 0 ||
		    out.len + strlen(address) + 2 > out.size)
			continue;
		if (out.len > 0)
			text_put_byte(&out, ' ');
		text_put(&out, address);
	}
	lookup->addresses[out.len] = '\0';
}

static int32_t status_of(int error)
{
	if (error == 0)
		return PINTLE_OK;
	return error == EAI_NONAME || error == EAI_NODATA ? PINTLE_NOT_FOUND : PINTLE_UNAVAILABLE;
}

static int32_t ask(struct lookup *lookup, int flags)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	struct addrinfo *found = NULL;
	int error = getaddrinfo(lookup->name, NULL, &hints, &found);

	if (error == 0) {
		put_addresses(lookup, found);
		freeaddrinfo(found);
	}
	return status_of(error);
}

static struct lookup *lookup_new(const char *name)
{
	struct lookup *lookup = xcalloc(1, sizeof(*lookup));
	pthread_condattr_t attr;

	lookup->name = xstrdup(name);
	lookup->n_refs = 1;
	(void)pthread_mutex_init(&lookup->mutex, NULL); /* none of these fail on Linux */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&lookup->is_answered, &attr);
	(void)pthread_condattr_destroy(&attr);
	return lookup;
}

static void lookup_drop(struct lookup *lookup)
{
	bool is_last;

	(void)pthread_mutex_lock(&lookup->mutex);
	is_last = --lookup->n_refs == 0;
	(void)pthread_mutex_unlock(&lookup->mutex);
	if (!is_last)
		return;
	(void)pthread_cond_destroy(&lookup->is_answered);
	(void)pthread_mutex_destroy(&lookup->mutex);
	free(lookup->name);
	free(lookup);
}

static void *run(void *arg)
{
	struct lookup *lookup = arg;
	int32_t status = ask(lookup, AI_ADDRCONFIG);

	(void)pthread_mutex_lock(&lookup->mutex);
	lookup->status = status;
	lookup->is_done = true;
	(void)pthread_cond_signal(&lookup->is_answered);
	(void)pthread_mutex_unlock(&lookup->mutex);
	(void)atomic_fetch_sub(&n_lookups, 1);
	lookup_drop(lookup);
	return NULL;
}

static bool start(struct lookup *lookup)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (atomic_fetch_add(&n_lookups, 1) >= MAX_LOOKUPS) {
		(void)atomic_fetch_sub(&n_lookups, 1);
		return false;
	}
	lookup->n_refs++;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, run, lookup);
	(void)pthread_attr_destroy(&attr);
	if (rc == 0)
		return true;
	lookup->n_refs--;
	(void)atomic_fetch_sub(&n_lookups, 1);
	return false;
}

static int32_t wait_for(struct lookup *lookup, int64_t deadline_ms)
{
	const struct timespec until = { .tv_sec = deadline_ms / 1000,
					.tv_nsec = deadline_ms % 1000 * 1000000 };
	int32_t status;
	int rc = 0;

	(void)pthread_mutex_lock(&lookup->mutex);
	while (!lookup->is_done && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&lookup->is_answered, &lookup->mutex, &until);
	status = lookup->is_done ? lookup->status : PINTLE_TIMEOUT;
	(void)pthread_mutex_unlock(&lookup->mutex);
	return status;
}

/* The first ones, whole. */
static int32_t copy_out(const char *addresses, char *out, size_t out_len)
{
	size_t len = strlen(addresses);

	while (len > 0 && len >= out_len) {
		do {
			len--;
		} while (len > 0 && addresses[len] != ' ');
	}
	if (len == 0)
		return PINTLE_NOT_FOUND;
	memcpy(out, addresses, len);
	out[len] = '\0';
	return PINTLE_OK;
}

int32_t resolve_name(const char *name, int64_t timeout_ms, char *out, size_t out_len)
{
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;
	struct lookup *lookup = lookup_new(name);
	int32_t status = ask(lookup, AI_NUMERICHOST);

	if (status != PINTLE_OK)
		status = start(lookup) ? wait_for(lookup, deadline_ms) : PINTLE_UNAVAILABLE;
	if (status == PINTLE_OK)
		status = copy_out(lookup->addresses, out, out_len);
	lookup_drop(lookup);
	return status;
}
