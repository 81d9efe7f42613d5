/* SPDX-License-Identifier: Apache-2.0 */
#include "parked.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PARKED 4096

static size_t n_bytes(const struct pintle_kv_request *request, size_t n_limits)
{
	size_t n = request->key_len + request->value_len + request->expect_len +
		   n_limits * sizeof(*request->limits);

	for (size_t i = 0; i < n_limits; i++)
		n += request->limits[i].key_len;
	return n;
}

static const void *copy(char **at, const void *bytes, size_t len)
{
	void *to = *at;

	if (!bytes)
		return NULL;
	if (len > 0)
		memcpy(to, bytes, len);
	*at += len;
	return to;
}

static struct parked_op *op_new(const struct pintle_kv_request *request)
{
	size_t n_limits = request->limits ? request->n_limits : 0;
	struct parked_op *op = malloc(sizeof(*op) + n_bytes(request, n_limits));
	struct pintle_kv_limit *limits;
	char *at;

	if (!op)
		return NULL;
	*op = (struct parked_op){ .request = *request };
	at = (char *)(op + 1);
	limits = (struct pintle_kv_limit *)(void *)at; /* first: they alone must be aligned */
	op->request.limits = copy(&at, request->limits, n_limits * sizeof(*request->limits));
	for (size_t i = 0; i < n_limits; i++)
		limits[i].key = copy(&at, limits[i].key, limits[i].key_len);
	op->request.key = copy(&at, request->key, request->key_len);
	op->request.value = copy(&at, request->value, request->value_len);
	op->request.expect = copy(&at, request->expect, request->expect_len);
	return op;
}

bool parked_put(struct parked *parked, const struct pintle_kv_request *request,
		pintle_kv_done *done, void *ctx, int64_t until_ms)
{
	struct parked_op *op = parked->n < MAX_PARKED ? op_new(request) : NULL;

	if (!op)
		return false;
	op->done = done;
	op->ctx = ctx;
	op->until_ms = until_ms;
	if (!parked->first)
		parked->end = &parked->first;
	*parked->end = op;
	parked->end = &op->next;
	parked->n++;
	return true;
}

struct parked_op *parked_take(struct parked *parked)
{
	struct parked_op *op = parked->first;

	if (op) {
		parked->first = op->next;
		parked->n--;
	}
	return op;
}

struct parked_op *parked_take_overdue(struct parked *parked, int64_t now_ms)
{
	return parked->first && parked->first->until_ms <= now_ms ? parked_take(parked) : NULL;
}
