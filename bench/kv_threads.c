/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key-value operations of worker threads and nothing else: the loop, the pool, host/kv.c and kv_redis as a
 * worker has them. `kv_threads PLUGIN_DIR PORT get|set THREADS LIST SECONDS`: each thread asks LIST
 * operations in one hand-over, again and again.
 */
#include "client.h"
#include "clock.h"
#include "host.h"
#include "log.h"
#include "services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_KEYS 64
#define KEY_MAX 16
#define LIFE_MS 600000
#define PATIENCE_MS 10000
#define VALUE_LEN 200
#define MAX_LIST 1000
#define ADDRESS "127.0.0.1:"

struct asker {
	struct job job; /* first: what the pool runs */
	struct bench *bench;
};

struct bench {
	struct host host; /* first: what the plugin is lent leads back here */
	struct plugin plugin;
	struct pintle_inst inst;
	bool is_set;
	size_t n_list;
	char keys[N_KEYS][KEY_MAX], value[VALUE_LEN];
	_Atomic bool is_over;
	_Atomic long n_done;
};

static void require(bool ok, const struct err *err)
{
	if (ok)
		return;
	(void)fprintf(stderr, "kv_threads: %s\n", err->text);
	exit(1);
}

/* A section of conf.d with nothing but the address. */
static void bind_options(struct bench *bench, const char *address)
{
	const struct opt_table table = { bench->plugin.opts, bench->plugin.desc.n_opts,
					 bench->plugin.desc.conf_size };
	struct conf conf = { 0 };
	struct conf_section *section = conf_add_section(&conf, "redis", "", 0);
	struct err err = { "" };

	(void)conf_add_key(section, "host", address, "", 0);
	bench->inst.conf = calloc(1, table.conf_size);
	require(opt_bind(&table, section, "redis", bench->inst.conf, &err), &err);
	conf_fini(&conf);
}

static void open_store(struct bench *bench, const char *plugin_dir, const char *address)
{
	struct host *host = &bench->host;
	struct pintle_inst *inst = &bench->inst;
	struct err err = { "" };
	int fd = plugin_open_file(plugin_dir, "kv_redis", &err);

	require(fd >= 0 && plugin_load(&bench->plugin, "kv_redis", fd, &err), &err);
	(void)strcpy(inst->name, "redis");
	inst->plugin = &bench->plugin;
	inst->host = host;
	bind_options(bench, address);
	require(instance_open(inst, services(), &err), &err);
	host->kv = (struct kv){ .ops = &bench->plugin.kv,
				.self = inst->self,
				.loop = host->loop,
				.step_ms = PATIENCE_MS };
}

/* Each list begins at another key. */
static void make_list(const struct bench *bench, struct kv_op *ops, size_t first)
{
	for (size_t i = 0; i < bench->n_list; i++) {
		const char *key = bench->keys[(first + i) % N_KEYS];

		ops[i].request =
			bench->is_set ? kv_set(key, bench->value, VALUE_LEN, LIFE_MS) : kv_get(key);
	}
}

static void ask(struct job *job)
{
	struct bench *bench = ((struct asker *)job)->bench;
	struct kv_op ops[MAX_LIST];

	for (size_t n = 0; !atomic_load(&bench->is_over); n++) {
		struct arena arena = { 0 };
		int32_t status;

		make_list(bench, ops, n);
		status = kv_do_all(&bench->host.kv, ops, bench->n_list,
				   clock_mono_ms() + PATIENCE_MS, &arena);
		if (status != PINTLE_OK || ops[0].status != PINTLE_OK ||
		    (!bench->is_set && ops[0].result.value_len != VALUE_LEN))
			client_die("an operation failed");
		arena_fini(&arena);
		atomic_fetch_add(&bench->n_done, (long)bench->n_list);
	}
}

/* The keys that a get finds. */
static void write_keys(struct bench *bench)
{
	memset(bench->value, 'v', VALUE_LEN);
	for (int i = 0; i < N_KEYS; i++) {
		struct pintle_kv_request set;

		(void)snprintf(bench->keys[i], KEY_MAX, "b:%d", i);
		set = kv_set(bench->keys[i], bench->value, VALUE_LEN, LIFE_MS);
		if (kv_do(&bench->host.kv, &set, clock_mono_ms() + PATIENCE_MS, NULL, NULL) !=
		    PINTLE_OK)
			client_die("no Redis");
	}
}

static void *run_loop(void *host)
{
	loop_run(((struct host *)host)->loop);
	return NULL;
}

static void measure(struct bench *bench, size_t n_threads, double seconds)
{
	struct asker *askers = calloc(n_threads, sizeof(*askers));
	struct timespec length = { (time_t)seconds,
				   (long)((seconds - (double)(time_t)seconds) * 1e9) };
	int64_t began_us = client_now_us();
	double cpu_s = client_cpu_seconds();

	for (size_t i = 0; i < n_threads; i++) {
		askers[i] = (struct asker){ .job = { .run = ask }, .bench = bench };
		if (!pool_submit(bench->host.pool, bench->host.requests, &askers[i].job))
			client_die("pool");
	}
	(void)nanosleep(&length, NULL);
	printf("{\"n\": %ld, \"seconds\": %.4f, \"cpu\": %.4f}\n", atomic_load(&bench->n_done),
	       (double)(client_now_us() - began_us) / 1e6, client_cpu_seconds() - cpu_s);
	atomic_store(&bench->is_over, true);
	(void)pool_drain(bench->host.pool, clock_mono_ms() + PATIENCE_MS);
	free(askers);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	struct host *host = &bench.host;
	size_t n_threads;
	char address[32];
	pthread_t thread;

	if (argc != 7 || strlen(argv[2]) > 5 || atoi(argv[5]) < 1 || atoi(argv[5]) > MAX_LIST) {
		(void)fprintf(stderr,
			      "usage: kv_threads PLUGIN_DIR PORT get|set THREADS LIST SECONDS\n");
		return 2;
	}
	log_init("kv_threads", LOG_WARN);
	(void)snprintf(address, sizeof(address), ADDRESS "%s", argv[2]);
	n_threads = (size_t)atoi(argv[4]);
	bench.is_set = strcmp(argv[3], "set") == 0;
	bench.n_list = (size_t)atoi(argv[5]);
	host->loop = loop_new();
	host->pool = pool_new();
	host->requests = pool_class_new(host->pool, "requests", n_threads, n_threads);
	host->background = pool_class_new(host->pool, "background", 4, 64);
	open_store(&bench, argv[1], address);
	if (pthread_create(&thread, NULL, run_loop, host) != 0)
		client_die("thread");
	write_keys(&bench);
	measure(&bench, n_threads, atof(argv[6]));
	return 0; /* all else goes with the process */
}
