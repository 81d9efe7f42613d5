/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins as files and as descriptors: safe opening, loading, and a copy of every table. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "err.h"

#include <pintle/plugin.h>

#define PLUGIN_NAME_MAX 48 /* of a-z, 0-9, _ */

struct plugin {
	char name[PLUGIN_NAME_MAX + 1];
	bool is_left_out;          /* not loaded, so nothing else is known of it */
	void *handle;              /* of dlopen; never closed */
	struct pintle_plugin desc; /* copies, zeroed beyond what the plugin knew */
	struct pintle_provider provider;
	struct pintle_sender sender;
	struct pintle_db db;
	struct pintle_kv kv;
	struct pintle_api api;
	struct pintle_authorizer authorizer;
	struct pintle_listener listener;
	struct pintle_opt *opts;
	struct pintle_input *inputs;
	struct pintle_route *routes;
	struct pintle_migration *migrations;
};

/* Opens dir/name.so without following a link; refuses what is not a regular file owned by root or this
 * user, or what others can write (file and folder). Returns a descriptor of a sealed copy in memory, or
 * -1. */
int plugin_open_file(const char *dir, const char *name, struct err *err);
/* Loads /proc/self/fd/N, checks ABI and tables, copies them. What the process owns (locale, signal
 * handlers, descriptors 0 to 2, umask) must be untouched by it. fd stays open as long as the process
 * lives, since libc knows a library by its path. The tables point into *plugin: it must not move. */
bool plugin_load(struct plugin *plugin, const char *name, int fd, struct err *err);
/* Instead of plugin_load: *plugin has a name, and empty tables. */
void plugin_leave_out(struct plugin *plugin, const char *name);
/* Frees the copies; the library stays loaded. */
void plugin_fini(struct plugin *plugin);

#endif
