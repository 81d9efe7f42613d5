/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store that fails when it is told to: a driver in front of a real one. The file faults in the state
 * folder holds "number store op when N": of the ops so named (any: all) every Nth fails, or with
 * N < 0 the -Nth alone. before: it is not done; after: it is, and nobody is told. When one has failed
 * alone the file goes, so that whoever wrote it sees that it did. Another number begins to count anew.
 * Where a file store_ops is, each op becomes a line of it.
 */
#ifndef FAULTY_H
#define FAULTY_H

#include <pintle/plugin.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum fault { FAULT_NONE, FAULT_BEFORE, FAULT_AFTER };

static pthread_mutex_t faulty_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the counting */
static char faulty_path[4096], faulty_trace_path[4096];

static inline void faulty_init(const char *state_dir)
{
	(void)snprintf(faulty_path, sizeof(faulty_path), "%s/faults", state_dir);
	(void)snprintf(faulty_trace_path, sizeof(faulty_trace_path), "%s/store_ops", state_dir);
}

/* what: the statement, or how the key begins. One write, so that lines of two workers do not mix. */
static inline void faulty_trace(const char *store, const char *op, const char *what,
				size_t what_len)
{
	int fd = open(faulty_trace_path, O_WRONLY | O_APPEND | O_CLOEXEC);
	char line[512];
	int len;

	if (fd < 0)
		return;
	len = snprintf(line, sizeof(line), "%s %s %.*s\n", store, op, (int)what_len, what);
	(void)!write(fd, line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line));
	(void)close(fd);
}

static inline int faulty_is_meant(const char *pattern, const char *word)
{
	return strcmp(pattern, "any") == 0 || strcmp(pattern, word) == 0;
}

static inline enum fault faulty_count(const char *when, int n)
{
	static int n_seen;

	if (n == 0) {
		n_seen = 0;
		return FAULT_NONE;
	}
	n_seen++;
	if (n > 0 ? n_seen % n != 0 : n_seen != -n)
		return FAULT_NONE;
	if (n < 0)
		(void)unlink(faulty_path);
	return strcmp(when, "before") == 0 ? FAULT_BEFORE : FAULT_AFTER;
}

/* What becomes of the next op of the store. */
static inline enum fault faulty_next(const char *store, const char *op)
{
	static int present;
	char in[16], of[16], when[16];
	enum fault fault = FAULT_NONE;
	int number, n;
	FILE *file = fopen(faulty_path, "re");

	if (!file)
		return FAULT_NONE;
	if (fscanf(file, "%d %15s %15s %15s %d", &number, in, of, when, &n) == 5 &&
	    faulty_is_meant(in, store) && faulty_is_meant(of, op)) {
		(void)pthread_mutex_lock(&faulty_lock);
		if (number != present)
			(void)faulty_count(when, 0);
		present = number;
		fault = faulty_count(when, n);
		(void)pthread_mutex_unlock(&faulty_lock);
	}
	(void)fclose(file);
	return fault;
}

/* The driver behind, and what the one in front has to say of itself; NULL when it cannot be had. */
static inline const struct pintle_plugin *faulty_load(const char *path, const char *name,
						      struct pintle_plugin *front)
{
	const struct pintle_plugin *(*entry)(void) = NULL;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (handle)
		*(void **)&entry = dlsym(handle, "pintle_plugin_entry");
	if (!entry)
		return NULL;
	*front = *entry();
	front->name = name;
	return entry();
}

#endif
