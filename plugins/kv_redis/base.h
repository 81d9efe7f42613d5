/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of an instance is lent: the host, the instance, the options. */
#ifndef BASE_H
#define BASE_H

#include <hiredis/hiredis.h>
#include <pintle/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>

/* A Unix socket's path has 107 bytes; a number's text fewer. */
#define SPOT_MAX 108
#define REASON_MAX 256
#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

struct conf {
	const char *host, *user, *password, *prefix;
	const char *master, *sentinel_user, *sentinel_password;
	const char *const *sentinel;
	int64_t database, connect_timeout_ms, command_timeout_ms;
};

struct base {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	const struct conf *conf;
};

/* Where a server listens: a path and no port, or a name or address and a port. */
struct spot {
	char address[SPOT_MAX];
	int port;
};

/* [any] One line of the log. */
void base_log(const struct base *base, int32_t level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What stands in an error of the server without the arguments it may quote. */
void base_reason(char *out, size_t out_len, const redisReply *reply);
/* "name", "name:1234", "[::1]:1234", or the absolute path of a Unix socket. False: it is none of them. */
bool spot_read(const char *text, int default_port, struct spot *out);
bool spot_is_path(const struct spot *spot);
bool spot_equals(const struct spot *a, const struct spot *b);
/* "127.0.0.1:6379", "[::1]:6379", "/run/redis.sock" */
const char *spot_text(const struct spot *spot, char out[SPOT_MAX + 16]);

#endif
