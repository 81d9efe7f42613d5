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

/* One blocking op under way. The caller may give up first, or the driver answer first: the last of the
 * two frees it. A semaphore and no condition: waking the caller is most of what an op costs. */
struct waiter {
	const struct kv *kv;
	struct pintle_kv_request request;
	struct arena arena; /* holds the request, and then the answer */
	sem_t is_answered;
	_Atomic bool is_abandoned;
	_Atomic int n_refs;
	struct kv_result result; /* before status is set */
	_Atomic int32_t status;  /* before is_answered is posted */
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
	if (!answer->value)
		return;
	out->value = arena_copy(arena, answer->value, answer->value_len);
	out->value_len = answer->value_len;
}

struct inline_op {
	struct arena *arena;
	struct kv_result *out;
	int32_t status;
};

static void take_answer(void *ctx, const struct pintle_kv_answer *answer)
{
	struct inline_op *op = ctx;

	op->status = answer->status;
	if (op->out)
		copy_answer(answer, op->arena, op->out);
}

static int32_t do_inline(const struct kv *kv, const struct pintle_kv_request *request,
			 struct arena *arena, struct kv_result *out)
{
	struct inline_op op = { .arena = arena, .out = out, .status = PINTLE_INTERNAL };

	kv->ops->submit(kv->self, request, take_answer, &op);
	return op.status;
}

static const void *copy_bytes(struct arena *arena, const void *bytes, size_t len)
{
	return bytes ? arena_copy(arena, bytes, len) : NULL;
}

static struct waiter *waiter_new(const struct kv *kv, const struct pintle_kv_request *request)
{
	struct waiter *waiter = xcalloc(1, sizeof(*waiter));
	struct pintle_kv_request *copy = &waiter->request;
	struct pintle_kv_limit *limits;

	waiter->kv = kv;
	waiter->n_refs = 2;
	(void)sem_init(&waiter->is_answered, 0, 0); /* cannot fail with these */
	*copy = *request;
	copy->key = copy_bytes(&waiter->arena, request->key, request->key_len);
	copy->value = copy_bytes(&waiter->arena, request->value, request->value_len);
	copy->expect = copy_bytes(&waiter->arena, request->expect, request->expect_len);
	if (request->n_limits == 0)
		return waiter;
	limits = arena_alloc(&waiter->arena, request->n_limits * sizeof(*limits));
	for (size_t i = 0; i < request->n_limits; i++) {
		limits[i] = request->limits[i];
		limits[i].key = copy_bytes(&waiter->arena, limits[i].key, limits[i].key_len);
	}
	copy->limits = limits;
	return waiter;
}

static void waiter_drop(struct waiter *waiter)
{
	if (atomic_fetch_sub(&waiter->n_refs, 1) > 1)
		return;
	(void)sem_destroy(&waiter->is_answered);
	arena_fini(&waiter->arena);
	free(waiter);
}

static void answer_waiter(void *ctx, const struct pintle_kv_answer *answer)
{
	struct waiter *waiter = ctx;

	copy_answer(answer, &waiter->arena, &waiter->result);
	atomic_store(&waiter->status, answer->status);
	(void)sem_post(&waiter->is_answered);
	waiter_drop(waiter);
}

/* [loop] What nobody waits for any more is not begun: nothing happens late. */
static void submit_waiter(void *arg)
{
	struct waiter *waiter = arg;

	if (atomic_load(&waiter->is_abandoned))
		waiter_drop(waiter);
	else
		kv_submit(waiter->kv, &waiter->request, answer_waiter, waiter);
}

static bool is_answered_by(struct waiter *waiter, int64_t deadline_ms)
{
	const struct timespec until = { .tv_sec = deadline_ms / 1000,
					.tv_nsec = deadline_ms % 1000 * 1000000 };
	int rc;

	do
		rc = sem_clockwait(&waiter->is_answered, CLOCK_MONOTONIC, &until);
	while (rc != 0 && errno == EINTR);
	return rc == 0;
}

static int32_t wait_for(struct waiter *waiter, int64_t deadline_ms, struct arena *arena,
			struct kv_result *out)
{
	int32_t status = PINTLE_TIMEOUT;

	if (is_answered_by(waiter, deadline_ms)) {
		status = atomic_load(&waiter->status);
		if (out)
			*out = waiter->result;
		if (out && out->value)
			out->value = arena_copy(arena, out->value, out->value_len);
	} else {
		atomic_store(&waiter->is_abandoned, true);
	}
	waiter_drop(waiter);
	return status;
}

int32_t kv_do(const struct kv *kv, const struct pintle_kv_request *request, int64_t deadline_ms,
	      struct arena *arena, struct kv_result *out)
{
	int64_t now_ms = clock_mono_ms();
	struct waiter *waiter;

	assert(!db_is_inside());
	if (out)
		*out = (struct kv_result){ 0 };
	if (now_ms >= deadline_ms)
		return PINTLE_TIMEOUT;
	if (kv_is_inline(kv))
		return do_inline(kv, request, arena, out);
	assert(!loop_is_here(kv->loop));
	waiter = waiter_new(kv, request);
	loop_post(kv->loop, submit_waiter, waiter);
	if (kv->step_ms > 0 && kv->step_ms < deadline_ms - now_ms)
		deadline_ms = now_ms + kv->step_ms;
	return wait_for(waiter, deadline_ms, arena, out);
}

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

struct pintle_kv_request kv_get(const char *key)
{
	struct pintle_kv_request request = request_of(PINTLE_KV_GET, key);

	request.ttl_ms = PINTLE_KV_NO_LIFE;
	return request;
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
	return request_of(PINTLE_KV_TAKE, key);
}

struct pintle_kv_request kv_delete(const char *key)
{
	return request_of(PINTLE_KV_DELETE, key);
}
