/* SPDX-License-Identifier: Apache-2.0 */
/* Several servers in order of preference: who is left, who is used, and when one goes back. */
#include "clock.h"
#include "mysql_store.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define GIVE_UP_S 120 /* for the whole program: what hangs is ended by SIGALRM */
#define WAIT_MS 20000

static struct mysql_server server, other;

static bool open_on_both(struct mysql_store *both, const struct mysql_store *one, const char *user)
{
	char hosts[64], sql[80];
	const char *const options[] = {
		"host", hosts, "connect_timeout", "300", "user", user, NULL
	};

	(void)snprintf(hosts, sizeof(hosts), "127.0.0.1:%d, 127.0.0.1:%d", server.port, other.port);
	(void)snprintf(sql, sizeof(sql), "CREATE DATABASE IF NOT EXISTS %s", one->name);
	mysql_server_tell(&other, sql);
	return mysql_store_beside(both, one, options);
}

static void wait_for_port(const struct mysql_store *store, int port)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS, seen = 0;

	while (seen != port) {
		fake_host_tick(store->host);
		(void)db_test_run(&store->db, NULL, "SELECT @@port", &seen);
		if (clock_mono_ms() > until_ms)
			fail_msg("at port %d, not %d: %s", (int)seen, port,
				 fake_host_last_line(store->host));
		(void)usleep(10000);
	}
}

static void the_next_server_steps_in_and_out(void **state)
{
	struct mysql_store both;

	assert_true(open_on_both(&both, *state, "pintle"));
	wait_for_port(&both, server.port);
	mysql_server_stop(&server);
	wait_for_port(&both, other.port);
	mysql_server_start(&server, "");
	wait_for_port(&both, server.port);
	mysql_server_freeze(&server);
	wait_for_port(&both, other.port);
	mysql_server_thaw(&server);
	wait_for_port(&both, server.port);
	mysql_store_close(&both);
}

static void make_plain_user(const struct mysql_server *where, const char *database)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
		       "CREATE USER IF NOT EXISTS plain@127.0.0.1 IDENTIFIED BY 'pintle';"
		       "GRANT ALL ON %s.* TO plain@127.0.0.1",
		       database);
	mysql_server_tell(where, sql);
}

/* A user with few rights is told so by its first write, one with many only when it connects. */
static void a_server_that_became_read_only_is_left(void **state)
{
	struct mysql_store *store = *state, both, admin;

	assert_true(open_on_both(&both, store, "plain"));
	assert_true(open_on_both(&admin, store, "pintle"));
	make_plain_user(&server, store->name);
	make_plain_user(&other, store->name);
	wait_for_port(&both, server.port);
	mysql_server_tell(&server, "SET GLOBAL read_only = 1");
	wait_for_port(&admin, other.port);
	assert_int_equal(db_test_add(&both.db, NULL, "x"), PINTLE_UNAVAILABLE);
	wait_for_port(&both, other.port);
	mysql_server_tell(&server, "SET GLOBAL read_only = 0");
	wait_for_port(&both, server.port);
	mysql_store_close(&admin);
	mysql_store_close(&both);
}

#define WITH_STORE(test) MYSQL_STORE_TEST(test, &server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(the_next_server_steps_in_and_out),
		WITH_STORE(a_server_that_became_read_only_is_left),
	};
	int n_failed;

	(void)alarm(GIVE_UP_S);
	mysql_server_start(&server, "");
	mysql_server_start(&other, "");
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	mysql_server_thaw(&server);
	mysql_server_free(&server);
	mysql_server_free(&other);
	return n_failed;
}
