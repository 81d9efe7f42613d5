/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two buffers: the loop fills one while the writer thread writes the other with one write, so that lines
 * of several workers in one file never mix.
 */
#include "access_log.h"

#include "clock.h"
#include "request.h"
#include "text.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (256 * 1024) /* some 1,000 lines: more waiting means the disk is stuck */
#define WRITE_AT (BUFFER_SIZE / 4)
#define WRITE_AFTER_MS                                                                             \
	50 /* a line waits no longer; waking the writer for each costs more than the line */
#define LINE_MAX_LEN 1024

struct buffer {
	size_t len;
	uint64_t n_lines;
	char bytes[BUFFER_SIZE];
};

struct access_log {
	char *path; /* NULL: standard output */
	int fd;     /* the writer's */
	bool is_on; /* the thread runs */
	pthread_t thread;
	pthread_mutex_t lock; /* guards filling, is_ending */
	pthread_cond_t wake;
	struct buffer *filling, *writing;
	bool is_ending;
	_Atomic uint64_t n_dropped;
	int64_t second; /* [loop] what second_text says */
	char second_text[CLOCK_TEXT_MAX];
};

/* The group may read it, whatever the umask: that is how log shippers get at it. Neither a link nor a
 * pipe that nobody reads, which would hold up the start, may lie in its place. */
static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		      0640);
	struct stat st;

	if (fd >= 0)
		(void)fcntl(fd, F_SETFL, O_APPEND); /* the writer may wait; only open may not */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		(void)fchmod(fd, 0640); /* another worker may own the file already */
	return fd;
}

/* ---- The writer ---- */

static bool was_moved(const struct access_log *log)
{
	struct stat here, there;

	return fstat(log->fd, &here) != 0 || stat(log->path, &there) != 0 ||
	       here.st_ino != there.st_ino || here.st_dev != there.st_dev;
}

static void reopen(struct access_log *log)
{
	int fd = open_file(log->path);

	if (fd < 0)
		return; /* the moved file is better than none */
	(void)close(log->fd);
	log->fd = fd;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static void write_batch(struct access_log *log)
{
	struct buffer *batch = log->writing;

	if (log->path && was_moved(log))
		reopen(log);
	if (!write_all(log->fd, batch->bytes, batch->len))
		atomic_fetch_add(&log->n_dropped, batch->n_lines);
	batch->len = 0;
	batch->n_lines = 0;
}

/* Locked. A first line, and then as many as come in a moment. */
static void wait_for_lines(struct access_log *log)
{
	struct timespec until;
	int64_t until_ms;
	int rc = 0;

	while (log->filling->len == 0 && !log->is_ending)
		(void)pthread_cond_wait(&log->wake, &log->lock);
	until_ms = clock_mono_ms() + WRITE_AFTER_MS;
	until = (struct timespec){ .tv_sec = until_ms / 1000,
				   .tv_nsec = until_ms % 1000 * 1000000 };
	while (log->filling->len < WRITE_AT && !log->is_ending && rc == 0)
		rc = pthread_cond_timedwait(&log->wake, &log->lock, &until);
}

static void *writer(void *arg)
{
	struct access_log *log = arg;
	bool is_ending;

	do {
		struct buffer *full;

		(void)pthread_mutex_lock(&log->lock);
		wait_for_lines(log);
		is_ending = log->is_ending;
		full = log->filling;
		log->filling = log->writing;
		(void)pthread_mutex_unlock(&log->lock);
		log->writing = full;
		if (full->len > 0)
			write_batch(log);
	} while (!is_ending);
	return NULL;
}

/* Signals are the loop thread's. */
static bool start_writer(struct access_log *log)
{
	sigset_t all, before;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&log->thread, NULL, writer, log);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error == 0;
}

static void destroy(struct access_log *log)
{
	if (log->fd >= 0)
		(void)close(log->fd);
	(void)pthread_mutex_destroy(&log->lock);
	(void)pthread_cond_destroy(&log->wake);
	free(log->filling);
	free(log->writing);
	free(log->path);
	free(log);
}

struct access_log *access_log_new(const char *path, struct err *err)
{
	bool is_stdout = strcmp(path, "-") == 0;
	struct access_log *log = xcalloc(1, sizeof(*log));
	pthread_condattr_t attr;

	log->filling = xcalloc(1, sizeof(*log->filling));
	log->writing = xcalloc(1, sizeof(*log->writing));
	(void)pthread_mutex_init(&log->lock, NULL);
	(void)pthread_condattr_init(&attr); /* none of these fail on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&log->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	log->fd = -1;
	if (!*path)
		return log;
	if (!is_stdout)
		log->path = xstrdup(path);
	log->fd = is_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open_file(path);
	if (log->fd < 0) {
		(void)err_set(err, "access log %s: %s", path, strerror(errno));
		goto fail;
	}
	log->is_on = start_writer(log);
	if (!log->is_on) {
		(void)err_set(err, "access log: no thread");
		goto fail;
	}
	return log;
fail:
	destroy(log);
	return NULL;
}

void access_log_free(struct access_log *log)
{
	if (!log)
		return;
	if (log->is_on) {
		(void)pthread_mutex_lock(&log->lock);
		log->is_ending = true;
		(void)pthread_cond_signal(&log->wake);
		(void)pthread_mutex_unlock(&log->lock);
		(void)pthread_join(log->thread, NULL);
	}
	destroy(log);
}

uint64_t access_log_n_dropped(const struct access_log *log)
{
	return log ? atomic_load(&log->n_dropped) : 0;
}

/* ---- The line ---- */

/* Anything but printable ASCII is escaped, so the line is valid JSON whatever the client sent. */
static void put_quoted(struct text *line, const char *name, struct slice value)
{
	text_put(line, name);
	text_put_byte(line, '"');
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c == '"' || c == '\\')
			text_put_byte(line, '\\');
		if (c >= 0x20 && c < 0x7f) {
			text_put_byte(line, (char)c);
		} else {
			text_put(line, "\\u");
			text_put_hex(line, c, 4);
		}
	}
	text_put_byte(line, '"');
}

static void put_optional(struct text *line, const char *name, const char *value)
{
	if (value) {
		put_quoted(line, name, slice_of(value));
		return;
	}
	text_put(line, name);
	text_put(line, "null");
}

/* The date and time of a second are put in words once. */
static void put_time(struct access_log *log, struct text *line)
{
	int64_t now_ms = clock_now_ms();

	if (now_ms / 1000 != log->second) {
		log->second = now_ms / 1000;
		clock_text(now_ms, log->second_text);
	}
	text_put(line, "{\"at\":\"");
	text_put_bytes(line, log->second_text, sizeof("2026-11-20T19:30:00.") - 1);
	text_put_number(line, (uint64_t)(now_ms % 1000), 3);
	text_put(line, "Z\"");
}

static void put_latency(struct text *line, int64_t latency_us)
{
	uint64_t us = latency_us > 0 ? (uint64_t)latency_us : 0;

	text_put(line, ",\"ms\":");
	text_put_number(line, us / 1000, 1);
	text_put_byte(line, '.');
	text_put_number(line, us % 1000, 3);
}

/* What a line tells; the path is the route's pattern, since what stands in a path may name a person. */
struct entry {
	const struct request *request;
	const struct http_answer *answer;
	const char *user;
	int64_t latency_us;
};

static void build(struct access_log *log, struct text *line, const struct entry *entry)
{
	const struct request *request = entry->request;

	put_time(log, line);
	put_quoted(line, ",\"id\":", slice_of(request->id));
	put_quoted(line, ",\"client\":", slice_of(request->client_text));
	put_quoted(line, ",\"method\":", request->http->head.method_name);
	put_optional(line, ",\"path\":", request->route ? request->route->path : NULL);
	text_put(line, ",\"status\":");
	text_put_number(line, (uint64_t)entry->answer->status, 1);
	text_put(line, ",\"bytes\":");
	text_put_number(line, entry->answer->body.len, 1);
	put_latency(line, entry->latency_us);
	put_optional(line, ",\"error\":", entry->answer->error);
	put_optional(line, ",\"user\":", entry->user);
	text_put(line, "}\n");
}

static bool append(struct access_log *log, const struct text *line)
{
	bool fits = false;

	(void)pthread_mutex_lock(&log->lock);
	if (line->len <= BUFFER_SIZE - log->filling->len) {
		size_t before = log->filling->len, after = before + line->len;

		memcpy(log->filling->bytes + before, line->bytes, line->len);
		log->filling->len = after;
		log->filling->n_lines++;
		if (before == 0 || (before < WRITE_AT && after >= WRITE_AT))
			(void)pthread_cond_signal(&log->wake);
		fits = true;
	}
	(void)pthread_mutex_unlock(&log->lock);
	return fits;
}

void access_log_request(struct access_log *log, const struct request *request,
			const struct http_answer *answer, const char *user, int64_t latency_us)
{
	struct entry entry = { request, answer, user, latency_us };
	char bytes[LINE_MAX_LEN];
	struct text line = { .bytes = bytes, .size = sizeof(bytes) };

	if (!log || !log->is_on)
		return;
	build(log, &line, &entry);
	if (!text_fits(&line) || !append(log, &line))
		atomic_fetch_add(&log->n_dropped, 1);
}
