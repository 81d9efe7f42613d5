/* SPDX-License-Identifier: Apache-2.0 */
#include "kv_lmdb_store.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define N_THREADS 4
#define MINUTE_MS 60000

static void *count_up(void *arg)
{
	for (int i = 0; i < 250; i++)
		assert_int_equal(kv_test_incr(arg, "n:threads", 1).status, PINTLE_OK);
	return NULL;
}

static void threads_lose_no_count(void **state)
{
	struct store *store = *state;
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_up, &store->kv), 0);
	for (int i = 0; i < N_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(kv_test_incr(&store->kv, "n:threads", 0).number, N_THREADS * 250);
}

/* A worker killed while it writes blocks nobody and breaks nothing. */
static void survives_a_killed_writer(void **state)
{
	struct store *store = *state;
	struct store child = { .dir = store->dir };
	pid_t pid = fork();
	int64_t number = 0;

	if (pid == 0) {
		if (!store_open(&child, "64M"))
			_exit(1);
		for (;;)
			(void)kv_test_incr(&child.kv, "n:killed", 1);
	}
	while (number < 200) {
		number = kv_test_incr(&store->kv, "n:killed", 0).number;
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(kv_test_incr(&store->kv, "n:killed", 1).status, PINTLE_OK);
	assert_true(kv_test_incr(&store->kv, "n:killed", 0).number > number);
}

static struct kv_test_answer set_large(struct store *store, int number, size_t len)
{
	static const char value[PINTLE_KV_VALUE_MAX];
	char key[32];
	const struct pintle_kv_request request = {
		.size = sizeof(request),
		.op = PINTLE_KV_SET,
		.key = key,
		.key_len = (size_t)snprintf(key, sizeof(key), "big:%d", number),
		.value = value,
		.value_len = len,
		.ttl_ms = MINUTE_MS,
	};

	return kv_test_run(&store->kv, &request);
}

static int fill(struct store *store, size_t len)
{
	for (int i = 0; i < 100000; i++) {
		int32_t status = set_large(store, i, len).status;

		if (status == PINTLE_UNAVAILABLE)
			return i;
		assert_int_equal(status, PINTLE_OK);
	}
	fail_msg("never full");
	return 0;
}

static int32_t delete_large(struct store *store, int number)
{
	char key[32];

	(void)snprintf(key, sizeof(key), "big:%d", number);
	return kv_test_op(&store->kv, PINTLE_KV_DELETE, key, NULL, NULL, 0).status;
}

static void full_store_refuses_and_recovers(void **state)
{
	static const size_t sizes[] = { 100, 3000, PINTLE_KV_VALUE_MAX };
	struct store *store = *state;

	store_close(store);
	assert_true(store_open(store, "1M"));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int n_stored = fill(store, sizes[i]);

		if (n_stored < 10)
			fail_msg("case %zu: only %d fit", i, n_stored);
		assert_true(fake_host_logged(store->host, PINTLE_LOG_ERROR) > 0);
		for (int j = 0; j <= n_stored / 2; j++) /* deleting works in a full store */
			assert_int_equal(delete_large(store, j), PINTLE_OK);
		assert_int_equal(set_large(store, 0, 1).status, PINTLE_OK);
		assert_int_equal(fill(store, sizes[i]) > 0, 1);
		fake_clock_move(MINUTE_MS);
		fake_host_tick(store->host);
		if (set_large(store, 1, sizes[i]).status != PINTLE_OK)
			fail_msg("case %zu: no room after expiry", i);
		fake_clock_move(MINUTE_MS);
		fake_host_tick(store->host);
	}
}

static off_t size_of(const struct store *store, const char *name)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", store->dir, name);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* Swept pages are used again, so that the file does not grow with time. */
static void sweeper_frees_what_expired(void **state)
{
	struct store *store = *state;
	off_t size = 0;

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 1000; i++)
			assert_int_equal(set_large(store, i, 500).status, PINTLE_OK);
		fake_clock_move(MINUTE_MS);
		fake_host_tick(store->host);
		if (round == 1)
			size = size_of(store, "kv/data.mdb");
	}
	assert_true(size > 0);
	assert_true(size_of(store, "kv/data.mdb") <= size + size / 4);
}

/* Cut short, a bad head, bad pages. */
static void do_damage(const char *path, int damage)
{
	static const char junk[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	if (damage == 0)
		assert_int_equal(ftruncate(fd, 8192), 0);
	else if (damage == 1)
		assert_int_equal(pwrite(fd, "once upon a time in a page header", 33, 16), 33);
	for (off_t at = 8192; damage == 2 && at < 65536; at += 4096)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
}

static void restart_keeps_and_damage_renews(void **state)
{
	struct store *store = *state;
	char path[256], before[64], after[64];

	(void)snprintf(path, sizeof(path), "%s/kv/data.mdb", store->dir);
	assert_int_equal(set_large(store, 1, 10).status, PINTLE_OK);
	assert_int_equal(store->kv.ops->epoch(store->kv.self, before, sizeof(before)), PINTLE_OK);
	store_close(store);
	assert_true(store_open(store, "64M"));
	assert_int_equal(kv_test_op(&store->kv, PINTLE_KV_GET, "big:1", NULL, NULL, 0).status,
			 PINTLE_OK);
	assert_int_equal(store->kv.ops->epoch(store->kv.self, after, sizeof(after)), PINTLE_OK);
	assert_string_equal(before, after);

	for (int damage = 0; damage < 3; damage++) {
		store_close(store);
		do_damage(path, damage);
		assert_true(store_open(store, "64M"));
		if (set_large(store, 2, 10).status != PINTLE_OK)
			fail_msg("damage %d: %s", damage, fake_host_last_line(store->host));
		assert_int_equal(fake_host_logged(store->host, PINTLE_LOG_ERROR), 1);
		assert_int_equal(store->kv.ops->epoch(store->kv.self, after, sizeof(after)),
				 PINTLE_OK);
		assert_string_not_equal(before, after);
	}
}

/* Makes the file look as if it were of another boot of the machine. */
static void age_by_a_boot(const char *path)
{
	static char bytes[1 << 20];
	char boot[37];
	ssize_t len;
	char *at;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, boot, 36), 36);
	close(fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	len = read(fd, bytes, sizeof(bytes));
	assert_true(len > 0);
	for (at = bytes; (at = memmem(at, (size_t)(bytes + len - at), boot, 36)); at++)
		assert_int_equal(pwrite(fd, "x", 1, at - bytes), 1);
	close(fd);
}

static void reboot_wipes(void **state)
{
	struct store *store = *state;
	char path[256], before[64], after[64];

	(void)snprintf(path, sizeof(path), "%s/kv/data.mdb", store->dir);
	assert_int_equal(set_large(store, 1, 10).status, PINTLE_OK);
	assert_int_equal(store->kv.ops->epoch(store->kv.self, before, sizeof(before)), PINTLE_OK);
	store_close(store);
	age_by_a_boot(path);
	assert_true(store_open(store, "64M"));
	assert_int_equal(kv_test_op(&store->kv, PINTLE_KV_GET, "big:1", NULL, NULL, 0).status,
			 PINTLE_NOT_FOUND);
	assert_int_equal(store->kv.ops->epoch(store->kv.self, after, sizeof(after)), PINTLE_OK);
	assert_string_not_equal(before, after);
	assert_int_equal(fake_host_logged(store->host, PINTLE_LOG_ERROR), 0);
}

/* A crash while the content was being read leaves the mark that makes the next one begin anew. */
static void mark_of_a_crash_renews(void **state)
{
	struct store *store = *state;
	char path[256];
	int fd;

	assert_int_equal(set_large(store, 1, 10).status, PINTLE_OK);
	assert_int_equal(size_of(store, "kv/guard"), 0);
	store_close(store);
	(void)snprintf(path, sizeof(path), "%s/kv/guard", store->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_true(store_open(store, "64M"));
	assert_int_equal(kv_test_op(&store->kv, PINTLE_KV_GET, "big:1", NULL, NULL, 0).status,
			 PINTLE_NOT_FOUND);
	assert_int_equal(size_of(store, "kv/guard"), 0);
}

static void count_message(void *ctx, const void *value, size_t value_len)
{
	(void)value_len;
	*(int *)ctx += value != NULL;
}

static void full_receiver_drops(void **state)
{
	struct store *store = *state;
	static char value[PINTLE_KV_VALUE_MAX + 1];
	int n_heard = 0, n_sent = 0;

	memset(value, 'v', sizeof(value) - 1);
	assert_int_equal(store->kv.ops->subscribe(store->kv.self, "c", count_message, &n_heard),
			 PINTLE_OK);
	for (int i = 0; i < 100; i++) {
		struct kv_test_answer out =
			kv_test_op(&store->kv, PINTLE_KV_PUBLISH, "c", value, NULL, 0);

		assert_int_equal(out.status, PINTLE_OK);
		n_sent += (int)out.number;
	}
	assert_true(n_sent > 0 && n_sent < 100);
	assert_true(fake_host_logged(store->host, PINTLE_LOG_WARN) > 0);
	while (fake_host_poll(store->host, 0) > 0)
		;
	assert_int_equal(n_heard, n_sent);
}

static int64_t publish(struct store *store)
{
	return kv_test_op(&store->kv, PINTLE_KV_PUBLISH, "c", "v", NULL, 0).number;
}

/* The folder is not read for each message; who comes or goes, and a new folder, are seen all the same. */
static void list_of_subscribers_follows_the_folder(void **state)
{
	const struct timespec long_ago[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct store *store = *state, other = { .dir = store->dir };
	int n_heard = 0;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/bus", store->dir);
	assert_int_equal(publish(store), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
	assert_int_equal(publish(store), 0);
	assert_true(store_open(&other, "64M"));
	assert_int_equal(other.kv.ops->subscribe(other.kv.self, "c", count_message, &n_heard),
			 PINTLE_OK);
	assert_int_equal(publish(store), 1);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
	assert_int_equal(publish(store), 1);
	assert_int_equal(publish(store), 1);
	store_close(&other);
	assert_int_equal(publish(store), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(publish(store), 0);
	assert_int_equal(store->kv.ops->subscribe(store->kv.self, "c", count_message, &n_heard),
			 PINTLE_OK);
	assert_int_equal(publish(store), 1);
}

struct inbox {
	int n_values, n_missed;
};

static void sort_message(void *ctx, const void *value, size_t len)
{
	struct inbox *inbox = ctx;

	(void)len;
	inbox->n_values += value != NULL;
	inbox->n_missed += value == NULL;
}

/* The kernel keeps ten datagrams for a receiver, or some hundred. */
static void who_missed_messages_is_told(void **state)
{
	struct store *store = *state;
	struct inbox inbox = { 0 };
	int n_taken = 0;

	assert_int_equal(store->kv.ops->subscribe(store->kv.self, "c", sort_message, &inbox),
			 PINTLE_OK);
	for (int i = 0; i < 2000; i++)
		n_taken += (int)publish(store);
	assert_true(n_taken > 0 && n_taken < 2000);
	for (int i = 0; i < 200 && inbox.n_missed == 0; i++)
		fake_host_turn(store->host, 50);
	assert_int_equal(inbox.n_values, n_taken);
	assert_int_equal(inbox.n_missed, 1);
	assert_int_equal(publish(store), 1);
	for (int i = 0; i < 10; i++)
		fake_host_turn(store->host, 50);
	assert_int_equal(inbox.n_values, n_taken + 1);
	assert_int_equal(inbox.n_missed, 1);
}

/* One that died without closing leaves its socket behind; the next message removes it. */
static void dead_subscriber_is_removed(void **state)
{
	struct store *store = *state;
	struct store child = { .dir = store->dir };
	int n_heard = 0, ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (!store_open(&child, "64M") ||
		    child.kv.ops->subscribe(child.kv.self, "c", count_message, &n_heard) !=
			    PINTLE_OK)
			_exit(1);
		(void)!write(ready[1], "r", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kv_test_op(&store->kv, PINTLE_KV_PUBLISH, "c", "v", NULL, 0).number, 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(store->kv.ops->subscribe(store->kv.self, "c", count_message, &n_heard),
			 PINTLE_OK);
	assert_int_equal(kv_test_op(&store->kv, PINTLE_KV_PUBLISH, "c", "v", NULL, 0).number, 1);
	(void)fake_host_poll(store->host, 5000);
	assert_int_equal(n_heard, 1);
	assert_int_equal(size_of(store, "bus") >= 0, 1);
	close(ready[0]);
	close(ready[1]);
}

static void folder_is_private(void **state)
{
	struct store *store = *state;
	char path[256];
	struct stat st;

	assert_int_equal(set_large(store, 1, 10).status, PINTLE_OK);
	(void)snprintf(path, sizeof(path), "%s/kv", store->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	(void)snprintf(path, sizeof(path), "%s/kv/data.mdb", store->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_lose_no_count, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(survives_a_killed_writer, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(full_store_refuses_and_recovers, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(sweeper_frees_what_expired, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(restart_keeps_and_damage_renews, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(reboot_wipes, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(mark_of_a_crash_renews, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(full_receiver_drops, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(list_of_subscribers_follows_the_folder, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(who_missed_messages_is_told, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(dead_subscriber_is_removed, store_setup,
						store_teardown),
		cmocka_unit_test_setup_teardown(folder_is_private, store_setup, store_teardown),
	};
	struct store store = { .dir = fake_dir_new() };
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (!store_open(&store, "64M"))
		return 1;
	n_failed += kv_contract_run(&store.kv);
	store_close(&store);
	fake_dir_free(store.dir);
	return n_failed;
}
