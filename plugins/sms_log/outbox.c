/* SPDX-License-Identifier: Apache-2.0 */
/* Messages are printed and kept in state_dir/outbox.json, one a line. */
#include "outbox.h"

#include <pintle/helpers.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_LINES 200
#define OUTBOX_MAX (256 * 1024) /* bytes; a longer outbox is cut to its last KEPT_LINES */

struct outbox {
	const struct pintle_host *host;
	struct pintle_inst *inst;
};

int32_t outbox_open(const struct pintle_host *host, struct pintle_inst *inst, const void *conf,
		    void **self_out, char *err, size_t err_len)
{
	struct outbox *self;

	(void)conf;
	if (!host->is_development(inst)) {
		(void)snprintf(err, err_len,
			       "shows codes to whoever reads the outbox: it runs only when every "
			       "listener is loopback or server.mode is development");
		return PINTLE_INVALID;
	}
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->inst = inst;
	*self_out = self;
	return PINTLE_OK;
}

/* One line of JSON with its line end, to be freed; NULL without memory or for text that is not UTF-8. */
static char *make_line(const struct outbox *self, const struct pintle_message *message)
{
	const char *code = pintle_message_var(message, "code");
	const char *link = pintle_message_var(message, "link");
	json_t *json = json_pack("{s:s, s:s?, s:s*, s:s, s:s?, s:s*, s:s?, s:I}", "to", message->to,
				 "code", code, "link", link, "purpose",
				 pintle_purpose_word(message->purpose), "template",
				 message->template_name, "subject", message->subject, "text",
				 message->text, "at", (json_int_t)self->host->now_ms());
	char *text = json_dumps(json, JSON_COMPACT), *line = NULL;

	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	json_decref(json);
	return line;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Where the last KEPT_LINES of text start. */
static size_t tail_start(const char *text, size_t len)
{
	int n_lines = 0;

	for (size_t i = len; i > 0; i--)
		if (text[i - 1] == '\n' && ++n_lines > KEPT_LINES)
			return i;
	return 0;
}

/* Replaces the outbox by its tail. A reader sees the old file or the new one. */
static int shorten(int dir, int fd, size_t len)
{
	char *text = malloc(len);
	ssize_t n = text ? pread(fd, text, len, 0) : -1;
	int fresh = -1, rc = -1;
	size_t start;

	if (n < 0)
		goto out;
	fresh = openat(dir, "outbox.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (fresh < 0)
		goto out;
	start = tail_start(text, (size_t)n);
	rc = write_all(fresh, text + start, (size_t)n - start);
	if (rc == 0)
		rc = renameat(dir, "outbox.new", dir, "outbox.json");
out:
	if (fresh >= 0)
		(void)close(fresh); /* nothing durable is promised */
	free(text);
	return rc;
}

static int append(int dir, const char *line)
{
	int fd = openat(dir, "outbox.json", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
			0600);
	struct stat st;
	int rc = -1;

	if (fd < 0)
		return -1;
	if (fchmod(fd, 0600) == 0 && write_all(fd, line, strlen(line)) == 0)
		rc = fstat(fd, &st);
	if (rc == 0 && st.st_size > OUTBOX_MAX)
		rc = shorten(dir, fd, (size_t)st.st_size);
	(void)close(fd); /* nothing durable is promised */
	return rc;
}

/* Several workers write. The lock is a file of its own, since the outbox is replaced. */
static int store(const char *path, const char *line)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), lock, rc = -1;

	if (dir < 0)
		return -1;
	lock = openat(dir, "outbox.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock >= 0 && flock(lock, LOCK_EX) == 0)
		rc = append(dir, line);
	if (lock >= 0)
		(void)close(lock); /* gives the lock back */
	(void)close(dir);
	return rc;
}

int32_t outbox_send(void *self_of_inst, struct pintle_call *call,
		    const struct pintle_message *message)
{
	const struct outbox *self = self_of_inst;
	char *line = make_line(self, message);
	int32_t status = PINTLE_OK;

	if (!line)
		return PINTLE_INTERNAL;
	if (store(self->host->state_dir(self->inst), line) != 0) {
		self->host->detail(call, "the outbox cannot be written");
		status = PINTLE_UNAVAILABLE;
	} else {
		(void)fprintf(stderr, "%s: %s", self->host->inst_name(self->inst), line);
	}
	self->host->wipe(line, strlen(line));
	free(line);
	return status;
}
