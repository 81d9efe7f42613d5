/* SPDX-License-Identifier: Apache-2.0 */
/* Writes that fail half-way, and a log that must not grow for ever. */
#include "sqlite_store.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define N_MEMBERS 8
#define N_COMMITS 20000
#define PAGES "100"
/* 100 pages, four times of which a busy writer waits for a quiet moment, and some of one commit. */
#define LOG_MAX ((4 * 100 + 20) * (4096 + 24))

static off_t log_size(const struct sqlite_store *store)
{
	char path[256];
	struct stat st = { 0 };

	sqlite_store_path(store, "pintle.db-wal", path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* From here on no file can grow beyond max bytes. */
static struct rlimit limit_files(off_t max)
{
	struct rlimit old, small;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ (rlim_t)max, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	return old;
}

/* No room for the log: a fault for whoever writes, and all is well once there is room. */
static void full_disk_is_a_fault(void **state)
{
	struct sqlite_store *store = *state;
	struct rlimit old;
	int32_t status = PINTLE_OK;
	char name[24];
	int n_added = 0;

	db_test_make_table(&store->db);
	old = limit_files(1 << 20);
	while (status == PINTLE_OK && n_added < 1000) {
		(void)snprintf(name, sizeof(name), "%d", n_added);
		status = db_test_add(&store->db, NULL, name);
		n_added += status == PINTLE_OK;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(status, PINTLE_UNAVAILABLE);
	assert_int_equal(db_test_count(&store->db), n_added);
	assert_int_equal(db_test_add(&store->db, NULL, "after"), PINTLE_OK);
	assert_int_equal(db_test_count(&store->db), n_added + 1);
}

struct member {
	const struct db_under_test *db;
	_Atomic int tid;
	int number;
	int32_t status;
};

static void *be_member(void *arg)
{
	struct member *member = arg;
	const struct db_under_test *db = member->db;
	struct pintle_tx *tx;
	char name[24];

	(void)snprintf(name, sizeof(name), "member %d", member->number);
	atomic_store(&member->tid, gettid());
	member->status = db->ops->begin(db->self, DB_TEST_MS, &tx);
	if (member->status == PINTLE_OK)
		member->status = db_test_add(db, tx, name);
	if (member->status == PINTLE_OK)
		member->status = db->ops->commit(db->self, tx);
	return NULL;
}

/* Whether the thread waits, which in begin can only be for its turn. */
static bool is_asleep(const struct member *member)
{
	int tid = atomic_load(&member->tid);
	char path[64], text[256] = "";
	const char *after_name;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = tid ? fopen(path, "re") : NULL;
	if (!file)
		return false;
	(void)!fgets(text, sizeof(text), file);
	(void)fclose(file);
	after_name = strrchr(text, ')');
	return after_name && after_name[1] == ' ' && after_name[2] == 'S';
}

static int32_t commit_with_members(const struct db_under_test *db, struct member *members,
				   off_t max_size)
{
	pthread_t threads[N_MEMBERS];
	struct pintle_tx *tx;
	struct rlimit old;
	int32_t status;

	assert_int_equal(db->ops->begin(db->self, DB_TEST_MS, &tx), PINTLE_OK);
	assert_int_equal(db_test_add(db, tx, "leader"), PINTLE_OK);
	for (int i = 0; i < N_MEMBERS; i++) {
		members[i] = (struct member){ .db = db, .number = i };
		(void)pthread_create(&threads[i], NULL, be_member, &members[i]);
	}
	for (int i = 0; i < N_MEMBERS; i++)
		while (!is_asleep(&members[i]))
			;
	old = limit_files(max_size);
	status = db->ops->commit(db->self, tx);
	for (int i = 0; i < N_MEMBERS; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	return status;
}

/* Everybody in the group is told of the fault, and nothing of the group is kept. */
static void a_failing_commit_fails_all_its_members(void **state)
{
	struct sqlite_store *store = *state;
	struct member members[N_MEMBERS];

	db_test_make_table(&store->db);
	assert_int_equal(commit_with_members(&store->db, members, log_size(store)),
			 PINTLE_UNAVAILABLE);
	for (int i = 0; i < N_MEMBERS; i++)
		if (members[i].status != PINTLE_UNAVAILABLE)
			fail_msg("member %d was told %d", i, members[i].status);
	assert_int_equal(db_test_count(&store->db), 0);
	assert_int_equal(commit_with_members(&store->db, members, 1 << 30), PINTLE_OK);
	for (int i = 0; i < N_MEMBERS; i++)
		assert_int_equal(members[i].status, PINTLE_OK);
	assert_int_equal(db_test_count(&store->db), N_MEMBERS + 1);
}

/* The log ends in the middle of a page of the commit, as after a loss of power. */
static void an_interrupted_write_is_not_there(void **state)
{
	struct sqlite_store *store = *state;
	const struct db_under_test *db = &store->db;
	struct pintle_tx *tx;
	struct rlimit old;
	char name[24];
	off_t before;

	db_test_make_table(db);
	assert_int_equal(db_test_add(db, NULL, "kept"), PINTLE_OK);
	before = log_size(store);
	assert_int_equal(db->ops->begin(db->self, DB_TEST_MS, &tx), PINTLE_OK);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "lost %d", i);
		assert_int_equal(db_test_add(db, tx, name), PINTLE_OK);
	}
	old = limit_files(before + 3 * 4120 + 1000);
	assert_int_equal(db->ops->commit(db->self, tx), PINTLE_UNAVAILABLE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(log_size(store) > before);
	assert_int_equal(db_test_count(db), 1);
	sqlite_store_close(store);
	assert_true(sqlite_store_open(store, NO_CHECKPOINT));
	assert_int_equal(db_test_count(&store->db), 1);
	assert_int_equal(db_test_add(&store->db, NULL, "after"), PINTLE_OK);
	assert_int_equal(db_test_count(&store->db), 2);
}

/* In memory, since so many syncs of a disk would take a minute. */
static int setup_in_memory(void **state)
{
	struct sqlite_store *store = calloc(1, sizeof(*store));

	store->dir = strdup("/dev/shm/pintle-test-XXXXXX");
	*state = store;
	return mkdtemp(store->dir) && sqlite_store_open(store, PAGES) ? 0 : -1;
}

static void the_log_stays_small(void **state)
{
	struct sqlite_store *store = *state;
	off_t largest = 0;
	char name[24];

	db_test_make_table(&store->db);
	for (int i = 0; i < N_COMMITS; i++) {
		off_t size;

		(void)snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(db_test_add(&store->db, NULL, name), PINTLE_OK);
		size = i % 64 == 0 ? log_size(store) : 0;
		largest = size > largest ? size : largest;
	}
	if (largest > LOG_MAX)
		fail_msg("the log grew to %lld bytes, not %d", (long long)largest, LOG_MAX);
	assert_int_equal(db_test_count(&store->db), N_COMMITS);
}

#define WITH_STORE(test)                                                                           \
	cmocka_unit_test_setup_teardown(test, sqlite_store_setup, sqlite_store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(full_disk_is_a_fault),
		WITH_STORE(a_failing_commit_fails_all_its_members),
		WITH_STORE(an_interrupted_write_is_not_there),
		cmocka_unit_test_setup_teardown(the_log_stays_small, setup_in_memory,
						sqlite_store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
