/* SPDX-License-Identifier: Apache-2.0 */
/* A real Redis of a test's own, by scripts/redis.sh, and a connection to look behind the driver's back. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <hiredis/hiredis.h>
#include <sys/types.h>

struct redis_server {
	char *dir; /* stays when it is stopped and started again */
	int port;
	pid_t pid; /* 0: it does not run */
	char address[32], socket[128];
	redisContext *admin;
};

/* dir is new the first time. options are redis-server's own; "" for none. */
void redis_server_start(struct redis_server *server, const char *options);
void redis_server_stop(struct redis_server *server);
/* Stops it and forgets its files. Zeroed is fine. */
void redis_server_fini(struct redis_server *server);
/* One command as printf has it; the answer is to be freed, and no error. */
redisReply *redis_server_do(struct redis_server *server, const char *fmt, ...);
/* The same, without the answer. */
void redis_server_run(struct redis_server *server, const char *fmt, ...);
/* How much sooner everything expires. */
void redis_server_pass_time(struct redis_server *server, long long ms);

#endif
