/* SPDX-License-Identifier: Apache-2.0 */
#include "ops.h"

#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_BATCH 128 /* about half a millisecond, for which writers wait */
#define LONGEST_TTL_MS (INT64_C(100) * 366 * 86400000)
#define NUMBER_MAX 24
#define SPARE_PAGES 8 /* a write splits at most a few */

/* One op in its transaction. Functions below return LMDB's codes and set the status. */
struct op {
	struct env *env;
	MDB_txn *txn;
	const struct pintle_kv_request *request;
	MDB_val key;
	int64_t now_ms;
	struct ops_answer *out;
};

typedef int op_fn(struct op *op);

static int answer(struct op *op, int32_t status)
{
	op->out->answer.status = status;
	return MDB_SUCCESS;
}

static bool keep_value(struct op *op, const struct record *record)
{
	struct ops_answer *out = op->out;
	char *to = out->small;

	if (record->len > sizeof(out->small)) {
		to = malloc(record->len);
		if (!to)
			return false;
		out->large = to;
	}
	if (record->len > 0)
		memcpy(to, record->value, record->len);
	out->answer.value = to;
	out->answer.value_len = record->len;
	out->answer.ttl_ms = record->expires_ms - op->now_ms;
	return true;
}

static int answer_with(struct op *op, int32_t status, const struct record *record)
{
	return answer(op, keep_value(op, record) ? status : PINTLE_INTERNAL);
}

static int find(struct op *op, struct record *out)
{
	return record_get(op->env, op->txn, op->key, op->now_ms, out);
}

static bool is_life(int64_t ttl_ms)
{
	return ttl_ms >= 1;
}

static int64_t expiry_of(const struct op *op, int64_t ttl_ms)
{
	return op->now_ms + (ttl_ms < LONGEST_TTL_MS ? ttl_ms : LONGEST_TTL_MS);
}

static bool is_expected(const struct op *op, const struct record *found)
{
	const struct pintle_kv_request *request = op->request;

	return found->len == request->expect_len &&
	       (found->len == 0 || memcmp(found->value, request->expect, found->len) == 0);
}

static int write_value(struct op *op, int64_t expires_ms)
{
	const struct record record = { expires_ms, op->request->value, op->request->value_len };
	int rc = record_put(op->env, op->txn, op->key, &record);

	op->out->answer.ttl_ms = expires_ms - op->now_ms;
	return rc == MDB_SUCCESS ? answer(op, PINTLE_OK) : rc;
}

static int do_get(struct op *op)
{
	struct record found;
	int rc = find(op, &found);

	return rc == MDB_SUCCESS ? answer_with(op, PINTLE_OK, &found) : rc;
}

static int do_set(struct op *op)
{
	if (!is_life(op->request->ttl_ms))
		return answer(op, PINTLE_INTERNAL);
	return write_value(op, expiry_of(op, op->request->ttl_ms));
}

static int do_add(struct op *op)
{
	struct record found;
	int rc = find(op, &found);

	if (rc == MDB_NOTFOUND)
		return do_set(op);
	return rc == MDB_SUCCESS ? answer_with(op, PINTLE_CONFLICT, &found) : rc;
}

static int do_take(struct op *op)
{
	struct record found;
	int rc = find(op, &found);

	if (rc != MDB_SUCCESS)
		return rc;
	if (!keep_value(op, &found))
		return answer(op, PINTLE_INTERNAL);
	rc = record_delete(op->env, op->txn, op->key);
	return rc == MDB_SUCCESS ? answer(op, PINTLE_OK) : rc;
}

static int do_swap(struct op *op)
{
	int64_t ttl_ms = op->request->ttl_ms;
	struct record found;
	int rc = find(op, &found);

	if (rc != MDB_SUCCESS)
		return rc;
	if (!is_expected(op, &found))
		return answer_with(op, PINTLE_CONFLICT, &found);
	return write_value(op, is_life(ttl_ms) ? expiry_of(op, ttl_ms) : found.expires_ms);
}

static int do_delete(struct op *op)
{
	struct record found;
	int rc = find(op, &found);

	if (rc != MDB_SUCCESS)
		return rc;
	if (op->request->expect && !is_expected(op, &found))
		return answer_with(op, PINTLE_CONFLICT, &found);
	rc = record_delete(op->env, op->txn, op->key);
	return rc == MDB_SUCCESS ? answer(op, PINTLE_OK) : rc;
}

/* A counter is its number in decimal. */
static bool read_number(const struct record *record, int64_t *out)
{
	char text[NUMBER_MAX], *end;

	if (record->len == 0 || record->len >= sizeof(text))
		return false;
	memcpy(text, record->value, record->len);
	text[record->len] = '\0';
	*out = strtoll(text, &end, 10);
	return *end == '\0';
}

static int write_number(struct op *op, int64_t number, int64_t expires_ms)
{
	char text[NUMBER_MAX];
	int len = snprintf(text, sizeof(text), "%lld", (long long)number);
	const struct record record = { expires_ms, text, (size_t)len };
	int rc = record_put(op->env, op->txn, op->key, &record);

	op->out->answer.ttl_ms = expires_ms - op->now_ms;
	return rc == MDB_SUCCESS ? answer(op, PINTLE_OK) : rc;
}

/* Adds the cost to the counter of op's key, made when there is none. The status in the answer. */
static int count(struct op *op, const struct pintle_kv_limit *limit)
{
	struct record record = { 0 };
	int64_t number = 0, sum;
	int rc = find(op, &record);
	bool is_new = rc == MDB_NOTFOUND, starts = is_new || (limit->flags & PINTLE_KV_SLIDES);
	int64_t expires_ms;

	if (rc != MDB_SUCCESS && !is_new)
		return rc;
	if ((!is_new && !read_number(&record, &number)) || (starts && !is_life(limit->window_ms)) ||
	    __builtin_add_overflow(number, limit->cost, &sum))
		return answer(op, PINTLE_INTERNAL);
	expires_ms = starts ? expiry_of(op, limit->window_ms) : record.expires_ms;
	op->out->answer.ttl_ms = (is_new ? expires_ms : record.expires_ms) - op->now_ms;
	if (sum > limit->max)
		return answer(op, PINTLE_LIMITED);
	op->out->answer.number = sum;
	if (limit->cost == 0)
		return answer(op, PINTLE_OK);
	return write_number(op, sum, expires_ms);
}

/* As much of it as there is. */
static int take_down(struct op *op, struct pintle_kv_limit *counter)
{
	struct record record;
	int64_t number = 0;
	int rc = find(op, &record);

	if (rc == MDB_NOTFOUND)
		return answer(op, PINTLE_OK);
	if (rc != MDB_SUCCESS)
		return rc;
	if (!read_number(&record, &number))
		return answer(op, PINTLE_INTERNAL);
	if (number <= 0)
		counter->cost = 0;
	else if (counter->cost < -number)
		counter->cost = -number;
	return count(op, counter);
}

static int do_incr(struct op *op)
{
	struct pintle_kv_limit counter = { .max = INT64_MAX,
					   .window_ms = op->request->ttl_ms,
					   .cost = op->request->delta };

	if ((op->request->flags & PINTLE_KV_FLOOR) && counter.cost < 0)
		return take_down(op, &counter);
	return count(op, &counter);
}

static bool is_key(const void *key, size_t len)
{
	return key && len >= 1 && len <= PINTLE_KV_KEY_MAX;
}

/* Raises one after the other; the first that is exhausted ends it, and the transaction is dropped. */
static int do_limit(struct op *op)
{
	struct pintle_kv_answer *out = &op->out->answer;
	int64_t left = INT64_MAX;

	for (size_t i = 0; i < op->request->n_limits; i++) {
		const struct pintle_kv_limit *limit = &op->request->limits[i];
		int rc;

		if (!is_key(limit->key, limit->key_len) || limit->cost < 0)
			return answer(op, PINTLE_INTERNAL);
		op->key = (MDB_val){ limit->key_len, (void *)(uintptr_t)limit->key };
		rc = count(op, limit);
		if (rc != MDB_SUCCESS)
			return rc;
		if (out->status == PINTLE_LIMITED)
			out->number = (int64_t)i;
		if (out->status != PINTLE_OK)
			return MDB_SUCCESS;
		if (limit->max - out->number < left)
			left = limit->max - out->number;
	}
	out->number = left;
	out->ttl_ms = 0;
	return answer(op, PINTLE_OK);
}

static op_fn *const table[] = {
	[PINTLE_KV_GET] = do_get,   [PINTLE_KV_SET] = do_set,     [PINTLE_KV_ADD] = do_add,
	[PINTLE_KV_TAKE] = do_take, [PINTLE_KV_SWAP] = do_swap,   [PINTLE_KV_DELETE] = do_delete,
	[PINTLE_KV_INCR] = do_incr, [PINTLE_KV_LIMIT] = do_limit,
};

static bool is_sound(const struct pintle_kv_request *request)
{
	if (request->op < 0 || (size_t)request->op >= sizeof(table) / sizeof(table[0]))
		return false;
	if (request->value_len > PINTLE_KV_VALUE_MAX || (request->value_len && !request->value))
		return false;
	if (request->expect_len && !request->expect)
		return false;
	if (request->op == PINTLE_KV_LIMIT)
		return request->n_limits > 0 && request->limits;
	return is_key(request->key, request->key_len);
}

static int run_read(struct op *op, op_fn *fn)
{
	int rc = env_read_begin(op->env, &op->txn);

	if (rc != MDB_SUCCESS)
		return rc;
	rc = fn(op);
	env_read_end(op->env, op->txn);
	return rc;
}

/* Pages in use, not the length of the file: that one never shrinks. */
static int check_room(const struct op *op)
{
	size_t n_pages = SPARE_PAGES;
	MDB_dbi dbis[] = { op->env->records, op->env->expiry };
	MDB_stat stat = { 0 };

	if (op->request->op == PINTLE_KV_TAKE || op->request->op == PINTLE_KV_DELETE)
		return MDB_SUCCESS;
	for (size_t i = 0; i < 2; i++) {
		int rc = mdb_stat(op->txn, dbis[i], &stat);

		if (rc != MDB_SUCCESS)
			return rc;
		n_pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
	}
	if (n_pages * stat.ms_psize + op->request->value_len > (size_t)op->env->max_size)
		return MDB_MAP_FULL;
	return MDB_SUCCESS;
}

static int run_write(struct op *op, op_fn *fn)
{
	int rc = mdb_txn_begin(op->env->mdb, NULL, 0, &op->txn);

	if (rc != MDB_SUCCESS)
		return rc;
	rc = check_room(op);
	if (rc == MDB_SUCCESS)
		rc = fn(op);
	if (rc == MDB_SUCCESS && op->out->answer.status == PINTLE_OK)
		return mdb_txn_commit(op->txn);
	mdb_txn_abort(op->txn);
	return rc;
}

static bool only_looks(const struct pintle_kv_request *request)
{
	if (request->op == PINTLE_KV_GET)
		return true;
	if (request->op != PINTLE_KV_LIMIT)
		return false;
	for (size_t i = 0; i < request->n_limits; i++) {
		if (request->limits[i].cost != 0)
			return false;
	}
	return true;
}

static int sweep_batch(struct env *env, unsigned *n_out)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(env->mdb, NULL, 0, &txn);

	*n_out = 0;
	if (rc != MDB_SUCCESS)
		return rc;
	rc = record_sweep(env, txn, env->host->now_ms(), SWEEP_BATCH, n_out);
	if (rc == MDB_SUCCESS && *n_out > 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

void ops_run(struct env *env, const struct pintle_kv_request *request, struct ops_answer *out)
{
	struct op op = {
		.env = env,
		.request = request,
		.key = { request->key_len, (void *)(uintptr_t)request->key },
		.out = out,
	};
	int rc;

	out->answer =
		(struct pintle_kv_answer){ .size = sizeof(out->answer), .status = PINTLE_INTERNAL };
	out->large = NULL;
	if (!is_sound(request))
		return;
	out->answer.status = env_ready(env);
	if (out->answer.status != PINTLE_OK)
		return;
	op.now_ms = env->host->now_ms();
	if (only_looks(request)) {
		rc = run_read(&op, table[request->op]);
	} else {
		rc = run_write(&op, table[request->op]);
		if (rc == MDB_MAP_FULL) {
			unsigned n_swept;

			(void)sweep_batch(env, &n_swept);
			ops_answer_fini(out);
			rc = run_write(&op, table[request->op]);
		}
	}
	if (rc != MDB_SUCCESS)
		out->answer.status = env_status(env, rc);
}

void ops_answer_fini(struct ops_answer *out)
{
	if (out->large)
		explicit_bzero(out->large, out->answer.value_len);
	else if (out->answer.value)
		explicit_bzero(out->small, out->answer.value_len);
	free(out->large);
	out->large = NULL;
	out->answer.value = NULL;
	out->answer.value_len = 0;
}

void ops_sweep(struct env *env, int64_t budget_ms)
{
	int64_t until = env->host->mono_ms() + budget_ms;
	unsigned n_swept;
	int rc;

	do
		rc = sweep_batch(env, &n_swept);
	while (rc == MDB_SUCCESS && n_swept == SWEEP_BATCH && env->host->mono_ms() < until);
	if (rc != MDB_SUCCESS)
		(void)env_status(env, rc);
}
