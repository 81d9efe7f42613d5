/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_server.h"

#include "fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void connect_admin(struct redis_server *server)
{
	server->admin = redisConnectUnix(server->socket);
	assert_non_null(server->admin);
	assert_int_equal(server->admin->err, 0);
}

void redis_server_start(struct redis_server *server, const char *options)
{
	char command[1024], line[256];
	FILE *out;

	if (!server->dir)
		server->dir = fake_dir_new();
	(void)snprintf(command, sizeof(command), "PRIVATE_OWNER=%d sh scripts/redis.sh start %s %s",
		       (int)getpid(), server->dir, options);
	out = popen(command, "re");
	assert_non_null(out);
	while (fgets(line, sizeof(line), out)) {
		(void)sscanf(line, "port=%d", &server->port);
		(void)sscanf(line, "pid=%d", &server->pid);
		(void)sscanf(line, "socket=%127s", server->socket);
	}
	assert_int_equal(pclose(out), 0);
	(void)snprintf(server->address, sizeof(server->address), "127.0.0.1:%d", server->port);
	connect_admin(server);
}

void redis_server_stop(struct redis_server *server)
{
	char command[256];

	if (server->pid == 0)
		return;
	if (server->admin)
		redisFree(server->admin);
	server->admin = NULL;
	server->pid = 0;
	(void)snprintf(command, sizeof(command), "sh scripts/redis.sh stop %s", server->dir);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a script of the tree */
}

void redis_server_fini(struct redis_server *server)
{
	redis_server_stop(server);
	fake_dir_free(server->dir);
	*server = (struct redis_server){ 0 };
}

static redisReply *run(struct redis_server *server, const char *fmt, va_list args)
{
	redisReply *reply;
	va_list again;

	va_copy(again, args);
	reply = redisvCommand(server->admin, fmt, args);
	if (!reply && redisReconnect(server->admin) == REDIS_OK)
		reply = redisvCommand(server->admin, fmt, again); /* Sentinels end connections */
	va_end(again);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", fmt, reply ? reply->str : server->admin->errstr);
	return reply;
}

redisReply *redis_server_do(struct redis_server *server, const char *fmt, ...)
{
	redisReply *reply;
	va_list args;

	va_start(args, fmt);
	reply = run(server, fmt, args);
	va_end(args);
	return reply;
}

void redis_server_run(struct redis_server *server, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	freeReplyObject(run(server, fmt, args));
	va_end(args);
}

void redis_server_pass_time(struct redis_server *server, long long ms)
{
	static const char *const script =
		"for _, key in ipairs(redis.call('KEYS', '*')) do "
		"  local left = redis.call('PTTL', key) "
		"  if left >= 0 and left <= tonumber(ARGV[1]) then redis.call('DEL', key) "
		"  elseif left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end "
		"end";

	redis_server_run(server, "EVAL %s 0 %lld", script, ms);
}
