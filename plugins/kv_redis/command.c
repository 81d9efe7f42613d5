/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <string.h>

#define LONGEST_TTL_MS (INT64_C(100) * 366 * 86400000)
#define MAX_LIMITS 64
#define WORDS_A_LIMIT 4

/* ---- Requests ---- */

static bool is_key(const void *key, size_t len)
{
	return key && len >= 1 && len <= PINTLE_KV_KEY_MAX;
}

static bool are_limits(const struct pintle_kv_request *request)
{
	if (!request->limits || request->n_limits < 1 || request->n_limits > MAX_LIMITS)
		return false;
	for (size_t i = 0; i < request->n_limits; i++) {
		const struct pintle_kv_limit *limit = &request->limits[i];

		if (!is_key(limit->key, limit->key_len) || limit->cost < 0 ||
		    limit->cost > SCRIPT_NUMBER_MAX)
			return false;
	}
	return true;
}

bool command_is_sound(const struct pintle_kv_request *request)
{
	bool needs_life = request->op == PINTLE_KV_SET || request->op == PINTLE_KV_ADD;

	if (request->op < PINTLE_KV_GET || request->op > PINTLE_KV_PUBLISH)
		return false;
	if (request->value_len > PINTLE_KV_VALUE_MAX || (request->value_len && !request->value))
		return false;
	if (request->expect_len && !request->expect)
		return false;
	if (request->op == PINTLE_KV_LIMIT)
		return are_limits(request);
	return is_key(request->key, request->key_len) && (!needs_life || request->ttl_ms >= 1);
}

static int64_t at_most(int64_t number, int64_t max)
{
	return number < max ? number : max;
}

static enum command_form form_of(const struct pintle_kv_request *request)
{
	bool is_short = request->ttl_ms == PINTLE_KV_NO_LIFE;

	switch (request->op) {
	case PINTLE_KV_GET:
		return is_short ? COMMAND_READ : COMMAND_SCRIPT;
	case PINTLE_KV_SET:
		return COMMAND_TO_PROVE;
	case PINTLE_KV_TAKE:
		return is_short ? COMMAND_TO_PROVE : COMMAND_SCRIPT;
	case PINTLE_KV_DELETE:
		return request->expect ? COMMAND_SCRIPT : COMMAND_TO_PROVE;
	case PINTLE_KV_PUBLISH:
		return COMMAND_MESSAGE;
	default:
		return COMMAND_SCRIPT;
	}
}

struct command_kind command_kind(const struct pintle_kv_request *request)
{
	return (struct command_kind){ .op = request->op,
				      .form = form_of(request),
				      .ttl_ms = at_most(request->ttl_ms, LONGEST_TTL_MS) };
}

static void put_record(struct wire *wire, const struct names *names, const void *key, size_t len)
{
	wire_put_pair(wire, names->record, names->record_len, key, len);
}

/* EVALSHA, its keys and the epoch; n_args follow. */
static void begin_script(struct wire *wire, const struct names *names, const char *sha,
			 const struct pintle_kv_request *request, size_t n_args)
{
	bool is_limit = request->op == PINTLE_KV_LIMIT;
	size_t n_keys = is_limit ? request->n_limits : 1;

	wire_begin(wire, 3 + 1 + n_keys + 1 + n_args);
	wire_put(wire, "EVALSHA", 7);
	wire_put(wire, sha, SHA_LEN);
	wire_put_number(wire, (int64_t)n_keys + 1);
	wire_put_text(wire, names->epoch_key);
	if (!is_limit)
		put_record(wire, names, request->key, request->key_len);
	for (size_t i = 0; is_limit && i < n_keys; i++)
		put_record(wire, names, request->limits[i].key, request->limits[i].key_len);
	wire_put(wire, names->epoch, EPOCH_LEN);
}

static void put_limits(struct wire *wire, const struct pintle_kv_request *request)
{
	for (size_t i = 0; i < request->n_limits; i++) {
		const struct pintle_kv_limit *limit = &request->limits[i];

		wire_put_number(wire, at_most(limit->max, SCRIPT_NUMBER_MAX));
		wire_put_number(wire, at_most(limit->window_ms, LONGEST_TTL_MS));
		wire_put_number(wire, limit->cost);
		wire_put_number(wire, limit->flags & PINTLE_KV_SLIDES ? 1 : 0);
	}
}

static void put_argument(struct wire *wire, const struct pintle_kv_request *request, char which)
{
	int64_t ttl_ms = at_most(request->ttl_ms, LONGEST_TTL_MS);

	if (which == 'v')
		wire_put(wire, request->value, request->value_len);
	else if (which == 'e')
		wire_put(wire, request->expect, request->expect_len);
	else if (which == 'd')
		wire_put_number(wire, request->delta);
	else if (which == 'f')
		wire_put_number(wire, request->flags & PINTLE_KV_FLOOR ? 1 : 0);
	else
		wire_put_number(wire, ttl_ms > 0 ? ttl_ms : 0);
}

static void make_script(struct wire *wire, const struct names *names, const char *sha,
			const struct pintle_kv_request *request)
{
	/* Value, expect, delta, ttl and floor, as script.c wants them. */
	static const char *const arguments[SCRIPT_N] = {
		[PINTLE_KV_GET] = "",     [PINTLE_KV_ADD] = "vt",   [PINTLE_KV_TAKE] = "",
		[PINTLE_KV_SWAP] = "evt", [PINTLE_KV_DELETE] = "e", [PINTLE_KV_INCR] = "dtf",
		[PINTLE_KV_LIMIT] = "",
	};
	const char *which = arguments[request->op];

	begin_script(wire, names, sha, request,
		     request->op == PINTLE_KV_LIMIT ? request->n_limits * WORDS_A_LIMIT
						    : strlen(which));
	for (; *which; which++)
		put_argument(wire, request, *which);
	if (request->op == PINTLE_KV_LIMIT)
		put_limits(wire, request);
}

static void make_read(struct wire *wire, const struct names *names,
		      const struct pintle_kv_request *request)
{
	wire_begin(wire, 3);
	wire_put(wire, "MGET", 4);
	put_record(wire, names, request->key, request->key_len);
	wire_put_text(wire, names->epoch_key);
}

static void make_plain(struct wire *wire, const struct names *names,
		       const struct pintle_kv_request *request)
{
	bool is_set = request->op == PINTLE_KV_SET;

	wire_begin(wire, is_set ? 5 : 2);
	wire_put_text(wire, is_set ? "SET" : request->op == PINTLE_KV_TAKE ? "GETDEL" : "DEL");
	put_record(wire, names, request->key, request->key_len);
	if (!is_set)
		return;
	wire_put(wire, request->value, request->value_len);
	wire_put(wire, "PX", 2);
	wire_put_number(wire, at_most(request->ttl_ms, LONGEST_TTL_MS));
}

static void make_message(struct wire *wire, const struct names *names,
			 const struct pintle_kv_request *request)
{
	wire_begin(wire, 3);
	wire_put(wire, "PUBLISH", 7);
	wire_put_pair(wire, names->channel, names->channel_len, request->key, request->key_len);
	wire_put(wire, request->value, request->value_len);
}

void command_make(struct wire *wire, const struct names *names, const struct shas *shas,
		  const struct pintle_kv_request *request)
{
	switch (form_of(request)) {
	case COMMAND_SCRIPT:
		make_script(wire, names, shas->at[request->op], request);
		break;
	case COMMAND_READ:
		make_read(wire, names, request);
		break;
	case COMMAND_TO_PROVE:
		make_plain(wire, names, request);
		break;
	case COMMAND_MESSAGE:
		make_message(wire, names, request);
		break;
	}
}

void command_make_look(struct wire *wire, const struct names *names)
{
	wire_begin(wire, 2);
	wire_put(wire, "GET", 3);
	wire_put_text(wire, names->epoch_key);
}

/* ---- Answers ---- */

static bool begins_with(const redisReply *reply, const char *word)
{
	return strncmp(reply->str, word, strlen(word)) == 0;
}

static enum command_outcome read_error(const redisReply *reply)
{
	/* It is no master any more, or does not know us any more: another connection may do better. */
	static const char *const lost[] = { "READONLY", "NOAUTH", "LOADING", "MASTERDOWN" };

	if (begins_with(reply, "NOSCRIPT"))
		return COMMAND_FORGOTTEN;
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		if (begins_with(reply, lost[i]))
			return COMMAND_LOST;
	}
	return COMMAND_FAILED;
}

static bool is_text(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING;
}

static void lend_value(struct pintle_kv_answer *out, const redisReply *reply)
{
	out->value = reply->str;
	out->value_len = reply->len;
}

/* The decimal text of a counter; the server's own, so it fits. */
static int64_t number_of(const redisReply *reply)
{
	return is_text(reply) ? strtoll(reply->str, NULL, 10) : reply->integer;
}

bool command_is_same_epoch(const struct names *names, const redisReply *reply)
{
	return is_text(reply) && strcmp(reply->str, names->epoch) == 0;
}

static enum command_outcome read_pair(const struct names *names, const redisReply *reply,
				      struct pintle_kv_answer *out)
{
	const redisReply *value, *epoch;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		return COMMAND_LOST;
	value = reply->element[0];
	epoch = reply->element[1];
	if (!command_is_same_epoch(names, epoch))
		return COMMAND_STALE;
	out->status = is_text(value) ? PINTLE_OK : PINTLE_NOT_FOUND;
	if (is_text(value))
		lend_value(out, value);
	return COMMAND_ANSWERED;
}

static int32_t status_of(const char *word)
{
	static const struct {
		const char *word;
		int32_t status;
	} words[] = {
		{ "ok", PINTLE_OK },
		{ "absent", PINTLE_NOT_FOUND },
		{ "conflict", PINTLE_CONFLICT },
		{ "limited", PINTLE_LIMITED },
		{ "bad", PINTLE_INTERNAL },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) == 0)
			return words[i].status;
	}
	return -1;
}

static enum command_outcome read_script(const redisReply *reply, struct pintle_kv_answer *out)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 || !is_text(reply->element[0]))
		return COMMAND_LOST;
	if (strcmp(reply->element[0]->str, "epoch") == 0)
		return COMMAND_STALE;
	out->status = status_of(reply->element[0]->str);
	if (out->status < 0)
		return COMMAND_LOST;
	if (reply->elements > 1 && is_text(reply->element[1]))
		lend_value(out, reply->element[1]);
	if (reply->elements > 2)
		out->number = number_of(reply->element[2]);
	if (reply->elements > 3) /* below 1 only when it ends this very millisecond */
		out->ttl_ms = reply->element[3]->integer > 0 ? reply->element[3]->integer : 1;
	return COMMAND_ANSWERED;
}

static enum command_outcome read_plain(struct command_kind kind, const redisReply *reply,
				       struct pintle_kv_answer *out)
{
	static const int types[] = { [PINTLE_KV_SET] = REDIS_REPLY_STATUS,
				     [PINTLE_KV_TAKE] = REDIS_REPLY_STRING,
				     [PINTLE_KV_DELETE] = REDIS_REPLY_INTEGER };
	bool is_absent =
		kind.op == PINTLE_KV_TAKE ? reply->type == REDIS_REPLY_NIL : reply->integer == 0;

	if (reply->type != types[kind.op] && !(is_absent && kind.op == PINTLE_KV_TAKE))
		return COMMAND_LOST;
	if (kind.op == PINTLE_KV_SET)
		out->ttl_ms = kind.ttl_ms;
	else if (is_absent)
		out->status = PINTLE_NOT_FOUND;
	else if (kind.op == PINTLE_KV_TAKE)
		lend_value(out, reply);
	return COMMAND_ANSWERED;
}

enum command_outcome command_read(struct command_kind kind, const struct names *names,
				  const redisReply *reply, struct pintle_kv_answer *out)
{
	enum command_outcome outcome = COMMAND_LOST;

	*out = (struct pintle_kv_answer){ .size = sizeof(*out) };
	if (reply && reply->type == REDIS_REPLY_ERROR) {
		outcome = read_error(reply);
	} else if (reply && kind.form == COMMAND_SCRIPT) {
		outcome = read_script(reply, out);
	} else if (reply && kind.form == COMMAND_READ) {
		outcome = read_pair(names, reply, out);
	} else if (reply && kind.form == COMMAND_TO_PROVE) {
		outcome = read_plain(kind, reply, out);
	} else if (reply && reply->type == REDIS_REPLY_INTEGER) {
		out->number = reply->integer;
		outcome = COMMAND_ANSWERED;
	}
	if (outcome != COMMAND_ANSWERED)
		*out = (struct pintle_kv_answer){ .size = sizeof(*out),
						  .status = PINTLE_UNAVAILABLE };
	return outcome;
}
