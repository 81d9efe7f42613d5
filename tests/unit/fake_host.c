/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_host.h"

#include "resolve.h"

#include <assert.h>
#include <dlfcn.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define MAX_WATCHES 16
#define MAX_PERIODIC 8
#define CONF_MAX 4096
#define MAX_ITEMS 16

struct watch {
	int fd;
	uint32_t events;
	pintle_fd_cb *cb;
	void *arg;
};

/* A timer, or recurring work. */
struct timed {
	pintle_timer_cb *cb;
	void *arg;
	int64_t due_ms, interval_ms;
};

struct pintle_inst {
	const char *dir;
	pthread_mutex_t mutex; /* guards what follows */
	int n_logged[PINTLE_LOG_DEBUG + 1];
	char last_line[1024];
	char shown_line[1024]; /* what a test reads, while others write */
	struct watch watches[MAX_WATCHES];
	struct timed timers[MAX_WATCHES], periodic[MAX_PERIODIC];
	size_t n_timers, n_periodic;
};

struct fake_host {
	struct pintle_host table;
	struct pintle_inst inst;
	char reason[512];
	_Alignas(max_align_t) unsigned char conf[CONF_MAX];
	char *texts[64];
	size_t n_texts;
	const char *lists[8][MAX_ITEMS + 1];
	size_t n_lists;
};

static _Atomic int64_t shift_ms;

void fake_clock_move(int64_t ms)
{
	atomic_fetch_add(&shift_ms, ms);
}

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t now_ms(void)
{
	return read_ms(CLOCK_REALTIME) + atomic_load(&shift_ms);
}

static int64_t mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

static void log_text(struct pintle_inst *inst, int32_t level, const char *text)
{
	assert(level >= PINTLE_LOG_ERROR && level <= PINTLE_LOG_DEBUG);
	(void)pthread_mutex_lock(&inst->mutex);
	inst->n_logged[level]++;
	(void)snprintf(inst->last_line, sizeof(inst->last_line), "%s", text);
	(void)pthread_mutex_unlock(&inst->mutex);
}

static const char *inst_name(struct pintle_inst *inst)
{
	(void)inst;
	return "fake";
}

static const char *state_dir(struct pintle_inst *inst)
{
	return inst->dir;
}

static int32_t is_development(struct pintle_inst *inst)
{
	(void)inst;
	return 1;
}

static int32_t random_bytes(void *out, size_t len)
{
	return getrandom(out, len, 0) == (ssize_t)len ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t same(const void *a, const void *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

static void wipe(void *ptr, size_t len)
{
	explicit_bzero(ptr, len);
}

static int32_t watch(struct pintle_inst *inst, int fd, uint32_t events, pintle_fd_cb *cb, void *arg)
{
	struct watch *slot = NULL;

	for (size_t i = 0; i < MAX_WATCHES; i++) {
		struct watch *one = &inst->watches[i];

		if (one->events != 0 ? one->fd == fd : !slot)
			slot = one;
	}
	assert(slot);
	*slot = (struct watch){ fd, events, cb, arg };
	return PINTLE_OK;
}

static int32_t timer(struct pintle_inst *inst, int64_t delay_ms, pintle_timer_cb *cb, void *arg)
{
	(void)pthread_mutex_lock(&inst->mutex);
	assert(inst->n_timers < MAX_WATCHES);
	inst->timers[inst->n_timers++] =
		(struct timed){ .cb = cb, .arg = arg, .due_ms = mono_ms() + delay_ms };
	(void)pthread_mutex_unlock(&inst->mutex);
	return PINTLE_OK;
}

static int32_t every(struct pintle_inst *inst, int64_t interval_ms, pintle_timer_cb *cb, void *arg)
{
	assert(inst->n_periodic < MAX_PERIODIC);
	inst->periodic[inst->n_periodic++] = (struct timed){
		.cb = cb, .arg = arg, .due_ms = mono_ms() + interval_ms, .interval_ms = interval_ms
	};
	return PINTLE_OK;
}

static int32_t resolve(struct pintle_inst *inst, const char *name, int64_t timeout_ms, char *out,
		       size_t out_len)
{
	(void)inst;
	return resolve_name(name, timeout_ms, out, out_len);
}

struct fake_host *fake_host_new(const char *dir)
{
	struct fake_host *host = calloc(1, sizeof(*host));

	assert(host);
	host->inst.dir = dir;
	(void)pthread_mutex_init(&host->inst.mutex, NULL);
	host->table = (struct pintle_host){
		.size = sizeof(host->table),
		.abi = PINTLE_ABI,
		.random = random_bytes,
		.same = same,
		.wipe = wipe,
		.now_ms = now_ms,
		.mono_ms = mono_ms,
		.log = log_text,
		.inst_name = inst_name,
		.state_dir = state_dir,
		.is_development = is_development,
		.watch = watch,
		.timer = timer,
		.every = every,
		.resolve = resolve,
	};
	return host;
}

void fake_host_free(struct fake_host *host)
{
	if (!host)
		return;
	for (size_t i = 0; i < host->n_texts; i++)
		free(host->texts[i]);
	free(host);
}

const struct pintle_host *fake_host_table(const struct fake_host *host)
{
	return &host->table;
}

struct pintle_inst *fake_host_inst(struct fake_host *host)
{
	return &host->inst;
}

const struct pintle_plugin *fake_plugin_load(const char *name)
{
	const struct pintle_plugin *(*entry)(void);
	char path[4096];
	void *handle;

	(void)snprintf(path, sizeof(path), "%s/plugins/%s.so", BUILD_DIR, name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		(void)fprintf(stderr, "%s\n", dlerror());
	assert(handle);
	*(void **)&entry = dlsym(handle, "pintle_plugin_entry");
	assert(entry);
	(void)dlclose(handle);
	return entry();
}

/* Enough of the host's spellings for the fallbacks in plugins: 64K, 10M, 1G; 500ms, 10s, 5m, 1h. */
static int64_t number_of(const struct pintle_opt *opt, const char *text)
{
	static const struct {
		int32_t type;
		const char *suffix;
		int64_t factor;
	} units[] = {
		{ PINTLE_BYTES, "K", 1 << 10 },     { PINTLE_BYTES, "M", 1 << 20 },
		{ PINTLE_BYTES, "G", 1 << 30 },     { PINTLE_DURATION, "s", 1000 },
		{ PINTLE_DURATION, "m", 60000 },    { PINTLE_DURATION, "h", 3600000 },
		{ PINTLE_DURATION, "d", 86400000 },
	};
	char *end;
	int64_t number = strtoll(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].type == opt->type && strcmp(end, units[i].suffix) == 0)
			return number * units[i].factor;
	}
	return number;
}

static char *keep_text(struct fake_host *host, const char *text)
{
	assert(host->n_texts < sizeof(host->texts) / sizeof(host->texts[0]));
	host->texts[host->n_texts] = strdup(text);
	return host->texts[host->n_texts++];
}

static const char **keep_list(struct fake_host *host, const char *text)
{
	const char **list = host->lists[host->n_lists++];
	char *rest = keep_text(host, text), *item;
	size_t n = 0;

	assert(host->n_lists <= sizeof(host->lists) / sizeof(host->lists[0]));
	while ((item = strsep(&rest, ", ")) && n < MAX_ITEMS) {
		if (*item)
			list[n++] = item;
	}
	return list;
}

/* The place of text among the words of choices. */
static int32_t choice_of(const struct pintle_opt *opt, const char *text)
{
	const char *word = opt->choices;
	size_t len = strlen(text);

	for (int32_t i = 0;; i++) {
		size_t word_len = strcspn(word, " ");

		if (word_len == len && strncmp(word, text, len) == 0)
			return i;
		assert(word[word_len]);
		word += word_len + 1;
	}
}

static void set_option(struct fake_host *host, const struct pintle_opt *opt, const char *text)
{
	unsigned char *at = host->conf + opt->offset;
	int64_t number = number_of(opt, text);
	int32_t index = strcmp(text, "yes") == 0;
	const char **list;
	char *copy;

	switch (opt->type) {
	case PINTLE_STRING:
	case PINTLE_SECRET:
		copy = keep_text(host, text);
		memcpy(at, &copy, sizeof(copy));
		break;
	case PINTLE_LIST:
		list = keep_list(host, text);
		memcpy(at, &list, sizeof(list));
		break;
	case PINTLE_CHOICE:
		index = choice_of(opt, text);
		memcpy(at, &index, sizeof(index));
		break;
	case PINTLE_FLAG:
		memcpy(at, &index, sizeof(index));
		break;
	default:
		memcpy(at, &number, sizeof(number));
	}
}

static const char *find_option(const char *const *options, const char *name)
{
	for (size_t i = 0; options && options[i]; i += 2) {
		if (strcmp(options[i], name) == 0)
			return options[i + 1];
	}
	return NULL;
}

void *fake_plugin_open(struct fake_host *host, const struct pintle_plugin *plugin,
		       const char *const *options)
{
	void *self = NULL;

	assert(plugin->conf_size <= sizeof(host->conf));
	for (uint32_t i = 0; i < plugin->n_opts; i++) {
		const char *text = find_option(options, plugin->opts[i].name);

		set_option(host, &plugin->opts[i], text ? text : plugin->opts[i].fallback);
	}
	if (plugin->open(&host->table, &host->inst, host->conf, &self, host->reason,
			 sizeof(host->reason)) != PINTLE_OK)
		return NULL;
	return self;
}

const char *fake_host_reason(const struct fake_host *host)
{
	return host->reason;
}

int fake_host_poll(struct fake_host *host, int wait_ms)
{
	struct pollfd fds[MAX_WATCHES];
	int n_ready;

	for (size_t i = 0; i < MAX_WATCHES; i++) {
		const struct watch *one = &host->inst.watches[i];

		fds[i] = (struct pollfd){ .fd = one->events ? one->fd : -1 };
		fds[i].events = (short)((one->events & PINTLE_FD_READ ? POLLIN : 0) |
					(one->events & PINTLE_FD_WRITE ? POLLOUT : 0));
	}
	n_ready = poll(fds, MAX_WATCHES, wait_ms);
	for (size_t i = 0; n_ready > 0 && i < MAX_WATCHES; i++) {
		const struct watch one = host->inst.watches[i];

		if (fds[i].revents != 0 && one.events != 0)
			one.cb(one.arg, one.fd, one.events);
	}
	return n_ready;
}

/* The next timer that is due, off the list. */
static bool take_due(struct pintle_inst *inst, struct timed *out)
{
	bool is_found = false;

	(void)pthread_mutex_lock(&inst->mutex);
	for (size_t i = 0; i < inst->n_timers && !is_found; i++) {
		if (inst->timers[i].due_ms > mono_ms())
			continue;
		*out = inst->timers[i];
		memmove(&inst->timers[i], &inst->timers[i + 1],
			(--inst->n_timers - i) * sizeof(inst->timers[i]));
		is_found = true;
	}
	(void)pthread_mutex_unlock(&inst->mutex);
	return is_found;
}

static int until_due(struct pintle_inst *inst, int wait_ms)
{
	int64_t now_ms = mono_ms(), due_ms = now_ms + wait_ms;

	(void)pthread_mutex_lock(&inst->mutex);
	for (size_t i = 0; i < inst->n_timers; i++) {
		if (inst->timers[i].due_ms < due_ms)
			due_ms = inst->timers[i].due_ms;
	}
	(void)pthread_mutex_unlock(&inst->mutex);
	return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

void fake_host_turn(struct fake_host *host, int wait_ms)
{
	struct pintle_inst *inst = &host->inst;
	struct timed due;

	(void)fake_host_poll(host, until_due(inst, wait_ms));
	for (int i = 0; i < MAX_WATCHES && take_due(inst, &due); i++)
		due.cb(due.arg);
	for (size_t i = 0; i < inst->n_periodic; i++) {
		struct timed *one = &inst->periodic[i];

		if (one->due_ms > mono_ms())
			continue;
		one->due_ms = mono_ms() + one->interval_ms;
		one->cb(one->arg);
	}
}

void fake_host_tick(struct fake_host *host)
{
	for (size_t i = 0; i < host->inst.n_periodic; i++)
		host->inst.periodic[i].cb(host->inst.periodic[i].arg);
}

int fake_host_logged(struct fake_host *host, int32_t level)
{
	int n_logged;

	(void)pthread_mutex_lock(&host->inst.mutex);
	n_logged = host->inst.n_logged[level];
	(void)pthread_mutex_unlock(&host->inst.mutex);
	return n_logged;
}

const char *fake_host_last_line(struct fake_host *host)
{
	struct pintle_inst *inst = &host->inst;

	(void)pthread_mutex_lock(&inst->mutex);
	memcpy(inst->shown_line, inst->last_line, sizeof(inst->shown_line));
	(void)pthread_mutex_unlock(&inst->mutex);
	return inst->shown_line;
}

char *fake_dir_new(void)
{
	char template[] = "/tmp/pintle-test-XXXXXX";
	char *dir = mkdtemp(template);

	assert(dir);
	return strdup(dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void fake_dir_free(char *dir)
{
	if (dir)
		(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}
