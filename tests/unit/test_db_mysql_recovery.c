/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is well, or is well again: everybody is served at once, not only who asked first. */
#include "clock.h"
#include "mysql_store.h"

#include <arpa/inet.h>
#include <pintle/status.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define GIVE_UP_S 120 /* for the whole program: what hangs is ended by SIGALRM */
#define WAIT_MS 20000
#define SHORT_MS 200
#define LOOK_MS 10
#define N_AT_ONCE 6 /* fewer than the pool has */

static struct mysql_server server;

/* Until it is known that no server can be reached. */
static void wait_until_refused(const struct mysql_store *store)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	struct pintle_tx *tx;

	while (store->db.ops->begin(store->db.self, SHORT_MS, &tx) != PINTLE_UNAVAILABLE)
		assert_true(clock_mono_ms() < until_ms);
}

static void *begin_and_end(void *arg)
{
	const struct mysql_store *store = arg;
	struct pintle_tx *tx;
	int32_t status = store->db.ops->begin(store->db.self, DB_TEST_MS, &tx);

	if (status == PINTLE_OK)
		store->db.ops->rollback(store->db.self, tx);
	return (void *)(intptr_t)status;
}

static void start_all(struct mysql_store *store, pthread_t *threads, int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, begin_and_end, store), 0);
}

static void expect_served(const pthread_t *threads, int n)
{
	void *status;

	for (int i = 0; i < n; i++) {
		assert_int_equal(pthread_join(threads[i], &status), 0);
		assert_int_equal((intptr_t)status, PINTLE_OK);
	}
}

static void expect_all_served(struct mysql_store *store)
{
	pthread_t threads[N_AT_ONCE];

	start_all(store, threads, N_AT_ONCE);
	expect_served(threads, N_AT_ONCE);
}

static void a_connection_that_lived_on_is_proof_enough(void **state)
{
	struct mysql_store store = { 0 };
	struct pintle_tx *tx;

	(void)state;
	assert_true(mysql_store_open(&store, &server, NULL));
	assert_int_equal(store.db.ops->begin(store.db.self, DB_TEST_MS, &tx), PINTLE_OK);
	mysql_server_freeze(&server);
	wait_until_refused(&store);
	mysql_server_thaw(&server);
	assert_int_equal(store.db.ops->commit(store.db.self, tx), PINTLE_OK);
	expect_all_served(&store);
	mysql_store_close(&store);
}

/* An attempt that fails has a descriptor too, but not for so long. */
static bool wait_for_a_connection(const struct mysql_store *store, int n_before)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	int n_looks = 0;

	while (n_looks < 20 && clock_mono_ms() < until_ms) {
		fake_host_tick(store->host);
		(void)usleep(LOOK_MS * 1000);
		n_looks = mysql_store_descriptors() > n_before ? n_looks + 1 : 0;
	}
	return n_looks == 20;
}

static void a_server_is_looked_for_when_nobody_asks(void **state)
{
	struct mysql_store store = { 0 };
	int n_before;

	(void)state;
	assert_true(mysql_store_open(&store, &server, NULL));
	mysql_server_stop(&server);
	wait_until_refused(&store);
	n_before = mysql_store_descriptors();
	mysql_server_start(&server, "");
	assert_true(wait_for_a_connection(&store, n_before));
	expect_all_served(&store);
	mysql_store_close(&store);
}

/* ---- A server that is late for some ---- */

/* Leads the first who connects to the server, and keeps all others waiting. */
struct gate {
	int listener, inside, outside;
	char host[32];
	pthread_t thread;
};

static bool pass_on(int from, int to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	return n > 0 && write(to, bytes, (size_t)n) == n;
}

static void *lead_one(void *arg)
{
	struct gate *gate = arg;
	struct pollfd both[] = { { .fd = gate->inside, .events = POLLIN }, { .events = POLLIN } };
	bool is_open = true;

	gate->outside = both[1].fd = accept(gate->listener, NULL, NULL);
	while (is_open && poll(both, 2, -1) > 0) {
		for (int i = 0; i < 2 && is_open; i++)
			is_open = both[i].revents == 0 || pass_on(both[i].fd, both[1 - i].fd);
	}
	return NULL;
}

static void gate_open(struct gate *gate)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	gate->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	gate->inside = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(gate->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(gate->listener, N_AT_ONCE + 2), 0);
	assert_int_equal(getsockname(gate->listener, (struct sockaddr *)&at, &len), 0);
	(void)snprintf(gate->host, sizeof(gate->host), "127.0.0.1:%d", ntohs(at.sin_port));
	at.sin_port = htons((uint16_t)server.port);
	assert_int_equal(connect(gate->inside, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(pthread_create(&gate->thread, NULL, lead_one, gate), 0);
}

/* After the store, whose connection ended the thread. */
static void gate_close(struct gate *gate)
{
	assert_int_equal(pthread_join(gate->thread, NULL), 0);
	(void)close(gate->listener);
	(void)close(gate->inside);
	(void)close(gate->outside);
}

/* Whoever is kept waiting stays in the queue, also when they have given up. */
static void wait_for_an_attempt(const struct gate *gate)
{
	struct pollfd queue = { .fd = gate->listener, .events = POLLIN };

	assert_int_equal(poll(&queue, 1, WAIT_MS), 1);
}

/* Takes one out of the queue who has given up. */
static void forget_an_attempt(const struct gate *gate)
{
	int fd = accept(gate->listener, NULL, NULL);

	assert_true(fd >= 0);
	(void)close(fd);
}

static void wait_for_its_failure(const struct mysql_store *store)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS;

	while (!strstr(fake_host_last_line(store->host), "no answer"))
		assert_true(clock_mono_ms() < until_ms);
}

static void an_attempt_that_is_late_refuses_nobody(void **state)
{
	struct mysql_store store = { 0 };
	pthread_t threads[N_AT_ONCE];
	struct pintle_tx *tx;
	struct gate gate;

	(void)state;
	gate_open(&gate);
	assert_true(mysql_store_open(&store, &server, (const char *[]){ "host", gate.host, NULL }));
	tx = mysql_store_begin(&store);
	start_all(&store, threads, 1);
	wait_for_an_attempt(&gate);
	store.db.ops->rollback(store.db.self, tx); /* the server answers, meanwhile */
	expect_served(threads, 1);
	tx = mysql_store_begin(&store);
	wait_for_its_failure(&store);
	forget_an_attempt(&gate);
	start_all(&store, threads, N_AT_ONCE);
	wait_for_an_attempt(&gate);
	store.db.ops->rollback(store.db.self, tx);
	expect_served(threads, N_AT_ONCE);
	mysql_store_close(&store);
	gate_close(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attempt_that_is_late_refuses_nobody),
		cmocka_unit_test(a_connection_that_lived_on_is_proof_enough),
		cmocka_unit_test(a_server_is_looked_for_when_nobody_asks),
	};
	int n_failed;

	(void)alarm(GIVE_UP_S);
	mysql_server_start(&server, "");
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	mysql_server_thaw(&server);
	mysql_server_free(&server);
	return n_failed;
}
