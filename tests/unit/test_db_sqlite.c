/* SPDX-License-Identifier: Apache-2.0 */
#include "db_contract.h"
#include "fake_host.h"

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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define N_PROCESSES 2
#define N_THREADS 8
#define N_ROWS 40
#define NO_CHECKPOINT "1000000"

struct store {
	char *dir;
	struct fake_host *host;
	const struct pintle_plugin *plugin;
	struct db_under_test db;
};

static bool store_open(struct store *store)
{
	static const char *const options[] = { "checkpoint_pages", NO_CHECKPOINT, NULL };

	store->host = fake_host_new(store->dir);
	store->plugin = fake_plugin_load("db_sqlite");
	store->db.ops = store->plugin->db;
	store->db.self = fake_plugin_open(store->host, store->plugin, options);
	return store->db.self != NULL;
}

static void store_close(struct store *store)
{
	store->plugin->close(store->db.self);
	fake_host_free(store->host);
	store->host = NULL;
}

static int setup(void **state)
{
	struct store *store = calloc(1, sizeof(*store));

	store->dir = fake_dir_new();
	*state = store;
	return store_open(store) ? 0 : -1;
}

static int teardown(void **state)
{
	struct store *store = *state;

	if (store->host)
		store_close(store);
	fake_dir_free(store->dir);
	free(store);
	return 0;
}

static void path_of(const struct store *store, const char *name, char out[256])
{
	(void)snprintf(out, 256, "%s/%s", store->dir, name);
}

/* Transactions in the log: a frame says the size of the file when it ends one. */
static int count_commits(const struct store *store)
{
	unsigned char head[24], page_size_be[4];
	char path[256];
	int n_commits = 0;
	off_t at = 32, page_size;
	int fd;

	path_of(store, "pintle.db-wal", path);
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
	struct store store = { .dir = (char *)(uintptr_t)dir };
	pid_t pid = fork();
	int n_faults;

	if (pid != 0)
		return pid;
	if (!store_open(&store))
		_exit(101);
	n_faults = write_with_threads(&store.db, process, n_rows, n_acknowledged);
	store_close(&store);
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
	struct store *store = *state;
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
	struct store *store = *state;
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
	struct store *store = *state;
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
	struct store *store = *state;
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

static void begin_times_out_while_held(void **state)
{
	struct store *store = *state;
	const struct db_under_test *db = &store->db;
	struct pintle_tx *held, *other = NULL;

	assert_int_equal(db->ops->begin(db->self, DB_TEST_MS, &held), PINTLE_OK);
	assert_int_equal(db->ops->begin(db->self, 20, &other), PINTLE_TIMEOUT);
	assert_null(other);
	db->ops->rollback(db->self, held);
	assert_int_equal(db->ops->begin(db->self, DB_TEST_MS, &other), PINTLE_OK);
	db->ops->rollback(db->self, other);
}

static void late_commit_keeps_nothing(void **state)
{
	struct store *store = *state;
	const struct db_under_test *db = &store->db;
	struct pintle_tx *tx;

	db_test_make_table(db);
	assert_int_equal(db->ops->begin(db->self, 1, &tx), PINTLE_OK);
	assert_int_equal(db_test_add(db, tx, "late"), PINTLE_OK);
	for (int64_t until = fake_host_table(store->host)->mono_ms() + 2;
	     fake_host_table(store->host)->mono_ms() < until;)
		;
	assert_int_equal(db->ops->commit(db->self, tx), PINTLE_TIMEOUT);
	assert_int_equal(db_test_count(db), 0);
}

static void write_file(const struct store *store, const char *name, const void *bytes, size_t len)
{
	char path[256];
	int fd;

	path_of(store, name, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), len);
	close(fd);
}

static void refuses_what_is_no_database(void **state)
{
	struct store *store = *state;

	store_close(store);
	write_file(store, "pintle.db", "once upon a time there was", 26);
	assert_false(store_open(store));
	assert_non_null(strstr(fake_host_reason(store->host), "is not an SQLite database"));
}

/* The head is right and the rest is not: found at first use, said once, never a crash. */
static void refuses_a_broken_database(void **state)
{
	struct store *store = *state;
	unsigned char junk[4096];

	db_test_make_table(&store->db);
	store_close(store);
	memset(junk, 0xa5, sizeof(junk));
	memcpy(junk, "SQLite format 3", 16);
	write_file(store, "pintle.db", junk, sizeof(junk));
	write_file(store, "pintle.db-wal", junk, sizeof(junk));
	assert_true(store_open(store));
	assert_int_equal(store->db.ops->ping(store->db.self, DB_TEST_MS), PINTLE_UNAVAILABLE);
	assert_int_equal(db_test_add(&store->db, NULL, "x"), PINTLE_UNAVAILABLE);
	assert_int_equal(fake_host_logged(store->host, PINTLE_LOG_ERROR), 1);
}

static void refuses_a_link(void **state)
{
	struct store *store = *state;
	char path[256];

	store_close(store);
	path_of(store, "pintle.db", path);
	assert_int_equal(symlink("elsewhere.db", path), 0);
	assert_false(store_open(store));
	assert_non_null(strstr(fake_host_reason(store->host), "symbolic link"));
	assert_int_equal(unlink(path), 0);
	fake_host_free(store->host);
	assert_true(store_open(store));
	assert_int_equal(store->db.ops->ping(store->db.self, DB_TEST_MS), PINTLE_OK);
}

static void file_is_private_and_noticed_when_replaced(void **state)
{
	struct store *store = *state;
	char path[256];
	struct stat st;

	path_of(store, "pintle.db", path);
	assert_int_equal(store->db.ops->ping(store->db.self, DB_TEST_MS), PINTLE_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store->db.ops->ping(store->db.self, DB_TEST_MS), PINTLE_UNAVAILABLE);
}

/* No room for the log: a fault for whoever writes, and all is well once there is room. */
static void full_disk_is_a_fault(void **state)
{
	struct store *store = *state;
	struct rlimit old, small;
	int32_t status = PINTLE_OK;
	char name[24];
	int n_added = 0;

	db_test_make_table(&store->db);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 1 << 20, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
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

static void foreign_keys_hold(void **state)
{
	struct store *store = *state;
	const struct db_under_test *db = &store->db;

	db_test_make_table(db);
	assert_int_equal(
		db_test_run(db, NULL, "CREATE TABLE c (t_id INTEGER REFERENCES t (id))", NULL),
		PINTLE_OK);
	assert_int_equal(db_test_run(db, NULL, "INSERT INTO c VALUES (1)", NULL), PINTLE_INTERNAL);
	assert_int_equal(db_test_add(db, NULL, "one"), PINTLE_OK);
	assert_int_equal(db_test_run(db, NULL, "INSERT INTO c VALUES (1)", NULL), PINTLE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(processes_share_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(writers_share_a_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_a_killed_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(failing_member_undoes_only_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(begin_times_out_while_held, setup, teardown),
		cmocka_unit_test_setup_teardown(late_commit_keeps_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_database, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_broken_database, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(file_is_private_and_noticed_when_replaced, setup,
						teardown),
		cmocka_unit_test_setup_teardown(full_disk_is_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_keys_hold, setup, teardown),
	};
	struct store store = { .dir = fake_dir_new() };
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (!store_open(&store))
		return 1;
	n_failed += db_contract_run(&store.db);
	store_close(&store);
	fake_dir_free(store.dir);
	return n_failed;
}
