/* SPDX-License-Identifier: Apache-2.0 */
#include "turn.h"

#include <errno.h>

#define MAX_MEMBERS 64 /* a commit; more would only add to the wait of the first */

struct writer_waiter {
	struct writer_waiter *next;
	pthread_cond_t wake;
	bool is_woken;
	int32_t status;
};

static void waiter_init(struct writer_waiter *waiter)
{
	pthread_condattr_t attr;

	*waiter = (struct writer_waiter){ 0 };
	(void)pthread_condattr_init(&attr); /* none of these fail on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&waiter->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static void wake(struct writer_waiter *waiter, int32_t status)
{
	waiter->status = status;
	waiter->is_woken = true;
	(void)pthread_cond_signal(&waiter->wake);
}

static void push(struct writer_list *list, struct writer_waiter *waiter)
{
	if (list->last)
		list->last->next = waiter;
	else
		list->first = waiter;
	list->last = waiter;
}

static struct writer_waiter *pop(struct writer_list *list)
{
	struct writer_waiter *first = list->first;

	if (!first)
		return NULL;
	list->first = first->next;
	if (!list->first)
		list->last = NULL;
	first->next = NULL;
	return first;
}

static void drop(struct writer_list *list, struct writer_waiter *waiter)
{
	struct writer_list rest = { 0 };
	struct writer_waiter *one;

	while ((one = pop(list))) {
		if (one != waiter)
			push(&rest, one);
	}
	*list = rest;
}

/* False when the deadline came before anybody woke it. */
static bool wait_until(struct writer *writer, struct writer_waiter *waiter, int64_t deadline_ms)
{
	struct timespec until = site_timespec(deadline_ms);

	while (!waiter->is_woken) {
		if (pthread_cond_timedwait(&waiter->wake, &writer->mutex, &until) == ETIMEDOUT)
			return waiter->is_woken;
	}
	return true;
}

static void wait_woken(struct writer *writer, struct writer_waiter *waiter)
{
	while (!waiter->is_woken)
		(void)pthread_cond_wait(&waiter->wake, &writer->mutex);
}

int32_t turn_take(struct writer *writer, int64_t deadline_ms)
{
	struct writer_waiter self;
	int32_t status = PINTLE_OK;

	waiter_init(&self);
	(void)pthread_mutex_lock(&writer->mutex);
	if (!writer->is_taken) {
		writer->is_taken = true;
	} else {
		push(&writer->queue, &self);
		if (!wait_until(writer, &self, deadline_ms)) {
			drop(&writer->queue, &self);
			status = PINTLE_TIMEOUT;
		}
	}
	(void)pthread_mutex_unlock(&writer->mutex);
	(void)pthread_cond_destroy(&self.wake);
	return status;
}

bool turn_try(struct writer *writer)
{
	bool is_ours;

	(void)pthread_mutex_lock(&writer->mutex);
	is_ours = !writer->is_taken;
	writer->is_taken = true;
	(void)pthread_mutex_unlock(&writer->mutex);
	return is_ours;
}

static void pass_locked(struct writer *writer)
{
	bool is_full = writer->must_close || writer->group_status != PINTLE_OK ||
		       writer->n_members + 1 >= MAX_MEMBERS;
	struct writer_waiter *next = writer->leader && is_full ? NULL : pop(&writer->queue);

	if (!next) {
		next = writer->leader;
		writer->leader = NULL;
	}
	if (next)
		wake(next, PINTLE_OK);
	else
		writer->is_taken = false;
}

void turn_pass(struct writer *writer)
{
	(void)pthread_mutex_lock(&writer->mutex);
	pass_locked(writer);
	(void)pthread_mutex_unlock(&writer->mutex);
}

void turn_lead(struct writer *writer, int64_t deadline_ms)
{
	struct writer_waiter self;

	waiter_init(&self);
	(void)pthread_mutex_lock(&writer->mutex);
	if (writer->queue.first) {
		/* cppcheck-suppress autoVariables ; pass_locked has cleared it when we are woken */
		writer->leader = &self;
		wake(pop(&writer->queue), PINTLE_OK);
		if (!wait_until(writer, &self, deadline_ms)) {
			writer->must_close = true;
			wait_woken(writer, &self);
		}
	}
	(void)pthread_mutex_unlock(&writer->mutex);
	(void)pthread_cond_destroy(&self.wake);
}

int32_t turn_join(struct writer *writer, int64_t deadline_ms)
{
	struct writer_waiter self;
	int32_t status;

	waiter_init(&self);
	(void)pthread_mutex_lock(&writer->mutex);
	push(&writer->members, &self);
	writer->n_members++;
	pass_locked(writer);
	if (wait_until(writer, &self, deadline_ms)) {
		status = self.status;
	} else {
		drop(&writer->members, &self);
		status = PINTLE_TIMEOUT; /* the outcome is unknown to the caller */
	}
	(void)pthread_mutex_unlock(&writer->mutex);
	(void)pthread_cond_destroy(&self.wake);
	return status;
}

void turn_finish(struct writer *writer, int32_t status)
{
	struct writer_waiter *member;

	(void)pthread_mutex_lock(&writer->mutex);
	while ((member = pop(&writer->members)))
		wake(member, status);
	writer->n_members = 0;
	writer->must_close = false;
	pass_locked(writer);
	(void)pthread_mutex_unlock(&writer->mutex);
}
