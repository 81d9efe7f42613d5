/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One generation of configuration, resolved and unchangeable: what the short-lived checker hands to the
 * supervisor and every worker of that generation reads. Values, certificate and key are as they were when it
 * was made, and plugins are open descriptors, so that a respawned worker never sees a half-edited file.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "conf.h"
#include "tls.h"

#define SNAPSHOT_PLUGINS 64
#define SNAPSHOT_MAX (16 * 1024 * 1024)

struct snapshot_plugin {
	char name[64]; /* of the plugin, as sections name it */
	int fd;
};

struct snapshot {
	struct conf conf;
	struct tls_pem tls; /* of the listeners that have it */
	struct snapshot_plugin plugins[SNAPSHOT_PLUGINS];
	size_t n_plugins;
};

/* Takes the descriptor over; false when there are too many. */
bool snapshot_add_plugin(struct snapshot *snapshot, const char *name, int fd, struct err *err);
/* The descriptor of a plugin; -1 when it is not in the snapshot. */
int snapshot_plugin_fd(const struct snapshot *snapshot, const char *name);
/* Over a Unix stream socket; descriptors travel with SCM_RIGHTS. */
bool snapshot_send(const struct snapshot *snapshot, int socket, struct err *err);
bool snapshot_receive(struct snapshot *snapshot, int socket, struct err *err);
/* Wipes the values and closes the descriptors. */
void snapshot_fini(struct snapshot *snapshot);

#endif
