/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is well again: everybody is served at once, not only who asked first. */
#include "clock.h"
#include "mysql_store.h"

#include <pintle/status.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
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

static void expect_all_served(struct mysql_store *store)
{
	pthread_t threads[N_AT_ONCE];
	void *status;

	for (int i = 0; i < N_AT_ONCE; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, begin_and_end, store), 0);
	for (int i = 0; i < N_AT_ONCE; i++) {
		assert_int_equal(pthread_join(threads[i], &status), 0);
		assert_int_equal((intptr_t)status, PINTLE_OK);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
