/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking form of the driver's one asynchronous primitive. */
#include "kv.h"

#include "clock.h"
#include "db.h"
#include "xalloc.h"

#include <assert.h>
#include <errno.h>
#include <pintle/status.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNANSWERED (-1)

struct batch;

/* One op of a batch: the copy of its request, and then its answer. */
struct errand {
	struct batch *batch;
	struct pintle_kv_request request;
	struct kv_result result; /* before status is set */
	_Atomic int32_t status;
};

/* Ops under way in one hand-over. Whoever waits may give up first, or the driver answer first: the last of
 * the two frees it. A semaphore and no condition: waking who waits is most of what an op costs. */
struct batch {
	const struct kv *kv;
	struct arena arena; /* holds the requests, and then the answers */
	sem_t is_answered;  /* all of it */
	_Atomic bool is_abandoned;
	_Atomic int n_refs;
	_Atomic int *n_posted; /* NULL where somebody waits */
	size_t n_left;         /* [loop] not answered yet */
	size_t n_errands;
	struct errand errands[];
};

bool kv_is_inline(const struct kv *kv)
{
	return (kv->ops->flags & PINTLE_KV_INLINE) != 0;
}

void kv_submit(const struct kv *kv, const struct pintle_kv_request *request, pintle_kv_done *done,
	       void *ctx)
{
	assert(kv_is_inline(kv) || loop_is_here(kv->loop));
	kv->ops->submit(kv->self, request, done, ctx);
}

static void copy_answer(const struct pintle_kv_answer *answer, struct arena *arena,
			struct kv_result *out)
{
	*out = (struct kv_result){ .number = answer->number, .ttl_ms = answer->ttl_ms };
	if (!answer->value || !arena)
		return;
	out->value = arena_copy(arena, answer->value, answer->value_len);
	out->value_len = answer->value_len;
}

/* ---- Where the driver answers at once ---- */

struct inline_op {
	struct kv_op *op;
	struct arena *arena;
};

static void take_answer(void *ctx, const struct pintle_kv_answer *answer)
{
	struct inline_op *inline_op = ctx;

	inline_op->op->status = answer->status;
	copy_answer(answer, inline_op->arena, &inline_op->op->result);
}

static void do_inline(const struct kv *kv, struct kv_op *ops, size_t n_ops, int64_t deadline_ms,
		      struct arena *arena)
{
	for (size_t i = 0; i < n_ops && (i == 0 || clock_mono_ms() < deadline_ms); i++) {
		struct inline_op inline_op = { &ops[i], arena };

		kv->ops->submit(kv->self, &ops[i].request, take_answer, &inline_op);
	}
}

/* ---- Where it answers on the loop ---- */

static const void *copy_bytes(struct arena *arena, const void *bytes, size_t len)
{
	return bytes ? arena_copy(arena, bytes, len) : NULL;
}

static struct pintle_kv_request copy_request(struct arena *arena,
					     const struct pintle_kv_request *request)
{
	struct pintle_kv_request copy = *request;
	struct pintle_kv_limit *limits;

	copy.key = copy_bytes(arena, request->key, request->key_len);
	copy.value = copy_bytes(arena, request->value, request->value_len);
	copy.expect = copy_bytes(arena, request->expect, request->expect_len);
	if (request->n_limits == 0)
		return copy;
	limits = arena_alloc(arena, request->n_limits * sizeof(*limits));
	for (size_t i = 0; i < request->n_limits; i++) {
		limits[i] = request->limits[i];
		limits[i].key = copy_bytes(arena, limits[i].key, limits[i].key_len);
	}
	copy.limits = limits;
	return copy;
}

static struct batch *batch_new(const struct kv *kv, size_t n_ops, int n_refs)
{
	struct batch *batch = xcalloc(1, sizeof(*batch) + n_ops * sizeof(struct errand));

	batch->kv = kv;
	batch->n_errands = batch->n_left = n_ops;
	batch->n_refs = n_refs;
	(void)sem_init(&batch->is_answered, 0, 0); /* cannot fail with these */
	return batch;
}

static void batch_put(struct batch *batch, size_t i, const struct pintle_kv_request *request)
{
	batch->errands[i].batch = batch;
	batch->errands[i].request = copy_request(&batch->arena, request);
	batch->errands[i].status = UNANSWERED;
}

static void batch_drop(struct batch *batch)
{
	if (atomic_fetch_sub(&batch->n_refs, 1) > 1)
		return;
	if (batch->n_posted)
		atomic_fetch_sub(batch->n_posted, 1);
	(void)sem_destroy(&batch->is_answered);
	arena_fini(&batch->arena);
	free(batch);
}

static void answer_errand(void *ctx, const struct pintle_kv_answer *answer)
{
	struct errand *errand = ctx;
	struct batch *batch = errand->batch;

	copy_answer(answer, &batch->arena, &errand->result);
	atomic_store(&errand->status, answer->status);
	if (--batch->n_left > 0)
		return;
	(void)sem_post(&batch->is_answered);
	batch_drop(batch);
}

/* [loop] What nobody waits for any more is not begun: nothing happens late. With the answer to the last of
 * them, which may come at once, the batch is gone. */
static void submit_batch(void *arg)
{
	struct batch *batch = arg;
	size_t n_errands = batch->n_errands;

	if (atomic_load(&batch->is_abandoned)) {
		batch_drop(batch);
		return;
	}
	for (size_t i = 0; i < n_errands; i++)
		kv_submit(batch->kv, &batch->errands[i].request, answer_errand, &batch->errands[i]);
}

static bool is_answered_by(struct batch *batch, int64_t deadline_ms)
{
	const struct timespec until = { .tv_sec = deadline_ms / 1000,
					.tv_nsec = deadline_ms % 1000 * 1000000 };
	int rc;

	do
		rc = sem_clockwait(&batch->is_answered, CLOCK_MONOTONIC, &until);
	while (rc != 0 && errno == EINTR);
	return rc == 0;
}

/* The loop may be at it still: what has no status yet is not looked at. */
static void collect(struct errand *errand, struct kv_op *op, struct arena *arena)
{
	int32_t status = atomic_load(&errand->status);

	if (status == UNANSWERED)
		return;
	op->status = status;
	op->result = errand->result;
	if (op->result.value)
		op->result.value =
			arena ? arena_copy(arena, op->result.value, op->result.value_len) : NULL;
}

static void do_on_loop(const struct kv *kv, struct kv_op *ops, size_t n_ops, int64_t deadline_ms,
		       struct arena *arena)
{
	struct batch *batch = batch_new(kv, n_ops, 2);

	for (size_t i = 0; i < n_ops; i++)
		batch_put(batch, i, &ops[i].request);
	loop_post(kv->loop, submit_batch, batch);
	if (!is_answered_by(batch, deadline_ms))
		atomic_store(&batch->is_abandoned, true);
	for (size_t i = 0; i < n_ops; i++)
		collect(&batch->errands[i], &ops[i], arena);
	batch_drop(batch);
}

/* ---- Either way ---- */

static int32_t first_fault(const struct kv_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		if (PINTLE_IS_FAULT(ops[i].status))
			return ops[i].status;
	}
	return PINTLE_OK;
}

int32_t kv_do_all(const struct kv *kv, struct kv_op *ops, size_t n_ops, int64_t deadline_ms,
		  struct arena *arena)
{
	int64_t now_ms = clock_mono_ms();

	assert(!db_is_inside());
	for (size_t i = 0; i < n_ops; i++) {
		ops[i].status = PINTLE_TIMEOUT;
		ops[i].result = (struct kv_result){ 0 };
	}
	if (n_ops == 0 || now_ms >= deadline_ms)
		return first_fault(ops, n_ops);
	if (kv->step_ms > 0 && kv->step_ms < deadline_ms - now_ms)
		deadline_ms = now_ms + kv->step_ms;
	if (kv_is_inline(kv)) {
		do_inline(kv, ops, n_ops, deadline_ms, arena);
	} else {
		assert(!loop_is_here(kv->loop));
		do_on_loop(kv, ops, n_ops, deadline_ms, arena);
	}
	return first_fault(ops, n_ops);
}

int32_t kv_do(const struct kv *kv, const struct pintle_kv_request *request, int64_t deadline_ms,
	      struct arena *arena, struct kv_result *out)
{
	struct kv_op op = { .request = *request };

	(void)kv_do_all(kv, &op, 1, deadline_ms, out ? arena : NULL);
	if (out)
		*out = op.result;
	return op.status;
}

static void ignore_answer(void *ctx, const struct pintle_kv_answer *answer)
{
	(void)ctx, (void)answer; /* nobody waits for it */
}

void kv_post(struct kv *kv, const struct pintle_kv_request *request)
{
	struct batch *batch;

	assert(!db_is_inside());
	if (kv_is_inline(kv)) {
		kv->ops->submit(kv->self, request, ignore_answer, NULL);
		return;
	}
	batch = batch_new(kv, 1, 1);
	batch_put(batch, 0, request);
	batch->n_posted = &kv->n_posted;
	atomic_fetch_add(&kv->n_posted, 1);
	loop_post(kv->loop, submit_batch, batch);
}

bool kv_is_calm(const struct kv *kv)
{
	return atomic_load(&kv->n_posted) == 0;
}

/* ---- Lists ---- */

void kv_list_add(struct kv_list *list, const struct pintle_kv_request *request)
{
	if (list->n_ops == list->size) {
		struct kv_op *former = list->ops;

		list->size = list->size ? list->size * 2 : 4;
		list->ops = arena_alloc(list->arena, list->size * sizeof(*list->ops));
		if (former)
			memcpy(list->ops, former, list->n_ops * sizeof(*former));
	}
	list->ops[list->n_ops++].request = copy_request(list->arena, request);
}

int32_t kv_do_list(const struct kv *kv, struct kv_list *list, int64_t deadline_ms)
{
	return kv_do_all(kv, list->ops, list->n_ops, deadline_ms, list->arena);
}

/* ---- Requests ---- */

static struct pintle_kv_request request_of(int32_t op, const char *key)
{
	return (struct pintle_kv_request){
		.size = sizeof(struct pintle_kv_request),
		.op = op,
		.key = key,
		.key_len = strlen(key),
	};
}

static struct pintle_kv_request writing(int32_t op, const char *key, const void *value, size_t len,
					int64_t ttl_ms)
{
	struct pintle_kv_request request = request_of(op, key);

	request.value = value;
	request.value_len = len;
	request.ttl_ms = ttl_ms;
	return request;
}

static struct pintle_kv_request reading(int32_t op, const char *key)
{
	struct pintle_kv_request request = request_of(op, key);

	request.ttl_ms = PINTLE_KV_NO_LIFE;
	return request;
}

struct pintle_kv_request kv_get(const char *key)
{
	return reading(PINTLE_KV_GET, key);
}

struct pintle_kv_request kv_set(const char *key, const void *value, size_t len, int64_t ttl_ms)
{
	return writing(PINTLE_KV_SET, key, value, len, ttl_ms);
}

struct pintle_kv_request kv_add(const char *key, const void *value, size_t len, int64_t ttl_ms)
{
	return writing(PINTLE_KV_ADD, key, value, len, ttl_ms);
}

struct pintle_kv_request kv_take(const char *key)
{
	return reading(PINTLE_KV_TAKE, key);
}

struct pintle_kv_request kv_delete(const char *key)
{
	return request_of(PINTLE_KV_DELETE, key);
}
