/* SPDX-License-Identifier: Apache-2.0 */
/* One section of conf.d that names a plugin: the plugin's tables, its filled options and its self. */
#ifndef INSTANCE_H
#define INSTANCE_H

#include "account.h"
#include "address.h"
#include "arena.h"
#include "instance_table.h"
#include "opt.h"
#include "plugin.h"
#include "pool.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct host;

/* What an instance has said of itself with describe_instance; where a member is NULL, what its plugin
 * declares holds. */
struct instance_description {
	struct arena memory;
	const char *const *namespaces; /* exact ones */
	const char *const *vouches;
	const char *label_zh, *label_en;
	bool has_no_begin;
};

/* What the ABI calls an instance. */
struct pintle_inst {
	char name[48];
	int board_index;
	const struct plugin *plugin;
	const struct conf_section *section; /* the snapshot's */
	struct instance_settings settings;
	void *conf, *self;
	struct pintle_plain plain; /* self of a plugin without open */
	struct instance_description description;
	struct err *opening; /* while open runs: the host's own reason to refuse it */
	struct pool_class *class;
	struct host *host;
	struct network_list receipts_from;
	_Atomic bool is_off;        /* a sender the operator has switched off; gateway_switch.c's */
	_Atomic bool is_weak;       /* a sender whose messages do not arrive; gateway_share.c's */
	_Atomic int64_t weighed_ms; /* monotonic: when that was seen */
};

/* Every instance of a generation. */
struct instances {
	struct pintle_inst *items;
	size_t n_items;
	struct plugin *plugins;
	size_t n_plugins, n_left_out;
	struct way_in *ways_in; /* namespace.c's; the last has no ns */
};

struct snapshot;

/* Opens the .so of every section that is none of the host's into the snapshot, once each. The checker's
 * part; workers load what it found. */
bool instances_open_files(struct snapshot *snapshot, const char *plugin_dir, struct err *err);

/*
 * Loads every plugin of the snapshot, binds every plugin section, checks for unknown keys, reserved
 * names and fixed namespaces with two owners. Opens nothing: instance_open does, one by one. board_index,
 * class and host are left for the worker to fill. A plugin that crashes while it is loaded is noted on the
 * board by its first section, and left out when that ends_at_load, unless one of the sections needed
 * (NULL-terminated names) has it.
 */
bool instances_init(struct instances *instances, struct snapshot *snapshot,
		    const struct board *board, const char *const *needed, struct err *err);
bool instance_open(struct pintle_inst *inst, const struct pintle_host *services, struct err *err);
void instance_close(struct pintle_inst *inst);
/* [any] Whether ops of it may be run: it is open here and not in quarantine. */
bool instance_is_up(const struct pintle_inst *inst);
/* [any] Whether one may begin with it, once it is open. */
bool instance_has_begin(const struct pintle_inst *inst);
void instances_fini(struct instances *instances);
struct pintle_inst *instances_find(const struct instances *instances, const char *name);

#endif
