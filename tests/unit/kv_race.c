/* SPDX-License-Identifier: Apache-2.0 */
#include "kv_race.h"

#include <pintle/status.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define N_PROCESSES 8
#define N_ROUNDS 100
#define MINUTE_MS 60000

/* What the processes of a race share: a barrier, and how many won each round. */
struct race {
	pthread_barrier_t barrier;
	_Atomic int n_won[N_ROUNDS];
};

typedef int32_t race_fn(const struct kv_under_test *kv, const char *key, int process);

static struct race *race_new(void)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	assert_true(race != MAP_FAILED);
	(void)pthread_barrierattr_init(&attr);
	(void)pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	(void)pthread_barrier_init(&race->barrier, &attr, N_PROCESSES);
	return race;
}

static _Noreturn void run_rounds(const struct kv_race_store *store, struct race *race, race_fn *fn,
				 int process)
{
	struct kv_under_test kv;
	char key[32];

	if (!store->open(store->ctx, &kv))
		_exit(1);
	for (int i = 0; i < N_ROUNDS; i++) {
		(void)snprintf(key, sizeof(key), "r:%d", i);
		(void)pthread_barrier_wait(&race->barrier);
		if (fn(&kv, key, process) == PINTLE_OK)
			race->n_won[i]++;
	}
	store->close(store->ctx);
	_exit(0);
}

/* Exactly n_winners of all processes must get OK in each round. */
static void run_race(const struct kv_race_store *store, race_fn *fn, int n_winners)
{
	struct race *race = race_new();
	pid_t pids[N_PROCESSES];
	int how;

	for (int i = 0; i < N_PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			run_rounds(store, race, fn, i);
	}
	for (int i = 0; i < N_PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &how, 0), pids[i]);
		assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
	}
	for (int i = 0; i < N_ROUNDS; i++) {
		if (race->n_won[i] != n_winners)
			fail_msg("round %d: %d winners, not %d", i, race->n_won[i], n_winners);
	}
	(void)munmap(race, sizeof(*race));
}

static void put_all(const struct kv_race_store *store)
{
	struct kv_under_test kv;
	char key[32];

	assert_true(store->open(store->ctx, &kv));
	for (int i = 0; i < N_ROUNDS; i++) {
		(void)snprintf(key, sizeof(key), "r:%d", i);
		assert_int_equal(kv_test_op(&kv, PINTLE_KV_SET, key, "v", NULL, MINUTE_MS).status,
				 PINTLE_OK);
	}
	store->close(store->ctx);
}

static int32_t race_take(const struct kv_under_test *kv, const char *key, int process)
{
	(void)process;
	return kv_test_op(kv, PINTLE_KV_TAKE, key, NULL, NULL, PINTLE_KV_NO_LIFE).status;
}

static int32_t race_add(const struct kv_under_test *kv, const char *key, int process)
{
	(void)process;
	return kv_test_op(kv, PINTLE_KV_ADD, key, "v", NULL, MINUTE_MS).status;
}

static int32_t race_swap(const struct kv_under_test *kv, const char *key, int process)
{
	char mine[8];

	(void)snprintf(mine, sizeof(mine), "p%d", process);
	return kv_test_op(kv, PINTLE_KV_SWAP, key, mine, "v", 0).status;
}

static int32_t race_limit(const struct kv_under_test *kv, const char *key, int process)
{
	const struct pintle_kv_limit limit = { key, strlen(key), 3, MINUTE_MS, 1, 0, 0 };

	(void)process;
	return kv_test_limit(kv, &limit, 1).status;
}

void kv_race_take(const struct kv_race_store *store)
{
	put_all(store);
	run_race(store, race_take, 1);
}

void kv_race_add(const struct kv_race_store *store)
{
	run_race(store, race_add, 1);
}

void kv_race_swap(const struct kv_race_store *store)
{
	put_all(store);
	run_race(store, race_swap, 1);
}

void kv_race_limit(const struct kv_race_store *store)
{
	run_race(store, race_limit, 3);
}
