/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include "xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

union socket_name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static bool read_name(const char *text, union socket_name *name, socklen_t *len_out)
{
	char address[INET6_ADDRSTRLEN];
	struct slice part;
	uint16_t port;

	memset(name, 0, sizeof(*name));
	if (!settings_split_listen(text, &part, &port) || part.len >= sizeof(address))
		return false;
	memcpy(address, part.ptr, part.len);
	address[part.len] = '\0';
	if (inet_pton(AF_INET, address, &name->v4.sin_addr) == 1) {
		name->v4.sin_family = AF_INET;
		name->v4.sin_port = htons(port);
		*len_out = sizeof(name->v4);
		return true;
	}
	name->v6.sin6_family = AF_INET6;
	name->v6.sin6_port = htons(port);
	*len_out = sizeof(name->v6);
	return inet_pton(AF_INET6, address, &name->v6.sin6_addr) == 1;
}

static bool set_options(int fd, int family)
{
	const int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0)
		return false;
	return family != AF_INET6 ||
	       setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0;
}

static int open_socket(const char *text, struct err *err)
{
	union socket_name name;
	socklen_t len = 0;
	int fd;

	if (!read_name(text, &name, &len)) {
		(void)err_set(err, "listen %s: not an address", text);
		return -1;
	}
	fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && set_options(fd, name.any.sa_family) && bind(fd, &name.any, len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	(void)err_set(err, "listen %s: %s", text, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* The same text may stand there again, with port 0: each takes the next socket of that text. */
static int share_socket(const char *text, const struct listeners *own,
			const struct listeners *before)
{
	size_t n_taken = 0;

	for (size_t i = 0; i < own->n_items; i++)
		n_taken += strcmp(own->items[i].text, text) == 0;
	for (size_t i = 0; before && i < before->n_items; i++) {
		if (strcmp(before->items[i].text, text) == 0 && n_taken-- == 0)
			return fcntl(before->items[i].fd, F_DUPFD_CLOEXEC, 0);
	}
	return -1;
}

static bool add(struct listeners *listeners, const char *text, bool is_tls,
		const struct listeners *before, struct err *err)
{
	struct listener *listener = &listeners->items[listeners->n_items];

	(void)snprintf(listener->text, sizeof(listener->text), "%s", text);
	listener->is_tls = is_tls;
	listener->fd = share_socket(text, listeners, before);
	if (listener->fd < 0)
		listener->fd = open_socket(text, err);
	if (listener->fd < 0)
		return false;
	listeners->n_items++;
	return true;
}

static size_t count(const char *const *texts)
{
	size_t n = 0;

	while (texts[n])
		n++;
	return n;
}

bool listeners_open(struct listeners *listeners, const struct server_settings *settings,
		    const struct listeners *before, struct err *err)
{
	size_t n_plain = count(settings->listen), n_tls = count(settings->listen_tls);

	*listeners = (struct listeners){ 0 };
	listeners->items = xcalloc(n_plain + n_tls + 1, sizeof(*listeners->items));
	for (size_t i = 0; i < n_plain + n_tls; i++) {
		bool is_tls = i >= n_plain;
		const char *text = is_tls ? settings->listen_tls[i - n_plain] : settings->listen[i];

		if (!add(listeners, text, is_tls, before, err)) {
			listeners_close(listeners);
			return false;
		}
	}
	return true;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->n_items; i++)
		(void)close(listeners->items[i].fd);
	free(listeners->items);
	*listeners = (struct listeners){ 0 };
}

void listeners_shut(const struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->n_items; i++)
		(void)shutdown(listeners->items[i].fd,
			       SHUT_RD); /* a shared one may be shut already */
}

void listener_url(int fd, bool is_tls, char out[LISTENER_URL_MAX])
{
	const char *scheme = is_tls ? "https" : "http";
	char text[INET6_ADDRSTRLEN] = "";
	union socket_name name;
	socklen_t len = sizeof(name);

	memset(&name, 0, sizeof(name));
	(void)getsockname(fd, &name.any, &len); /* a bound socket of ours has a name */
	if (name.any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &name.v6.sin6_addr, text, sizeof(text));
		(void)snprintf(out, LISTENER_URL_MAX, "%s://[%s]:%u", scheme, text,
			       ntohs(name.v6.sin6_port));
	} else {
		(void)inet_ntop(AF_INET, &name.v4.sin_addr, text, sizeof(text));
		(void)snprintf(out, LISTENER_URL_MAX, "%s://%s:%u", scheme, text,
			       ntohs(name.v4.sin_port));
	}
}

int listener_open_control(const char *path, struct err *err)
{
	union socket_name name = { .local = { .sun_family = AF_UNIX } };
	int fd;

	if (strlen(path) >= sizeof(name.local.sun_path)) {
		(void)err_set(err, "%s: longer than %zu bytes, too long for a socket", path,
			      sizeof(name.local.sun_path) - 1);
		return -1;
	}
	memcpy(name.local.sun_path, path, strlen(path) + 1);
	(void)unlink(path); /* one that is in use has been excluded by the lock */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, &name.any, sizeof(name.local)) == 0 && chmod(path, 0600) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	(void)err_set(err, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}
