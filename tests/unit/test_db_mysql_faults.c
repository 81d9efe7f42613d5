/* SPDX-License-Identifier: Apache-2.0 */
/* A server that stands still, dies, comes back, or is none. */
#include "clock.h"
#include "mysql_store.h"

#include <arpa/inet.h>
#include <pintle/status.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define GIVE_UP_S 120 /* for the whole program: what hangs is ended by SIGALRM */
#define WAIT_MS 20000
#define SHORT_MS 200
#define POOL 8 /* connections, by default */

static struct mysql_server server;

static int32_t ping(const struct mysql_store *store, int64_t timeout_ms)
{
	return store->db.ops->ping(store->db.self, timeout_ms);
}

static bool is_down(int32_t status)
{
	return status == PINTLE_TIMEOUT || status == PINTLE_UNAVAILABLE;
}

/* What answers soon again, does so within WAIT_MS. */
static void wait_until_up(const struct mysql_store *store)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	int32_t status;

	while ((status = ping(store, SHORT_MS)) != PINTLE_OK) {
		if (clock_mono_ms() > until_ms)
			fail_msg("status %d: %s", status, fake_host_last_line(store->host));
		(void)usleep(10000);
	}
}

static int32_t ask_within(const struct mysql_store *store, struct pintle_tx *tx, const char *sql,
			  int64_t timeout_ms)
{
	const struct pintle_query query = { .size = sizeof(query),
					    .sql = sql,
					    .timeout_ms = timeout_ms };

	return store->db.ops->query(store->db.self, tx, &query);
}

/* ---- A server that stands still ---- */

/* With as many connections as there will ever be. */
static int n_descriptors_of_full_pool(const struct mysql_store *store)
{
	struct pintle_tx *all[POOL];
	int n;

	for (int i = 0; i < POOL; i++)
		all[i] = mysql_store_begin(store);
	n = mysql_store_descriptors();
	for (int i = 0; i < POOL; i++)
		store->db.ops->rollback(store->db.self, all[i]);
	return n;
}

static void what_stands_still_costs_the_time_out(void **state)
{
	struct mysql_store *store = *state;
	struct pintle_tx *tx, *late = NULL;
	int n_before;

	assert_int_equal(db_test_add(&store->db, NULL, "kept"), PINTLE_OK);
	n_before = n_descriptors_of_full_pool(store);
	tx = mysql_store_begin(store);
	assert_int_equal(db_test_add(&store->db, tx, "lost"), PINTLE_OK);
	mysql_server_freeze(&server);
	assert_int_equal(ask_within(store, tx, "SELECT id FROM t", SHORT_MS), PINTLE_TIMEOUT);
	assert_int_equal(store->db.ops->commit(store->db.self, tx), PINTLE_TIMEOUT);
	for (int i = 0; i < 20; i++) {
		assert_true(is_down(ask_within(store, NULL, "SELECT id FROM t", SHORT_MS)));
		assert_true(is_down(store->db.ops->begin(store->db.self, SHORT_MS, &late)));
	}
	mysql_server_thaw(&server);
	wait_until_up(store);
	assert_int_equal(db_test_count(&store->db), 1);
	assert_int_equal(n_descriptors_of_full_pool(store), n_before);
}

static void a_commit_without_an_answer_is_a_fault(void **state)
{
	struct mysql_store *store = *state;
	struct pintle_tx *tx = NULL;
	int32_t status;

	assert_int_equal(store->db.ops->begin(store->db.self, 1000, &tx), PINTLE_OK);
	assert_int_equal(db_test_add(&store->db, tx, "x"), PINTLE_OK);
	mysql_server_freeze(&server);
	status = store->db.ops->commit(store->db.self, tx);
	mysql_server_thaw(&server);
	assert_int_equal(status, PINTLE_TIMEOUT);
	wait_until_up(store);
	assert_true(db_test_count(&store->db) <= 1);
}

/* The server gives up what nobody waits for. */
static void a_slow_statement_ends_in_the_server_too(void **state)
{
	struct mysql_store *store = *state;
	int64_t until_ms = clock_mono_ms() + WAIT_MS, n_left = 1;

	assert_int_equal(ask_within(store, NULL, "SELECT sleep(600)", SHORT_MS), PINTLE_TIMEOUT);
	while (n_left > 0 && clock_mono_ms() < until_ms) {
		assert_int_equal(db_test_run(&store->db, NULL,
					     "SELECT count(*) FROM information_schema.processlist "
					     "WHERE db = DATABASE() AND info LIKE 'SELECT sleep%'",
					     &n_left),
				 PINTLE_OK);
		(void)usleep(10000);
	}
	assert_int_equal(n_left, 0);
	/* And one that takes long because it may is not ended. */
	assert_int_equal(ask_within(store, NULL, "SELECT sleep(2.2)", 10000), PINTLE_OK);
}

/* ---- Connections that are gone ---- */

/* Ends every connection of the user that tests have, and waits until they are gone. */
static void cut_all(const struct mysql_store *store)
{
	char command[512];
	long n_left = 1;

	mysql_server_tell(store->server, "KILL CONNECTION USER pintle@127.0.0.1");
	(void)snprintf(command, sizeof(command),
		       "exec mariadb --no-defaults -N --user=root --socket=%s --execute=\""
		       "SELECT count(*) FROM information_schema.processlist "
		       "WHERE user = 'pintle'\"",
		       store->server->socket);
	while (n_left > 0) {
		FILE *told = popen(command, "re");

		assert_non_null(told);
		assert_int_equal(fscanf(told, "%ld", &n_left), 1);
		assert_int_equal(pclose(told), 0);
	}
}

static void a_connection_cut_while_idle_is_replaced(void **state)
{
	struct mysql_store *store = *state;
	struct pintle_tx *tx;

	tx = mysql_store_begin(store); /* two of them */
	assert_int_equal(ping(store, DB_TEST_MS), PINTLE_OK);
	store->db.ops->rollback(store->db.self, tx);
	cut_all(store);
	assert_int_equal(db_test_add(&store->db, NULL, "x"), PINTLE_OK);
	cut_all(store);
	tx = mysql_store_begin(store);
	assert_int_equal(db_test_add(&store->db, tx, "y"), PINTLE_OK);
	assert_int_equal(store->db.ops->commit(store->db.self, tx), PINTLE_OK);
	assert_int_equal(db_test_count(&store->db), 2);
}

static void a_connection_cut_in_a_transaction_is_a_fault(void **state)
{
	struct mysql_store *store = *state;
	struct pintle_tx *tx = mysql_store_begin(store);

	assert_int_equal(db_test_add(&store->db, tx, "x"), PINTLE_OK);
	cut_all(store);
	assert_int_equal(db_test_add(&store->db, tx, "y"), PINTLE_UNAVAILABLE);
	assert_int_equal(db_test_run(&store->db, tx, "SELECT 1", NULL), PINTLE_UNAVAILABLE);
	assert_int_equal(store->db.ops->commit(store->db.self, tx), PINTLE_UNAVAILABLE);
	tx = mysql_store_begin(store);
	assert_int_equal(db_test_add(&store->db, tx, "z"), PINTLE_OK);
	cut_all(store);
	assert_int_equal(store->db.ops->commit(store->db.self, tx), PINTLE_UNAVAILABLE);
	assert_int_equal(db_test_count(&store->db), 0);
}

static void a_lock_goes_with_its_connection(void **state)
{
	struct mysql_store *store = *state;
	void *first = NULL, *second = NULL;

	assert_int_equal(store->db.ops->lock(store->db.self, "steps", DB_TEST_MS, &first),
			 PINTLE_OK);
	assert_int_equal(store->db.ops->lock(store->db.self, "steps", SHORT_MS, &second),
			 PINTLE_TIMEOUT);
	cut_all(store);
	assert_int_equal(store->db.ops->lock(store->db.self, "steps", DB_TEST_MS, &second),
			 PINTLE_OK);
	store->db.ops->unlock(store->db.self, first);
	store->db.ops->unlock(store->db.self, second);
}

static void a_server_that_was_restarted_is_found_again(void **state)
{
	struct mysql_store *store = *state;

	assert_int_equal(db_test_add(&store->db, NULL, "x"), PINTLE_OK);
	mysql_server_stop(&server);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ping(store, DB_TEST_MS), PINTLE_UNAVAILABLE);
	assert_int_equal(db_test_add(&store->db, NULL, "y"), PINTLE_UNAVAILABLE);
	mysql_server_start(&server, "");
	wait_until_up(store);
	assert_int_equal(db_test_count(&store->db), 1);
}

/* ---- What only looks like a server ---- */

struct trickler {
	int fd;
	atomic_bool is_over;
};

/* A byte of a greeting now and then, to one after the other: 74 bytes, protocol 10, and a version that
 * does not end. */
static void *trickle(void *arg)
{
	static const char head[] = { 0x4a, 0, 0, 0, 0x0a };
	struct trickler *trickler = arg;

	while (!atomic_load(&trickler->is_over)) {
		int fd = accept(trickler->fd, NULL, NULL);
		size_t n_sent = 0;

		while (fd >= 0 && !atomic_load(&trickler->is_over) &&
		       send(fd, n_sent < sizeof(head) ? &head[n_sent] : "5", 1, MSG_NOSIGNAL) ==
			       1) {
			n_sent++;
			(void)usleep(20000);
		}
		if (fd >= 0)
			(void)close(fd);
	}
	return NULL;
}

static int listen_somewhere(int *port_out)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port_out = ntohs(address.sin_port);
	return fd;
}

static void expect_down_at(const struct mysql_store *beside, int port)
{
	char text[8];
	const char *const options[] = { "port", text, "connect_timeout", "150", NULL };
	struct mysql_store store;
	struct pintle_tx *tx = NULL;

	(void)snprintf(text, sizeof(text), "%d", port);
	assert_true(mysql_store_beside(&store, beside, options));
	for (int i = 0; i < 5; i++) {
		assert_true(is_down(ping(&store, SHORT_MS)));
		assert_true(is_down(store.db.ops->begin(store.db.self, SHORT_MS, &tx)));
	}
	mysql_store_close(&store);
}

static void a_silent_listener_is_no_server(void **state)
{
	int port, fd = listen_somewhere(&port);

	expect_down_at(*state, port);
	(void)close(fd);
}

static void a_trickle_is_no_server(void **state)
{
	struct trickler trickler = { 0 };
	pthread_t thread;
	int port;

	trickler.fd = listen_somewhere(&port);
	assert_int_equal(pthread_create(&thread, NULL, trickle, &trickler), 0);
	expect_down_at(*state, port);
	atomic_store(&trickler.is_over, true);
	(void)shutdown(trickler.fd, SHUT_RDWR);
	(void)pthread_join(thread, NULL);
	(void)close(trickler.fd);
}

static void a_name_nobody_has_is_no_server(void **state)
{
	const char *const options[] = { "host", "db.invalid", NULL };
	struct mysql_store store;

	assert_true(mysql_store_beside(&store, *state, options));
	assert_true(is_down(ping(&store, SHORT_MS)));
	mysql_store_close(&store);
}

#define WITH_STORE(test) MYSQL_STORE_TEST(test, &server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(what_stands_still_costs_the_time_out),
		WITH_STORE(a_commit_without_an_answer_is_a_fault),
		WITH_STORE(a_slow_statement_ends_in_the_server_too),
		WITH_STORE(a_connection_cut_while_idle_is_replaced),
		WITH_STORE(a_connection_cut_in_a_transaction_is_a_fault),
		WITH_STORE(a_lock_goes_with_its_connection),
		WITH_STORE(a_server_that_was_restarted_is_found_again),
		WITH_STORE(a_silent_listener_is_no_server),
		WITH_STORE(a_trickle_is_no_server),
		WITH_STORE(a_name_nobody_has_is_no_server),
	};
	int n_failed;

	(void)alarm(GIVE_UP_S);
	mysql_server_start(&server, "");
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	mysql_server_thaw(&server);
	mysql_server_free(&server);
	return n_failed;
}
