/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A head with the descriptors, then the configuration as lengths and bytes. What arrives comes from a
 * process that ran plugins, so it is read as input.
 */
#include "snapshot.h"

#include "xalloc.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct head {
	uint32_t n_fds, len;
};

struct writer {
	char *bytes;
	size_t len, size;
};

struct reader {
	const char *at;
	size_t left;
	bool is_bad;
};

bool snapshot_add_plugin(struct snapshot *snapshot, const char *name, int fd, struct err *err)
{
	struct snapshot_plugin *plugin = &snapshot->plugins[snapshot->n_plugins];

	if (snapshot->n_plugins == SNAPSHOT_PLUGINS || strlen(name) >= sizeof(plugin->name)) {
		(void)close(fd);
		return err_set(err, "more than %d plugins", SNAPSHOT_PLUGINS);
	}
	memcpy(plugin->name, name, strlen(name) + 1);
	plugin->fd = fd;
	snapshot->n_plugins++;
	return true;
}

int snapshot_plugin_fd(const struct snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->n_plugins; i++) {
		if (strcmp(snapshot->plugins[i].name, name) == 0)
			return snapshot->plugins[i].fd;
	}
	return -1;
}

void snapshot_fini(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_plugins; i++)
		(void)close(snapshot->plugins[i].fd);
	conf_fini(&snapshot->conf);
	tls_pem_fini(&snapshot->tls);
	*snapshot = (struct snapshot){ 0 };
}

/* ---- Writing ---- */

static void put(struct writer *w, const void *bytes, size_t len)
{
	if (len > w->size - w->len) {
		size_t size = (w->len + len) * 2;
		char *larger = xcalloc(1, size);

		if (w->bytes) {
			memcpy(larger, w->bytes, w->len);
			explicit_bzero(w->bytes, w->len);
		}
		free(w->bytes);
		w->bytes = larger;
		w->size = size;
	}
	memcpy(w->bytes + w->len, bytes, len);
	w->len += len;
}

static void put_number(struct writer *w, size_t number)
{
	uint32_t n = (uint32_t)number;

	put(w, &n, sizeof(n));
}

static void put_text(struct writer *w, const char *text)
{
	put_number(w, strlen(text));
	put(w, text, strlen(text));
}

/* Files are told apart by their address, since each stands once in conf->files. */
static void put_place(struct writer *w, const struct conf *conf, const char *file, int line)
{
	size_t i = 0;

	while (i < conf->n_files && conf->files[i] != file)
		i++;
	put_number(w, i);
	put_number(w, (size_t)line);
}

static void put_conf(struct writer *w, const struct conf *conf)
{
	put_number(w, conf->n_files);
	for (size_t i = 0; i < conf->n_files; i++)
		put_text(w, conf->files[i]);
	put_number(w, conf->n_sections);
	for (size_t i = 0; i < conf->n_sections; i++) {
		const struct conf_section *section = &conf->sections[i];

		put_text(w, section->name);
		put_place(w, conf, section->file, section->line);
		put_number(w, section->n_keys);
		for (size_t j = 0; j < section->n_keys; j++) {
			put_text(w, section->keys[j].name);
			put_text(w, section->keys[j].value);
			put_place(w, conf, section->keys[j].file, section->keys[j].line);
		}
	}
}

static void put_tls(struct writer *w, const struct tls_pem *pem)
{
	put_number(w, pem->cert != NULL);
	if (!pem->cert)
		return;
	put_text(w, pem->cert);
	put_text(w, pem->key);
}

static bool send_all(int socket, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(socket, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(SNAPSHOT_PLUGINS * sizeof(int))];
};

static bool send_head(const struct snapshot *snapshot, int socket, size_t len)
{
	struct head head = { (uint32_t)snapshot->n_plugins, (uint32_t)len };
	struct iovec iov = { &head, sizeof(head) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t fds_len = snapshot->n_plugins * sizeof(int);
	int fds[SNAPSHOT_PLUGINS];
	union control control;
	ssize_t n;

	memset(&control, 0, sizeof(control));
	for (size_t i = 0; i < snapshot->n_plugins; i++)
		fds[i] = snapshot->plugins[i].fd;
	if (fds_len > 0) {
		struct cmsghdr *cmsg = &control.align;

		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fds_len);
		*cmsg = (struct cmsghdr){ CMSG_LEN(fds_len), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(cmsg), fds, fds_len);
	}
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(head);
}

bool snapshot_send(const struct snapshot *snapshot, int socket, struct err *err)
{
	struct writer w = { 0 };
	bool ok = false;

	put_conf(&w, &snapshot->conf);
	put_tls(&w, &snapshot->tls);
	for (size_t i = 0; i < snapshot->n_plugins; i++)
		put_text(&w, snapshot->plugins[i].name);
	if (w.len > SNAPSHOT_MAX)
		(void)err_set(err, "the configuration has more than %d bytes", SNAPSHOT_MAX);
	else if (send_head(snapshot, socket, w.len) && send_all(socket, w.bytes, w.len))
		ok = true;
	else
		(void)err_set(err, "sending the configuration: %s", strerror(errno));
	explicit_bzero(w.bytes, w.len);
	free(w.bytes);
	return ok;
}

/* ---- Reading ---- */

static const char *get(struct reader *r, size_t len)
{
	const char *at = r->at;

	if (r->is_bad || len > r->left) {
		r->is_bad = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

static size_t get_number(struct reader *r)
{
	const char *at = get(r, sizeof(uint32_t));
	uint32_t n = 0;

	if (at)
		memcpy(&n, at, sizeof(n));
	return n;
}

/* Never NULL; the caller frees. */
static char *get_text(struct reader *r)
{
	size_t len = get_number(r);
	const char *at = get(r, len);

	if (at && memchr(at, '\0', len))
		r->is_bad = true;
	return at ? xstrndup(at, len) : xstrdup("");
}

static const char *get_place(struct reader *r, const struct conf *conf, int *line_out)
{
	size_t file = get_number(r), line = get_number(r);

	if (file >= conf->n_files || line > INT_MAX) {
		r->is_bad = true;
		return NULL;
	}
	*line_out = (int)line;
	return conf->files[file];
}

static void get_key(struct reader *r, const struct conf *conf, struct conf_section *section)
{
	char *name = get_text(r), *value = get_text(r);
	int line = 0;
	const char *file = get_place(r, conf, &line);

	if (!r->is_bad)
		(void)conf_add_key(section, name, value, file, line);
	free(name);
	conf_free_text(value);
}

static void get_section(struct reader *r, struct conf *conf)
{
	char *name = get_text(r);
	int line = 0;
	const char *file = get_place(r, conf, &line);
	size_t n_keys = get_number(r);
	struct conf_section *section;

	if (!r->is_bad) {
		section = conf_add_section(conf, name, file, line);
		while (n_keys-- > 0 && !r->is_bad)
			get_key(r, conf, section);
	}
	free(name);
}

static void get_conf(struct reader *r, struct conf *conf)
{
	for (size_t n = get_number(r); n > 0 && !r->is_bad; n--) {
		char *file = get_text(r);

		(void)conf_add_file(conf, file);
		free(file);
	}
	for (size_t n = get_number(r); n > 0 && !r->is_bad; n--)
		get_section(r, conf);
}

static void get_tls(struct reader *r, struct tls_pem *pem)
{
	if (get_number(r) == 0)
		return;
	pem->cert = get_text(r);
	pem->key = get_text(r);
}

static void get_plugins(struct reader *r, struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_plugins; i++) {
		struct snapshot_plugin *plugin = &snapshot->plugins[i];
		char *name = get_text(r);

		if (snprintf(plugin->name, sizeof(plugin->name), "%s", name) >=
		    (int)sizeof(plugin->name))
			r->is_bad = true;
		free(name);
	}
}

/* Every descriptor that came is in the snapshot, whatever else is wrong. */
static void take_fds(struct snapshot *snapshot, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n && snapshot->n_plugins < SNAPSHOT_PLUGINS; i++) {
			memcpy(&snapshot->plugins[snapshot->n_plugins++].fd,
			       CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		}
	}
}

static bool receive_head(struct snapshot *snapshot, int socket, size_t *len_out)
{
	struct head head = { 0 };
	struct iovec iov = { &head, sizeof(head) };
	union control control;
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n;

	memset(&control, 0, sizeof(control));
	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	take_fds(snapshot, &message);
	*len_out = head.len;
	return n == (ssize_t)sizeof(head) && !(message.msg_flags & MSG_CTRUNC) &&
	       head.n_fds == snapshot->n_plugins && head.len <= SNAPSHOT_MAX;
}

static bool receive_all(int socket, char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(socket, bytes, len, MSG_WAITALL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

bool snapshot_receive(struct snapshot *snapshot, int socket, struct err *err)
{
	struct reader r = { 0 };
	char *bytes = NULL;
	size_t len = 0;
	bool ok = false;

	*snapshot = (struct snapshot){ 0 };
	if (!receive_head(snapshot, socket, &len))
		goto out;
	bytes = xcalloc(1, len + 1);
	if (!receive_all(socket, bytes, len))
		goto out;
	r = (struct reader){ .at = bytes, .left = len };
	get_conf(&r, &snapshot->conf);
	get_tls(&r, &snapshot->tls);
	get_plugins(&r, snapshot);
	ok = !r.is_bad && r.left == 0;
out:
	if (bytes)
		explicit_bzero(bytes, len);
	free(bytes);
	if (ok)
		return true;
	snapshot_fini(snapshot);
	return err_set(err, "the checker ended before it handed the configuration over");
}
