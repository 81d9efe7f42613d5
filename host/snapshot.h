/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One generation of configuration, resolved and unchangeable: what the short-lived checker hands to the
 * supervisor and every worker of that generation reads. Values are as they were when it was made, and
 * plugins are open descriptors, so that a respawned worker never sees a half-edited file.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "conf.h"

#define SNAPSHOT_PLUGINS 64

struct snapshot_plugin {
	char name[64]; /* of the plugin, as sections name it */
	int fd;
};

struct snapshot {
	struct conf conf;
	struct snapshot_plugin plugins[SNAPSHOT_PLUGINS];
	size_t n_plugins;
};

/* Over a Unix stream socket; descriptors travel with SCM_RIGHTS. */
bool snapshot_send(const struct snapshot *snapshot, int socket, struct err *err);
bool snapshot_receive(struct snapshot *snapshot, int socket, struct err *err);
void snapshot_fini(struct snapshot *snapshot);

#endif
