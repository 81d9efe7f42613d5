/* SPDX-License-Identifier: Apache-2.0 */
/* Many writers: threads and processes share the file, and threads a commit. */
#include "sqlite_store.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define N_PROCESSES 2
#define N_THREADS 8
#define N_ROWS 40

/* Transactions in the log: a frame says the size of the file when it ends one. */
static int count_commits(const struct sqlite_store *store)
{
	unsigned char head[24], page_size_be[4];
	char path[256];
	int n_commits = 0;
	off_t at = 32, page_size;
	int fd;

	sqlite_store_path(store, "pintle.db-wal", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, page_size_be, 4, 8), 4);
	page_size = page_size_be[2] << 8 | page_size_be[3];
	for (; pread(fd, head, sizeof(head), at) == (ssize_t)sizeof(head); at += 24 + page_size)
		n_commits += memcmp(head + 4, "\0\0\0\0", 4) != 0;
	close(fd);
	return n_commits;
}

struct writing {
	const struct db_under_test *db;
	int process, number, n_rows;
	_Atomic int *n_acknowledged;
	int n_faults;
};

static void *write_rows(void *arg)
{
	struct writing *writing = arg;

	for (int i = 0; i < writing->n_rows; i++) {
		char name[48];

		(void)snprintf(name, sizeof(name), "%d-%d-%d", writing->process, writing->number,
			       i);
		if (db_test_add(writing->db, NULL, name) == PINTLE_OK)
			(*writing->n_acknowledged)++;
		else
			writing->n_faults++;
	}
	return NULL;
}

/* In a child: writes with all threads; how many statements failed. */
static int write_with_threads(const struct db_under_test *db, int process, int n_rows,
			      _Atomic int *n_acknowledged)
{
	struct writing writings[N_THREADS];
	pthread_t threads[N_THREADS];
	int n_faults = 0;

	for (int i = 0; i < N_THREADS; i++) {
		writings[i] = (struct writing){ db, process, i, n_rows, n_acknowledged, 0 };
		(void)pthread_create(&threads[i], NULL, write_rows, &writings[i]);
	}
	for (int i = 0; i < N_THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		n_faults += writings[i].n_faults;
	}
	return n_faults;
}

static pid_t fork_writer(const char *dir, int process, int n_rows, _Atomic int *n_acknowledged)
{
	struct sqlite_store store = { .dir = (char *)(uintptr_t)dir };
	pid_t pid = fork();
	int n_faults;

	if (pid != 0)
		return pid;
	if (!sqlite_store_open(&store, NO_CHECKPOINT))
		_exit(101);
	n_faults = write_with_threads(&store.db, process, n_rows, n_acknowledged);
	sqlite_store_close(&store);
	_exit(n_faults < 100 ? n_faults : 100);
}

static _Atomic int *shared_counter(void)
{
	void *map = mmap(NULL, sizeof(_Atomic int), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(map != MAP_FAILED);
	return map;
}

static void processes_share_the_file(void **state)
{
	struct sqlite_store *store = *state;
	_Atomic int *n_acknowledged = shared_counter();
	pid_t pids[N_PROCESSES];
	int how;

	db_test_make_table(&store->db);
	for (int i = 0; i < N_PROCESSES; i++)
		pids[i] = fork_writer(store->dir, i, N_ROWS, n_acknowledged);
	for (int i = 0; i < N_PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &how, 0), pids[i]);
		assert_true(WIFEXITED(how));
		assert_int_equal(WEXITSTATUS(how), 0);
	}
	assert_int_equal(*n_acknowledged, N_PROCESSES * N_THREADS * N_ROWS);
	assert_int_equal(db_test_count(&store->db), *n_acknowledged);
}

static void writers_share_a_commit(void **state)
{
	struct sqlite_store *store = *state;
	_Atomic int n_acknowledged = 0;
	int n_before;

	db_test_make_table(&store->db);
	n_before = count_commits(store);
	assert_int_equal(write_with_threads(&store->db, 0, N_ROWS, &n_acknowledged), 0);
	assert_int_equal(n_acknowledged, N_THREADS * N_ROWS);
	assert_true(count_commits(store) - n_before > 0);
	assert_true(count_commits(store) - n_before < n_acknowledged);
}

/* Killed in the middle: the others go on, and what it was told is there. */
static void survives_a_killed_writer(void **state)
{
	struct sqlite_store *store = *state;
	int64_t n_kept;

	db_test_make_table(&store->db);
	for (int round = 0; round < 5; round++) {
		_Atomic int *n_acknowledged = shared_counter();
		int64_t n_before = db_test_count(&store->db);
		pid_t pid = fork_writer(store->dir, round, 1000000, n_acknowledged);

		while (*n_acknowledged < 50 + round * 7)
			assert_int_equal(db_test_run(&store->db, NULL, "SELECT 1", NULL),
					 PINTLE_OK);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		n_kept = db_test_count(&store->db) - n_before;
		if (n_kept < *n_acknowledged)
			fail_msg("round %d: %ld rows of %d", round, (long)n_kept, *n_acknowledged);
		assert_int_equal(db_test_run(&store->db, NULL, "DELETE FROM t WHERE id > 0", NULL),
				 PINTLE_OK);
	}
}

struct member {
	const struct db_under_test *db;
	const char *name;
	bool fails;
	int32_t status;
};

static void *be_member(void *arg)
{
	struct member *member = arg;
	const struct db_under_test *db = member->db;
	struct pintle_tx *tx;

	member->status = db->ops->begin(db->self, DB_TEST_MS, &tx);
	if (member->status != PINTLE_OK)
		return NULL;
	member->status = db_test_add(db, tx, member->name);
	if (member->fails)
		db->ops->rollback(db->self, tx);
	else
		member->status = db->ops->commit(db->self, tx);
	return NULL;
}

/* One that holds the turn makes the rest queue, so that they form groups with failing members. */
static void failing_member_undoes_only_itself(void **state)
{
	struct sqlite_store *store = *state;
	struct member members[N_THREADS];
	pthread_t threads[N_THREADS];
	struct pintle_tx *tx;
	char names[N_THREADS][24];

	db_test_make_table(&store->db);
	for (int round = 0; round < 20; round++) {
		assert_int_equal(store->db.ops->begin(store->db.self, DB_TEST_MS, &tx), PINTLE_OK);
		for (int i = 0; i < N_THREADS; i++) {
			(void)snprintf(names[i], sizeof(names[i]), "%d-%d", round, i);
			members[i] = (struct member){ &store->db, names[i], i % 2 == 1, 0 };
			(void)pthread_create(&threads[i], NULL, be_member, &members[i]);
		}
		assert_int_equal(store->db.ops->commit(store->db.self, tx), PINTLE_OK);
		for (int i = 0; i < N_THREADS; i++) {
			(void)pthread_join(threads[i], NULL);
			assert_int_equal(members[i].status, PINTLE_OK);
		}
		assert_int_equal(db_test_count(&store->db), (round + 1) * (N_THREADS / 2));
	}
}

#define WITH_STORE(test)                                                                           \
	cmocka_unit_test_setup_teardown(test, sqlite_store_setup, sqlite_store_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(processes_share_the_file),
		WITH_STORE(writers_share_a_commit),
		WITH_STORE(survives_a_killed_writer),
		WITH_STORE(failing_member_undoes_only_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
