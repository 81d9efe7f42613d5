/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_S 120
#define LINE_LEN 512
#define MAX_LINES 512
#define SAME_RULE_MAX 3 /* lines about one rule in one stage; more say nothing new */
#define EXIT_REGULAR 42 /* nothing a plugin would end the process with */
#define EXIT_DIED 43    /* report_die has said why */
#define SHOWN_MAX 4096  /* bytes of a crashed stage's standard error */

/* ---- Inside a stage ---- */

static struct {
	int fd;
	char *where;           /* shared with the parent, LINE_LEN */
	pthread_mutex_t mutex; /* guards what follows */
	char said[MAX_LINES][LINE_LEN];
	size_t n_said, n_failed;
} stage = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static bool is_said_enough(const char *line)
{
	size_t rule_len = strcspn(line + strlen("FAIL "), " ") + strlen("FAIL ");
	int n_same_rule = 0;

	for (size_t i = 0; i < stage.n_said; i++) {
		if (strcmp(stage.said[i], line) == 0)
			return true;
		n_same_rule += strncmp(stage.said[i], line, rule_len + 1) == 0;
	}
	return n_same_rule >= SAME_RULE_MAX || stage.n_said == MAX_LINES;
}

static void say(char line[LINE_LEN])
{
	size_t len;

	for (char *p = line; *p; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
	len = strlen(line);
	line[len] = '\n';
	(void)!write(stage.fd, line, len + 1); /* a pipe to the parent: whole or not at all */
	line[len] = '\0';
}

void report_fail(const char *rule, const char *fmt, ...)
{
	char text[LINE_LEN - 32], line[LINE_LEN];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)snprintf(line, sizeof(line), "FAIL %s %s", rule, text);
	(void)pthread_mutex_lock(&stage.mutex);
	stage.n_failed++;
	if (!is_said_enough(line)) {
		memcpy(stage.said[stage.n_said++], line, sizeof(line));
		say(line);
	}
	(void)pthread_mutex_unlock(&stage.mutex);
}

void report_ok(const char *rule, const char *title)
{
	char line[LINE_LEN];

	(void)snprintf(line, sizeof(line), "ok %s %s", rule, title);
	say(line);
}

void report_skip(const char *why)
{
	char line[LINE_LEN];

	(void)snprintf(line, sizeof(line), "skip %s", why);
	say(line);
	_exit(EXIT_REGULAR);
}

void report_at(const char *fmt, ...)
{
	va_list args;

	(void)pthread_mutex_lock(&stage.mutex);
	va_start(args, fmt);
	(void)vsnprintf(stage.where, LINE_LEN, fmt, args);
	va_end(args);
	(void)pthread_mutex_unlock(&stage.mutex);
}

void report_die(const char *rule, const char *text)
{
	(void)!write(stage.fd, "FAIL ", 5);
	(void)!write(stage.fd, rule, strlen(rule));
	(void)!write(stage.fd, " ", 1);
	(void)!write(stage.fd, stage.where, strnlen(stage.where, LINE_LEN));
	(void)!write(stage.fd, ": ", 2);
	(void)!write(stage.fd, text, strlen(text));
	(void)!write(stage.fd, "\n", 1);
	_exit(EXIT_DIED);
}

size_t report_n_failed(void)
{
	size_t n_failed;

	(void)pthread_mutex_lock(&stage.mutex);
	n_failed = stage.n_failed;
	(void)pthread_mutex_unlock(&stage.mutex);
	return n_failed;
}

/* ---- Around it ---- */

static struct {
	size_t n_passed, n_failed;
	char failed[MAX_LINES][8]; /* their rules */
} all;

/* What a stage has said so far. */
struct heard {
	char rest[LINE_LEN * 2];
	size_t len;
	bool has_result; /* a line about its own rule, or skip */
};

bool report_has_failed(const char *rule)
{
	for (size_t i = 0; i < all.n_failed && i < MAX_LINES; i++) {
		if (strcmp(all.failed[i], rule) == 0)
			return true;
	}
	return false;
}

static void count_failure(const char *line)
{
	if (all.n_failed < MAX_LINES)
		(void)snprintf(all.failed[all.n_failed], sizeof(all.failed[0]), "%.*s",
			       (int)strcspn(line, " "), line);
	all.n_failed++;
}

static void take_line(struct heard *heard, const struct report_stage *about, const char *line)
{
	const char *rule = strchr(line, ' ') ? strchr(line, ' ') + 1 : "";

	if (strncmp(rule, about->rule, strlen(about->rule)) == 0)
		heard->has_result = true;
	if (strncmp(line, "skip ", 5) == 0) {
		heard->has_result = true;
		(void)printf("skip %s %s: %s\n", about->rule, about->title, line + 5);
		return;
	}
	(void)puts(line);
	if (strncmp(line, "FAIL ", 5) == 0)
		count_failure(line + 5);
	else
		all.n_passed++;
}

static void take_bytes(struct heard *heard, const struct report_stage *about)
{
	char *end;

	heard->rest[heard->len] = '\0';
	while ((end = strchr(heard->rest, '\n'))) {
		*end = '\0';
		take_line(heard, about, heard->rest);
		heard->len -= (size_t)(end + 1 - heard->rest);
		memmove(heard->rest, end + 1, heard->len + 1);
	}
	if (heard->len == sizeof(heard->rest) - 1)
		heard->len = 0; /* no line of ours is that long */
}

/* Until the stage closes its end; false when it takes too long. */
static bool listen_to(int fd, int limit_s, struct heard *heard, const struct report_stage *about)
{
	time_t end = time(NULL) + limit_s;

	for (;;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&ready, 1, 200) == 0) {
			if (time(NULL) > end)
				return false;
			continue;
		}
		n = read(fd, heard->rest + heard->len, sizeof(heard->rest) - 1 - heard->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		heard->len += (size_t)n;
		take_bytes(heard, about);
	}
}

static void show_stderr(int fd)
{
	char text[SHOWN_MAX + 1];
	ssize_t n = pread(fd, text, SHOWN_MAX, 0);

	text[n > 0 ? n : 0] = '\0';
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		if (*line)
			(void)printf("     | %s\n", line);
}

static void judge(const struct report_stage *about, struct heard *heard, int status, bool is_late)
{
	const char *where = *stage.where ? stage.where : "its start";

	if (!is_late && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DIED)
		return;
	if (!is_late && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REGULAR) {
		if (!heard->has_result) {
			(void)printf("ok %s %s\n", about->rule, about->title);
			all.n_passed++;
		}
		return;
	}
	if (is_late)
		(void)printf("FAIL %s %s: hangs in %s\n", about->rule, about->title, where);
	else if (WIFSIGNALED(status))
		(void)printf("FAIL %s %s: killed by signal %d (%s) in %s\n", about->rule,
			     about->title, WTERMSIG(status), strsignal(WTERMSIG(status)), where);
	else
		(void)printf("FAIL %s %s: the process ended with %d in %s\n", about->rule,
			     about->title, WEXITSTATUS(status), where);
	count_failure(about->rule);
}

static _Noreturn void run_stage(const struct report_stage *about, void *ctx, int fd, int stderr_fd)
{
	stage.fd = fd;
	(void)dup2(stderr_fd, STDERR_FILENO);
	(void)dup2(stderr_fd, STDOUT_FILENO);
	about->fn(ctx);
	exit(EXIT_REGULAR); /* with what a sanitizer does at the end */
}

void report_run(const struct report_stage *about, void *ctx)
{
	int ends[2], status = 0, stderr_fd = memfd_create("stderr", MFD_CLOEXEC);
	struct heard heard = { .len = 0 };
	bool is_in_time;
	pid_t pid;

	if (!stage.where)
		stage.where = mmap(NULL, LINE_LEN, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stage.where == MAP_FAILED || stderr_fd < 0 || pipe(ends) != 0) {
		perror("pintle-check");
		exit(2);
	}
	*stage.where = '\0';
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		run_stage(about, ctx, ends[1], stderr_fd);
	}
	(void)close(ends[1]);
	is_in_time = pid > 0 &&
		     listen_to(ends[0], about->limit_s ? about->limit_s : LIMIT_S, &heard, about);
	(void)close(ends[0]);
	if (pid > 0 && !is_in_time)
		(void)kill(pid, SIGKILL);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	judge(about, &heard, status, !is_in_time);
	if (!WIFEXITED(status) ||
	    (WEXITSTATUS(status) != EXIT_REGULAR && WEXITSTATUS(status) != EXIT_DIED))
		show_stderr(stderr_fd);
	(void)close(stderr_fd);
}

int report_end(const struct report_watched *watched, size_t n_watched)
{
	for (size_t i = 0; i < n_watched; i++) {
		if (report_has_failed(watched[i].rule))
			continue;
		(void)printf("ok %s %s\n", watched[i].rule, watched[i].title);
		all.n_passed++;
	}
	(void)printf("%zu passed, %zu failed\n", all.n_passed, all.n_failed);
	return all.n_failed > 0;
}
