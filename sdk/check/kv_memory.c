/* SPDX-License-Identifier: Apache-2.0 */
#include "kv_memory.h"

#include <assert.h>
#include <pintle/status.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
	struct record *next;
	char *key, *value;
	size_t key_len, value_len;
	int64_t expires_ms;
};

struct subscriber {
	struct subscriber *next;
	char *channel;
	pintle_kv_message *message;
	void *ctx;
};

struct kv_memory {
	kv_memory_clock *now_ms;
	struct subscriber *subscribers; /* set up before threads start */
	pthread_mutex_t mutex;          /* guards what follows */
	struct record *records;
	int32_t failing;
};

struct kv_memory *kv_memory_new(kv_memory_clock *now_ms)
{
	struct kv_memory *memory = calloc(1, sizeof(*memory));

	assert(memory);
	memory->now_ms = now_ms;
	(void)pthread_mutex_init(&memory->mutex, NULL);
	return memory;
}

static char *copy(const void *bytes, size_t len)
{
	char *to = calloc(1, len + 1);

	assert(to);
	if (len > 0)
		memcpy(to, bytes, len);
	return to;
}

static void record_free(struct record *record)
{
	free(record->key);
	free(record->value);
	free(record);
}

void kv_memory_free(struct kv_memory *memory)
{
	struct record *record;
	struct subscriber *subscriber;

	if (!memory)
		return;
	while ((record = memory->records)) {
		memory->records = record->next;
		record_free(record);
	}
	while ((subscriber = memory->subscribers)) {
		memory->subscribers = subscriber->next;
		free(subscriber->channel);
		free(subscriber);
	}
	free(memory);
}

void kv_memory_fail(struct kv_memory *memory, int32_t status)
{
	(void)pthread_mutex_lock(&memory->mutex);
	memory->failing = status;
	(void)pthread_mutex_unlock(&memory->mutex);
}

/* Where the link to the record is; expired ones on the way are removed. */
static struct record **find(struct kv_memory *memory, const void *key, size_t len)
{
	struct record **at = &memory->records;
	int64_t now_ms = memory->now_ms();

	while (*at) {
		struct record *one = *at;

		if (one->expires_ms <= now_ms) {
			*at = one->next;
			record_free(one);
			continue;
		}
		if (one->key_len == len && memcmp(one->key, key, len) == 0)
			return at;
		at = &one->next;
	}
	return at;
}

static void drop(struct record **at)
{
	struct record *gone = *at;

	*at = gone->next;
	record_free(gone);
}

static void put(struct kv_memory *memory, const void *key, size_t key_len, const void *value,
		size_t value_len, int64_t expires_ms)
{
	struct record **at = find(memory, key, key_len);
	struct record *one = *at;

	if (!one) {
		one = calloc(1, sizeof(*one));
		assert(one);
		one->key = copy(key, key_len);
		one->key_len = key_len;
		*at = one;
	}
	free(one->value);
	one->value = copy(value, value_len);
	one->value_len = value_len;
	one->expires_ms = expires_ms;
}

static int32_t present(const struct kv_memory *memory, const struct record *record, int32_t status,
		       struct pintle_kv_answer *out)
{
	out->value = copy(record->value, record->value_len);
	out->value_len = record->value_len;
	out->ttl_ms = record->expires_ms - memory->now_ms();
	return status;
}

static int32_t count(struct kv_memory *memory, const struct pintle_kv_limit *limit, int only_look,
		     struct pintle_kv_answer *out)
{
	struct record *one = *find(memory, limit->key, limit->key_len);
	int slides = (limit->flags & PINTLE_KV_SLIDES) != 0;
	int64_t renewed_ms = memory->now_ms() + limit->window_ms;
	int64_t expires_ms = one ? one->expires_ms : renewed_ms;
	char text[24], *end = NULL;
	int64_t sum = one ? strtoll(one->value, &end, 10) : 0;

	if ((one && (*end != '\0' || one->value_len == 0)) ||
	    ((!one || slides) && limit->window_ms < 1))
		return PINTLE_INTERNAL;
	out->ttl_ms = expires_ms - memory->now_ms();
	if (__builtin_add_overflow(sum, limit->cost, &sum))
		return PINTLE_INTERNAL;
	if (sum > limit->max)
		return PINTLE_LIMITED;
	out->number = sum;
	(void)snprintf(text, sizeof(text), "%lld", (long long)sum);
	if (!only_look && limit->cost != 0)
		put(memory, limit->key, limit->key_len, text, strlen(text),
		    slides ? renewed_ms : expires_ms);
	return PINTLE_OK;
}

/* With a floor as much is taken as there is. */
static int32_t increase(struct kv_memory *memory, const struct pintle_kv_request *request,
			struct pintle_kv_answer *out)
{
	struct pintle_kv_limit counter = { .key = request->key,
					   .key_len = request->key_len,
					   .max = INT64_MAX,
					   .window_ms = request->ttl_ms,
					   .cost = request->delta };
	const struct record *one = *find(memory, request->key, request->key_len);
	int64_t number = one ? strtoll(one->value, NULL, 10) : 0;

	if ((request->flags & PINTLE_KV_FLOOR) && request->delta < 0) {
		if (!one)
			return PINTLE_OK;
		if (number <= 0)
			counter.cost = 0;
		else if (counter.cost < -number)
			counter.cost = -number;
	}
	return count(memory, &counter, 0, out);
}

static int32_t count_each(struct kv_memory *memory, const struct pintle_kv_request *request,
			  int only_look, struct pintle_kv_answer *out, int64_t *left)
{
	for (size_t i = 0; i < request->n_limits; i++) {
		const struct pintle_kv_limit *limit = &request->limits[i];
		int32_t status = count(memory, limit, only_look, out);

		if (status == PINTLE_LIMITED)
			out->number = (int64_t)i;
		if (status != PINTLE_OK)
			return status;
		if (limit->max - out->number < *left)
			*left = limit->max - out->number;
	}
	return PINTLE_OK;
}

/* All or none: looked at first. */
static int32_t count_all(struct kv_memory *memory, const struct pintle_kv_request *request,
			 struct pintle_kv_answer *out)
{
	int64_t left = INT64_MAX;
	int32_t status = count_each(memory, request, 1, out, &left);

	if (status == PINTLE_OK)
		status = count_each(memory, request, 0, out, &left);
	if (status != PINTLE_OK)
		return status;
	out->number = left;
	out->ttl_ms = 0;
	return PINTLE_OK;
}

static int32_t write_value(struct kv_memory *memory, const struct pintle_kv_request *request,
			   int64_t expires_ms)
{
	put(memory, request->key, request->key_len, request->value, request->value_len, expires_ms);
	return PINTLE_OK;
}

static int is_expected(const struct record *one, const struct pintle_kv_request *request)
{
	return one->value_len == request->expect_len &&
	       memcmp(one->value, request->expect, one->value_len) == 0;
}

static int32_t change(struct kv_memory *memory, const struct pintle_kv_request *request,
		      struct record **at, struct pintle_kv_answer *out)
{
	struct record *one = *at;
	int64_t expires_ms = memory->now_ms() + request->ttl_ms;
	int32_t status;

	if (!one)
		return PINTLE_NOT_FOUND;
	switch (request->op) {
	case PINTLE_KV_GET:
		return present(memory, one, PINTLE_OK, out);
	case PINTLE_KV_TAKE:
		status = present(memory, one, PINTLE_OK, out);
		drop(at);
		return status;
	case PINTLE_KV_SWAP:
		if (!is_expected(one, request))
			return present(memory, one, PINTLE_CONFLICT, out);
		return write_value(memory, request, request->ttl_ms ? expires_ms : one->expires_ms);
	default:
		if (request->expect && !is_expected(one, request))
			return present(memory, one, PINTLE_CONFLICT, out);
		drop(at);
		return PINTLE_OK;
	}
}

static int32_t run(struct kv_memory *memory, const struct pintle_kv_request *request,
		   struct pintle_kv_answer *out)
{
	struct record **at;

	if (memory->failing != PINTLE_OK)
		return memory->failing;
	if (request->op == PINTLE_KV_LIMIT)
		return count_all(memory, request, out);
	if (request->key_len < 1 || request->key_len > PINTLE_KV_KEY_MAX ||
	    request->value_len > PINTLE_KV_VALUE_MAX)
		return PINTLE_INTERNAL;
	at = find(memory, request->key, request->key_len);
	switch (request->op) {
	case PINTLE_KV_INCR:
		return increase(memory, request, out);
	case PINTLE_KV_ADD:
		if (*at)
			return present(memory, *at, PINTLE_CONFLICT, out);
		/* fall through */
	case PINTLE_KV_SET:
		if (request->ttl_ms < 1)
			return PINTLE_INTERNAL;
		return write_value(memory, request, memory->now_ms() + request->ttl_ms);
	default:
		return change(memory, request, at, out);
	}
}

static int32_t publish(struct kv_memory *memory, const struct pintle_kv_request *request,
		       struct pintle_kv_answer *out)
{
	for (struct subscriber *one = memory->subscribers; one; one = one->next) {
		if (strlen(one->channel) != request->key_len ||
		    memcmp(one->channel, request->key, request->key_len) != 0)
			continue;
		one->message(one->ctx, request->value, request->value_len);
		out->number++;
	}
	return PINTLE_OK;
}

static void submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	struct kv_memory *memory = self;
	struct pintle_kv_answer answer = { .size = sizeof(answer) };

	if (request->op == PINTLE_KV_PUBLISH) {
		answer.status = publish(memory, request, &answer);
	} else {
		(void)pthread_mutex_lock(&memory->mutex);
		answer.status = run(memory, request, &answer);
		(void)pthread_mutex_unlock(&memory->mutex);
	}
	done(ctx, &answer);
	free((void *)(uintptr_t)answer.value);
}

static int32_t subscribe(void *self, const char *channel, pintle_kv_message *message, void *ctx)
{
	struct kv_memory *memory = self;
	struct subscriber *one = calloc(1, sizeof(*one));

	assert(one);
	*one = (struct subscriber){ memory->subscribers, strdup(channel), message, ctx };
	memory->subscribers = one;
	return PINTLE_OK;
}

static int32_t epoch(void *self, char *out, size_t out_len)
{
	(void)self;
	(void)snprintf(out, out_len, "memory");
	return PINTLE_OK;
}

const struct pintle_kv kv_memory_ops = {
	.size = sizeof(kv_memory_ops),
	.flags = PINTLE_KV_INLINE,
	.submit = submit,
	.subscribe = subscribe,
	.epoch = epoch,
};
