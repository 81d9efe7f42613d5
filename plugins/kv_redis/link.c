/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_UNDER_WAY 16384
#define LOOK_EVERY_MS 1000
#define QUIET_MS 10000 /* between two lines that say the same */
#define STALE "its records are of another epoch now"

/* An op under way. */
struct flight {
	struct flight *next; /* of those to be used again, or of the unproved */
	struct link *link;
	pintle_kv_done *done;
	void *ctx;
	struct command_kind kind;
	bool is_repeated;
	size_t command_len;
	char *command;               /* of a script, in case the server has forgotten it */
	struct pintle_kv_answer out; /* not proved yet; its value is our own */
	char *value;
};

static void answer(pintle_kv_done *done, void *ctx, int32_t status)
{
	const struct pintle_kv_answer out = { .size = sizeof(out), .status = status };

	done(ctx, &out);
}

static struct flight *flight_new(struct link *link)
{
	struct flight *flight = link->spare;

	if (!flight)
		return calloc(1, sizeof(*flight));
	link->spare = flight->next;
	*flight = (struct flight){ 0 };
	return flight;
}

static void flight_free(struct flight *flight)
{
	struct link *link = flight->link;

	free(flight->command);
	free(flight->value);
	flight->next = link->spare;
	link->spare = flight;
}

/* Whether the same is not to be said again now. */
static bool is_quiet(struct link *link, const char *why)
{
	int64_t now_ms = link->base->host->mono_ms();
	bool is_same = strncmp(link->last_why, why, sizeof(link->last_why) - 1) == 0;

	if (is_same && now_ms < link->quiet_until_ms)
		return true;
	link->quiet_until_ms = now_ms + QUIET_MS;
	(void)snprintf(link->last_why, sizeof(link->last_why), "%s", why);
	return false;
}

/* ---- Ops ---- */

static void on_loaded(void *ctx, const redisReply *reply)
{
	(void)ctx, (void)reply; /* the op asked again behind it shows whether it went well */
}

/* Nothing was done: the script, and the op once more. */
static bool repeat(struct flight *flight, conn_answer *fn)
{
	struct link *link = flight->link;
	const char *const load[] = { "SCRIPT", "LOAD", script_texts[flight->kind.op] };

	if (flight->is_repeated || !flight->command || conn_is_full(&link->conn))
		return false;
	flight->is_repeated = true;
	return conn_ask_words(&link->conn, load, 3, on_loaded, NULL) &&
	       conn_ask(&link->conn, flight->command, flight->command_len, fn, flight);
}

static void say_failure(struct link *link, const redisReply *reply)
{
	char reason[REASON_MAX];

	base_reason(reason, sizeof(reason), reply);
	if (!is_quiet(link, reason))
		base_log(link->base, PINTLE_LOG_ERROR, "Redis refuses an op: %s", reason);
}

/* ---- What is to be proved ---- */

/* False: no memory. */
static bool keep_unproved(struct flight *flight, const struct pintle_kv_answer *out)
{
	struct link *link = flight->link;

	flight->out = *out;
	if (out->value) {
		flight->value = malloc(out->value_len + 1);
		if (!flight->value)
			return false;
		memcpy(flight->value, out->value, out->value_len);
		flight->value[out->value_len] = '\0';
		flight->out.value = flight->value;
	}
	flight->next = NULL;
	if (!link->unproved)
		link->unproved_end = &link->unproved;
	*link->unproved_end = flight;
	link->unproved_end = &flight->next;
	return true;
}

/* Answers come in order: what was answered before this was also done before it. */
static void on_look(void *ctx, const redisReply *reply)
{
	struct link *link = ctx;
	bool is_proved = reply && command_is_same_epoch(&link->names, reply);
	struct flight *flight;

	while ((flight = link->unproved)) {
		link->unproved = flight->next;
		if (is_proved)
			flight->done(flight->ctx, &flight->out);
		else
			answer(flight->done, flight->ctx, PINTLE_UNAVAILABLE);
		flight_free(flight);
	}
	if (reply && !is_proved)
		conn_end(&link->conn, STALE);
}

/* One look for all that goes out in one write. */
static void look_behind(void *owner)
{
	struct link *link = owner;

	if (!link->is_look_due)
		return;
	link->is_look_due = false;
	command_make_look(&link->wire, &link->names);
	if (link->wire.is_broken ||
	    !conn_ask(&link->conn, link->wire.bytes, link->wire.len, on_look, link))
		conn_end(&link->conn, "no memory");
}

/* ---- Answers ---- */

static const char *why_leave(const redisReply *reply, enum command_outcome outcome,
			     char why[REASON_MAX])
{
	if (outcome == COMMAND_STALE)
		return STALE;
	base_reason(why, REASON_MAX, reply);
	return why;
}

static void on_answer(void *ctx, const redisReply *reply)
{
	struct flight *flight = ctx;
	struct link *link = flight->link;
	struct pintle_kv_answer out;
	enum command_outcome outcome = command_read(flight->kind, &link->names, reply, &out);
	char why[REASON_MAX];

	if (reply && outcome == COMMAND_FORGOTTEN && repeat(flight, on_answer))
		return;
	if (outcome == COMMAND_ANSWERED && flight->kind.form == COMMAND_TO_PROVE) {
		if (keep_unproved(flight, &out))
			return;
		out = (struct pintle_kv_answer){ .size = sizeof(out), .status = PINTLE_INTERNAL };
	}
	flight->done(flight->ctx, &out);
	flight_free(flight);
	if (reply && outcome == COMMAND_FAILED)
		say_failure(link, reply);
	else if (reply && outcome != COMMAND_ANSWERED)
		conn_end(&link->conn, why_leave(reply, outcome, why));
}

static bool keep_command(struct flight *flight, const struct wire *wire)
{
	if (flight->kind.form != COMMAND_SCRIPT)
		return true;
	flight->command = malloc(wire->len);
	if (!flight->command)
		return false;
	memcpy(flight->command, wire->bytes, wire->len);
	flight->command_len = wire->len;
	return true;
}

static void send_op(struct link *link, const struct pintle_kv_request *request,
		    pintle_kv_done *done, void *ctx)
{
	struct flight *flight = conn_is_full(&link->conn) ? NULL : flight_new(link);

	if (!flight) {
		answer(done, ctx, PINTLE_BUSY);
		return;
	}
	*flight = (struct flight){
		.link = link, .done = done, .ctx = ctx, .kind = command_kind(request)
	};
	link->is_look_due |= flight->kind.form == COMMAND_TO_PROVE; /* asking may write at once */
	command_make(&link->wire, &link->names, &link->hello.shas, request);
	if (link->wire.is_broken || !keep_command(flight, &link->wire) ||
	    !conn_ask(&link->conn, link->wire.bytes, link->wire.len, on_answer, flight)) {
		flight_free(flight);
		answer(done, ctx, PINTLE_INTERNAL);
		return;
	}
}

static void park(struct link *link, const struct pintle_kv_request *request, pintle_kv_done *done,
		 void *ctx)
{
	const struct base *base = link->base;
	int64_t until_ms = base->host->mono_ms() + base->conf->command_timeout_ms;

	if (!parked_put(&link->parked, request, done, ctx, until_ms))
		answer(done, ctx, PINTLE_BUSY);
}

void link_submit(struct link *link, const struct pintle_kv_request *request, pintle_kv_done *done,
		 void *ctx)
{
	if (!command_is_sound(request))
		answer(done, ctx, PINTLE_INTERNAL);
	else if (link->is_up)
		send_op(link, request, done, ctx);
	else if (link->is_down)
		answer(done, ctx, PINTLE_UNAVAILABLE);
	else
		park(link, request, done, ctx);
}

/* ---- The connection ---- */

static void fail_parked(struct link *link)
{
	struct parked_op *op;

	while ((op = parked_take(&link->parked))) {
		answer(op->done, op->ctx, PINTLE_UNAVAILABLE);
		free(op);
	}
}

void link_give_up(struct link *link, const char *why)
{
	link->is_down = true;
	if (!is_quiet(link, why))
		base_log(link->base, PINTLE_LOG_ERROR, "no Redis: %s", why);
	fail_parked(link);
}

static void on_end(void *owner, const char *why)
{
	struct link *link = owner;
	char text[SPOT_MAX + 16], line[REASON_MAX];

	link->is_look_due = false;
	(void)snprintf(line, sizeof(line), "%s: %s", spot_text(&link->spot, text), why);
	if (!link->is_up) {
		link_give_up(link, line);
		return;
	}
	link->is_up = false;
	link->is_down = link->conn.is_silent;
	base_log(link->base, PINTLE_LOG_WARN, "the connection has ended: %s", line);
}

static void take_epoch(struct link *link)
{
	names_set_epoch(&link->names, link->base->conf, link->hello.epoch);
	(void)pthread_mutex_lock(&link->mutex);
	memcpy(link->epoch, link->hello.epoch, sizeof(link->epoch));
	(void)pthread_mutex_unlock(&link->mutex);
}

static void on_hello(void *owner)
{
	struct link *link = owner;
	struct parked_op *op;
	char text[SPOT_MAX + 16];

	take_epoch(link);
	link->is_up = true;
	link->is_down = false;
	link->last_why[0] = '\0';
	link->looked_ms = link->base->host->mono_ms();
	base_log(link->base, PINTLE_LOG_INFO, "connected to %s, Redis %s, epoch %s",
		 spot_text(&link->spot, text), link->hello.version, link->epoch);
	while ((op = parked_take(&link->parked))) {
		link_submit(link, &op->request, op->done, op->ctx);
		free(op);
	}
}

bool link_wants(const struct link *link)
{
	return !conn_is_open(&link->conn);
}

void link_try(struct link *link, const struct spot *spot)
{
	char why[REASON_MAX];

	if (conn_is_open(&link->conn))
		return;
	link->spot = *spot;
	if (!conn_open(&link->conn, spot, why, sizeof(why)))
		on_end(link, why);
	else if (!hello_begin(&link->hello))
		conn_end(&link->conn, "no memory");
}

void link_leave(struct link *link, const char *why)
{
	conn_end(&link->conn, why);
}

/* ---- Once in a while ---- */

static void on_role(void *ctx, const redisReply *reply)
{
	struct link *link = ctx;

	if (!reply)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    strcmp(reply->element[0]->str, "master") != 0)
		conn_end(&link->conn, "it is no master any more");
}

void link_look_at_clock(struct link *link)
{
	static const char *const role[] = { "ROLE" };
	int64_t now_ms = link->base->host->mono_ms();
	struct parked_op *op;

	conn_look_at_clock(&link->conn);
	while ((op = parked_take_overdue(&link->parked, now_ms))) {
		link->is_down = true; /* whoever comes now need not wait as long */
		answer(op->done, op->ctx, PINTLE_UNAVAILABLE);
		free(op);
	}
	if (!link->is_up || now_ms - link->looked_ms < LOOK_EVERY_MS)
		return;
	link->looked_ms = now_ms;
	(void)conn_ask_words(&link->conn, role, 1, on_role, link); /* full: the next time will do */
}

void link_epoch(struct link *link, char out[EPOCH_LEN + 1])
{
	(void)pthread_mutex_lock(&link->mutex);
	memcpy(out, link->epoch, EPOCH_LEN + 1);
	(void)pthread_mutex_unlock(&link->mutex);
}

bool link_init(struct link *link, const struct base *base)
{
	*link = (struct link){ .base = base };
	link->hello = (struct hello){
		.base = base, .conn = &link->conn, .done = on_hello, .owner = link
	};
	names_init(&link->names, base->conf);
	(void)pthread_mutex_init(&link->mutex, NULL);
	if (!conn_init(&link->conn, base, MAX_UNDER_WAY, on_end, NULL, link))
		return false;
	link->conn.sending = look_behind;
	return true;
}

void link_fini(struct link *link)
{
	struct flight *flight;

	if (!link->base)
		return;
	conn_fini(&link->conn);
	fail_parked(link);
	while ((flight = link->spare)) {
		link->spare = flight->next;
		free(flight);
	}
	wire_fini(&link->wire);
	(void)pthread_mutex_destroy(&link->mutex);
	*link = (struct link){ 0 };
}
