/* SPDX-License-Identifier: Apache-2.0 */
/* The misdeeds of the unruly plugin in ops that are to end later, and in transactions that they leave open. */
#ifndef PROMISES_H
#define PROMISES_H

#include <pintle/plugin.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LATE_US 1200000 /* the tests' time-out is shorter */
#define ROOM_BYTES 4096

static struct pintle_inst *instance; /* of the plugin */

struct promise {
	const struct pintle_host *host;
	struct pintle_call *call;
	int n_times;
	useconds_t after_us;
	bool reads_again;
	bool begins; /* a transaction, and does not end it */
};

static const char *said(const char *text)
{
	return text ? text : "nothing";
}

/* All that a call lends, long after anybody waits for it; whatever it asks for is refused by then. */
static void read_again(const struct pintle_host *host, struct pintle_call *call)
{
	size_t body_len = 0;
	const char *body = host->body(call, &body_len);
	char line[512];

	(void)host->alloc(call, ROOM_BYTES);
	(void)host->set(call, "late", "late");
	(void)host->invalid(call, "late", "late");
	(void)snprintf(line, sizeof(line), "late: %s %s %s from %s, %.*s, gate %d",
		       said(host->field(call, "how")), said(host->kept(call, "kept")),
		       said(host->header(call, "content-type")), host->client(call), (int)body_len,
		       body, host->target(call, "unruly", "somebody"));
	host->log(instance, PINTLE_LOG_INFO, line);
}

static void *keep_promise(void *arg)
{
	struct promise *promise = arg;

	(void)usleep(promise->after_us);
	if (promise->begins)
		(void)promise->host->db_begin(promise->call);
	if (promise->reads_again)
		read_again(promise->host, promise->call);
	for (int i = 0; i < promise->n_times; i++)
		promise->host->done(promise->call, PINTLE_DENIED);
	free(promise);
	return NULL;
}

static bool start(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, run, arg) == 0 && pthread_detach(thread) == 0;
}

static int32_t promise(struct promise terms)
{
	struct promise *kept = malloc(sizeof(*kept));

	if (!kept)
		return PINTLE_INTERNAL;
	*kept = terms;
	return start(keep_promise, kept) ? PINTLE_PENDING : PINTLE_INTERNAL;
}

static int32_t never(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host;
	(void)call;
	return PINTLE_PENDING;
}

static int32_t twice(const struct pintle_host *host, struct pintle_call *call)
{
	return promise((struct promise){ host, call, .n_times = 2, .after_us = 1000 });
}

static int32_t late(const struct pintle_host *host, struct pintle_call *call)
{
	return promise((struct promise){ host, call, .n_times = 1, .after_us = LATE_US,
					 .reads_again = true });
}

/* ---- Transactions that are left open: by the op's own thread, by another, and for ever ---- */

static int32_t open_here(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host->db_begin(call);
	return promise((struct promise){ host, call, .n_times = 1, .after_us = 1000 });
}

static int32_t open_there(const struct pintle_host *host, struct pintle_call *call)
{
	return promise(
		(struct promise){ host, call, .n_times = 1, .after_us = 1000, .begins = true });
}

static int32_t open_ever(const struct pintle_host *host, struct pintle_call *call)
{
	return promise((struct promise){ host, call, .n_times = 0, .begins = true });
}

static void *say_done(void *arg)
{
	const struct promise *promise = arg;

	promise->host->done(promise->call, PINTLE_OK);
	return NULL;
}

_Noreturn static void *begin_for_ever(void *arg)
{
	const struct promise *promise = arg;

	(void)promise->host->db_begin(promise->call);
	(void)start(say_done, arg);
	for (;;)
		(void)pause();
}

/* One thread is inside it when another says that all is fine. */
static int32_t open_apart(const struct pintle_host *host, struct pintle_call *call)
{
	static struct promise promise;

	promise = (struct promise){ host, call, .n_times = 1 };
	(void)host->subject(call, "unruly", "somebody");
	return start(begin_for_ever, &promise) ? PINTLE_PENDING : PINTLE_INTERNAL;
}

/* What the host does outside of transactions alone. */
static int32_t open_and_ask(const struct pintle_host *host, struct pintle_call *call)
{
	const char *subject;

	(void)host->db_begin(call);
	(void)host->target(call, "unruly", "somebody");
	(void)host->prove(call, "unruly", &subject);
	return PINTLE_DENIED;
}

/* Both a done and a last word of its own. */
static int32_t both(const struct pintle_host *host, struct pintle_call *call)
{
	host->done(call, PINTLE_DENIED);
	return PINTLE_DENIED;
}

#endif
