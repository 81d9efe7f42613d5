/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hiredis itself can do on one thread: a number of operations under way at any time, each answer
 * asking the next. `redis_raw PORT get|set IN_FLIGHT SECONDS`.
 */
#include "client.h"

#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_KEYS 64
#define LIFE_MS "600000"
#define VALUE_LEN 200

static char value[VALUE_LEN + 1];
static const char *kind;
static long n_done;
static bool is_over;

static void on_answer(redisAsyncContext *redis, void *answer, void *key);

static void ask(redisAsyncContext *redis, void *key)
{
	int id = (int)(intptr_t)key, status;

	if (strcmp(kind, "get") == 0)
		status = redisAsyncCommand(redis, on_answer, key, "GET bench:%d", id);
	else
		status = redisAsyncCommand(redis, on_answer, key, "SET bench:%d %b PX " LIFE_MS, id,
					   value, (size_t)VALUE_LEN);
	if (status != REDIS_OK)
		client_die("redisAsyncCommand");
}

static void on_answer(redisAsyncContext *redis, void *answer, void *key)
{
	const redisReply *reply = answer;

	if (!reply || reply->type == REDIS_REPLY_ERROR || reply->type == REDIS_REPLY_NIL) {
		(void)fprintf(stderr, "redis: %s\n",
			      reply && reply->str ? reply->str : "no answer");
		exit(1);
	}
	n_done++;
	if (!is_over)
		ask(redis, key);
}

static void end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	is_over = true;
	(void)event_base_loopbreak(arg);
}

/* The keys a get finds. */
static void prepare(int port)
{
	redisContext *redis = redisConnect("127.0.0.1", port);

	if (!redis || redis->err)
		client_die("redis");
	memset(value, 'v', VALUE_LEN);
	for (int i = 0; i < N_KEYS; i++)
		freeReplyObject(redisCommand(redis, "SET bench:%d %b PX " LIFE_MS, i, value,
					     (size_t)VALUE_LEN));
	redisFree(redis);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct timeval length = { 0 };
	redisAsyncContext *redis;
	int64_t began_us;
	double cpu_s;

	if (argc != 5) {
		(void)fprintf(stderr, "usage: redis_raw PORT get|set IN_FLIGHT SECONDS\n");
		return 2;
	}
	kind = argv[2];
	prepare(atoi(argv[1]));
	redis = redisAsyncConnect("127.0.0.1", atoi(argv[1]));
	if (!redis || redis->err || redisLibeventAttach(redis, base) != REDIS_OK)
		client_die("redis");
	length.tv_sec = (time_t)atof(argv[4]);
	length.tv_usec = (suseconds_t)((atof(argv[4]) - (double)length.tv_sec) * 1e6);
	event_base_once(base, -1, EV_TIMEOUT, end, base, &length);
	began_us = client_now_us();
	cpu_s = client_cpu_seconds();
	for (int i = 0; i < atoi(argv[3]); i++)
		ask(redis, (void *)(intptr_t)(i % N_KEYS));
	(void)event_base_dispatch(base);
	printf("{\"n\": %ld, \"seconds\": %.4f, \"cpu\": %.4f}\n", n_done,
	       (double)(client_now_us() - began_us) / 1e6, client_cpu_seconds() - cpu_s);
	return 0; /* what is under way goes with the process */
}
