/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets, in the order of server.listen and then server.listen_tls. Non-blocking. */
#ifndef LISTENER_H
#define LISTENER_H

#include "settings.h"

#define LISTENER_URL_MAX 80

struct listener {
	char text[64]; /* as configured */
	bool is_tls;
	int fd;
};

struct listeners {
	struct listener *items;
	size_t n_items;
};

/* One socket an address. What before (may be NULL) has open under the same text is shared, so that its
 * queue and its port stay. */
bool listeners_open(struct listeners *listeners, const struct server_settings *settings,
		    const struct listeners *before, struct err *err);
void listeners_close(struct listeners *listeners);
/* Refuses new connections from now on, for every process that shares the sockets. */
void listeners_shut(const struct listeners *listeners);
/* "http://127.0.0.1:8080": the address with its real port. */
void listener_url(int fd, bool is_tls, char out[LISTENER_URL_MAX]);
/* A Unix socket at path that its owner only can reach; replaces what is there. -1 with a reason. */
int listener_open_control(const char *path, struct err *err);

#endif
