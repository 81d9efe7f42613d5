/* SPDX-License-Identifier: Apache-2.0 */
/* The contract on a real Redis, and what is settled with a server before it is used. */
#include "redis_store.h"

#include <arpa/inet.h>
#include <pintle/status.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int contract(void)
{
	struct redis_store store = { 0 };
	int n_failed;

	redis_server_start(&store.server, "");
	assert_true(redis_store_open(&store, NULL));
	n_failed = kv_contract_run(&store.kv);
	redis_store_close(&store);
	redis_server_fini(&store.server);
	return n_failed;
}

static void reopen(struct redis_store *store, const char *const *options)
{
	redis_store_close(store);
	assert_true(redis_store_open(store, options));
}

/* ---- Who we are ---- */

/* The rights README.md says are enough; subscribing is among them. */
static void make_user(struct redis_store *store)
{
	redis_server_run(
		&store->server,
		"ACL SETUSER pintle on >rhubarb ~pintle:* &pintle:* -@all +auth +select "
		"+info +role +ping +mget +get +getdel +set +del +exists +incrby +pexpire +pttl "
		"+eval +evalsha +script|load +publish +subscribe");
	redis_server_run(&store->server, "ACL SETUSER default -@all +@connection");
}

static int n_heard;

static void hear(void *ctx, const void *value, size_t value_len)
{
	(void)ctx, (void)value_len;
	n_heard += value != NULL;
}

static void use_every_op(struct redis_store *store)
{
	const struct pintle_kv_limit limit = { "l", 1, 100, 60000, 1, PINTLE_KV_SLIDES, 0 };

	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	assert_string_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).value, "v");
	assert_int_equal(redis_store_op(store, PINTLE_KV_ADD, "b", "v").status, PINTLE_OK);
	assert_int_equal(kv_test_op(&store->kv, PINTLE_KV_SWAP, "b", "w", "v", 0).status,
			 PINTLE_OK);
	assert_string_equal(redis_store_op(store, PINTLE_KV_TAKE, "b", NULL).value, "w");
	assert_int_equal(redis_store_op(store, PINTLE_KV_DELETE, "a", NULL).status, PINTLE_OK);
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	assert_string_equal(
		kv_test_op(&store->kv, PINTLE_KV_TAKE, "a", NULL, NULL, PINTLE_KV_NO_LIFE).value,
		"v");
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	assert_int_equal(kv_test_op(&store->kv, PINTLE_KV_DELETE, "a", NULL, "v", 0).status,
			 PINTLE_OK);
	assert_int_equal(kv_test_incr(&store->kv, "n", 3).number, 3);
	assert_int_equal(kv_test_limit(&store->kv, &limit, 1).number, 99);
	assert_int_equal(store->kv.ops->subscribe(store->kv.self, "news", hear, NULL), PINTLE_OK);
	n_heard = 0;
	for (int i = 0; i < 500 && n_heard == 0; i++) {
		assert_int_equal(redis_store_op(store, PINTLE_KV_PUBLISH, "news", "v").status,
				 PINTLE_OK);
		fake_host_turn(store->host, 10);
	}
	assert_true(n_heard > 0);
}

static size_t n_keys(struct redis_store *store, int database)
{
	redisReply *keys;
	size_t n;

	redis_server_run(&store->server, "SELECT %d", database);
	keys = redis_server_do(&store->server, "KEYS *");
	n = keys->elements;
	freeReplyObject(keys);
	return n;
}

static void takes_a_user_and_a_database(void **state)
{
	const char *const options[] = { "user",     "pintle", "password", "rhubarb",
					"database", "3",      NULL };
	struct redis_store *store = *state;

	redis_server_run(&store->server, "ACL SETUSER admin on nopass +@all ~* &*");
	redis_server_run(&store->server, "AUTH admin x");
	make_user(store);
	reopen(store, options);
	use_every_op(store);
	assert_int_equal(n_keys(store, 0), 0);
	assert_true(n_keys(store, 3) > 0);
}

static void says_that_the_password_is_wrong(void **state)
{
	const char *const options[] = { "user", "pintle", "password", "gooseberry", NULL };
	struct redis_store *store = *state;

	redis_server_run(&store->server, "ACL SETUSER admin on nopass +@all ~* &*");
	redis_server_run(&store->server, "AUTH admin x");
	make_user(store);
	reopen(store, options);
	redis_store_hear(store, "AUTH: WRONGPASS");
	assert_int_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).status,
			 PINTLE_UNAVAILABLE);
	assert_null(strstr(fake_host_last_line(store->host), "gooseberry"));
	redis_server_run(&store->server, "ACL SETUSER pintle >gooseberry");
	redis_store_recover(store);
}

static void comes_by_a_unix_socket_and_by_name(void **state)
{
	struct redis_store *store = *state;
	const char *options[] = { "host", store->server.socket, NULL };
	char name[64];

	reopen(store, options);
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	(void)snprintf(name, sizeof(name), "localhost:%d", store->server.port);
	options[1] = name;
	reopen(store, options);
	assert_string_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).value, "v");
}

static void refuses_what_is_no_address(void **state)
{
	static const struct {
		const char *options[5];
		const char *reason;
	} cases[] = {
		{ { "host", "a:b" }, "host:" },
		{ { "host", "a:0" }, "host:" },
		{ { "host", "a:65536" }, "host:" },
		{ { "host", "[::1" }, "host:" },
		{ { "host", ":6379" }, "host:" },
		{ { "sentinel", "a:x", "master", "m" }, "sentinel:" },
		{ { "sentinel", "a" }, "belong together" },
		{ { "master", "m" }, "belong together" },
		{ { "user", "me" }, "password" },
	};
	struct redis_store *store = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		redis_store_close(store);
		if (redis_store_open(store, cases[i].options))
			fail_msg("case %zu is taken", i);
		if (!strstr(fake_host_reason(store->host), cases[i].reason))
			fail_msg("case %zu: \"%s\"", i, fake_host_reason(store->host));
	}
	reopen(store, NULL);
}

/* ---- Whom we have met ---- */

#define INFO_OF(version, role)                                                                     \
	"redis_version:" version "\r\nrun_id:ab\r\nrole:" role "\r\nloading:0\r\n"

struct stranger {
	pid_t pid;
	char address[32];
};

static _Noreturn void answer_all(int listener, const char *answer)
{
	char bytes[4096];

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		while (fd >= 0 && read(fd, bytes, sizeof(bytes)) > 0) {
			if (write(fd, answer, strlen(answer)) < 0)
				break;
		}
		(void)close(fd);
	}
}

/* A process that answers the same to whatever it is asked. */
static void stranger_start(struct stranger *stranger, const char *answer)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	(void)snprintf(stranger->address, sizeof(stranger->address), "127.0.0.1:%d",
		       ntohs(address.sin_port));
	stranger->pid = fork();
	if (stranger->pid == 0)
		answer_all(listener, answer);
	(void)close(listener);
}

static void stranger_stop(const struct stranger *stranger)
{
	assert_int_equal(kill(stranger->pid, SIGKILL), 0);
	assert_int_equal(waitpid(stranger->pid, NULL, 0), stranger->pid);
}

static void bulk(char *out, size_t out_len, const char *text)
{
	(void)snprintf(out, out_len, "$%zu\r\n%s\r\n", strlen(text), text);
}

static void uses_no_server_that_will_not_do(void **state)
{
	static const struct {
		const char *raw, *info; /* one of them */
		const char *reason;
	} cases[] = {
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", NULL, "Protocol error" },
		{ "", NULL, "in time" },
		{ ":1\r\n", NULL, "makes no sense" },
		{ "*-1\r\n", NULL, "makes no sense" },
		{ "$6\r\nsoup\r\n\r\n+OK\r\n", NULL, "older than" },
		{ "-ERR unknown command 'INFO', with args beginning with: 'secret'\r\n", NULL,
		  "INFO: ERR unknown command 'INFO'" },
		{ "-NOAUTH Authentication required.\r\n", NULL, "NOAUTH" },
		{ NULL, INFO_OF("5.0.14", "master"), "older than" },
		{ NULL, INFO_OF("6.0.16", "master"), "older than" },
		{ NULL, INFO_OF("7.0.15", "slave"), "no master" },
		{ NULL, INFO_OF("7.0.15", "master") "loading:1\r\n", "which process" },
		{ NULL, "loading:1\r\n" INFO_OF("7.0.15", "master"), "loading its data" },
		{ NULL, "cluster_enabled:1\r\n" INFO_OF("7.0.15", "master"), "Redis Cluster" },
	};
	struct redis_store *store = *state;
	char info[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stranger stranger;
		const char *const options[] = { "host", stranger.address,  "command_timeout",
						"100",  "connect_timeout", "100",
						NULL };

		if (cases[i].info)
			bulk(info, sizeof(info), cases[i].info);
		stranger_start(&stranger, cases[i].info ? info : cases[i].raw);
		reopen(store, options);
		redis_store_hear(store, cases[i].reason);
		assert_null(strstr(fake_host_last_line(store->host), "secret"));
		assert_int_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).status,
				 PINTLE_UNAVAILABLE);
		stranger_stop(&stranger);
	}
}

static void warns_of_eviction(void **state)
{
	struct redis_store *store = *state;

	redis_server_run(&store->server, "CONFIG SET maxmemory-policy allkeys-lru");
	reopen(store, NULL);
	redis_store_recover(store);
	assert_int_equal(fake_host_logged(store->host, PINTLE_LOG_WARN), 0); /* without a bound */
	redis_server_run(&store->server, "CONFIG SET maxmemory 100mb");
	reopen(store, NULL);
	redis_store_recover(store);
	assert_int_equal(fake_host_logged(store->host, PINTLE_LOG_WARN), 1);
}

/* ---- What the server does to us ---- */

static void loads_forgotten_scripts_again(void **state)
{
	struct redis_store *store = *state;

	assert_int_equal(redis_store_op(store, PINTLE_KV_ADD, "a", "v").status, PINTLE_OK);
	redis_server_run(&store->server, "SCRIPT FLUSH");
	assert_string_equal(redis_store_op(store, PINTLE_KV_ADD, "a", "w").value, "v");
	assert_int_equal(redis_store_op(store, PINTLE_KV_TAKE, "a", NULL).status, PINTLE_OK);
	redis_server_run(&store->server, "SCRIPT FLUSH");
	assert_int_equal(kv_test_incr(&store->kv, "n", 2).number, 2);
	assert_int_equal(kv_test_incr(&store->kv, "n", 2).number, 4);
	assert_int_equal(fake_host_logged(store->host, PINTLE_LOG_WARN), 0);
}

static void full_server_is_unavailable(void **state)
{
	const struct pintle_kv_limit limit = { "l", 1, 100, 60000, 1, 0, 0 };
	struct redis_store *store = *state;

	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "a", "v").status, PINTLE_OK);
	redis_server_run(&store->server, "CONFIG SET maxmemory 1");
	assert_int_equal(redis_store_op(store, PINTLE_KV_SET, "b", "v").status, PINTLE_UNAVAILABLE);
	assert_int_equal(redis_store_op(store, PINTLE_KV_ADD, "b", "v").status, PINTLE_UNAVAILABLE);
	assert_int_equal(kv_test_incr(&store->kv, "n", 1).status, PINTLE_UNAVAILABLE);
	assert_int_equal(kv_test_limit(&store->kv, &limit, 1).status, PINTLE_UNAVAILABLE);
	assert_non_null(strstr(fake_host_last_line(store->host), "OOM"));
	assert_string_equal(redis_store_op(store, PINTLE_KV_GET, "a", NULL).value, "v");
	assert_string_equal(redis_store_op(store, PINTLE_KV_TAKE, "a", NULL).value, "v");
	redis_server_run(&store->server, "CONFIG SET maxmemory 0");
	assert_int_equal(redis_store_op(store, PINTLE_KV_ADD, "b", "v").status, PINTLE_OK);
	assert_int_equal(kv_test_incr(&store->kv, "n", 1).number, 1); /* nothing half done */
	assert_int_equal(kv_test_limit(&store->kv, &limit, 1).number, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ON_SERVER(name)                                                                            \
	cmocka_unit_test_setup_teardown(name, redis_store_setup, redis_store_teardown)
		ON_SERVER(takes_a_user_and_a_database),
		ON_SERVER(says_that_the_password_is_wrong),
		ON_SERVER(comes_by_a_unix_socket_and_by_name),
		ON_SERVER(refuses_what_is_no_address),
		ON_SERVER(uses_no_server_that_will_not_do),
		ON_SERVER(warns_of_eviction),
		ON_SERVER(loads_forgotten_scripts_again),
		ON_SERVER(full_server_is_unavailable),
	};
	int n_failed = contract();

	return n_failed + cmocka_run_group_tests(tests, NULL, NULL);
}
