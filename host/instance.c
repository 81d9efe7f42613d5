/* SPDX-License-Identifier: Apache-2.0 */
/* Sections that name a plugin, and what of them must not collide. */
#include "instance.h"

#include "board.h"
#include "namespace.h"
#include "settings.h"
#include "snapshot.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define NAME_FIRST "abcdefghijklmnopqrstuvwxyz"
#define NAME_CHARS NAME_FIRST "0123456789_-"

static struct opt_table plugin_table(const struct plugin *plugin)
{
	return (struct opt_table){ plugin->opts, plugin->desc.n_opts, plugin->desc.conf_size };
}

static const char *plugin_of(const struct conf_section *section)
{
	const struct conf_key *key = conf_key(section, "plugin");

	return key && *key->value ? key->value : section->name;
}

/* What names the plugin: the key, or the section itself. */
static struct conf_place place_of(const struct conf_section *section)
{
	return conf_place_of(section, section->name, conf_key(section, "plugin") ? "plugin" : NULL);
}

/* The words that stand in the place of {provider} in the host's own paths. */
static bool is_reserved(const char *name)
{
	static const char *const words[] = { "mfa",   "flows",   "login",  "providers",
					     "check", "refresh", "logout", "register" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

static bool check_name(const struct conf_section *section, struct err *err)
{
	struct conf_place place = conf_place_of(section, section->name, NULL);
	const char *name = section->name;
	size_t len = strlen(name);

	if (is_reserved(name))
		return conf_fail(err, &place, "this name is a word of the host's own paths");
	if (!strchr(NAME_FIRST, name[0]) || strspn(name, NAME_CHARS) != len ||
	    len >= sizeof(((struct pintle_inst *)NULL)->name))
		return conf_fail(err, &place,
				 "no section of the host; a plugin's must be a letter and at most "
				 "46 of a-z, 0-9, _, -");
	return true;
}

bool instances_open_files(struct snapshot *snapshot, const char *plugin_dir, struct err *err)
{
	for (size_t i = 0; i < snapshot->conf.n_sections; i++) {
		const struct conf_section *section = &snapshot->conf.sections[i];
		struct conf_place place = place_of(section);
		const char *plugin = plugin_of(section);
		struct err why;
		int fd;

		if (settings_table(section->name))
			continue;
		if (!check_name(section, err))
			return false;
		if (snapshot_plugin_fd(snapshot, plugin) >= 0)
			continue;
		fd = plugin_open_file(plugin_dir, plugin, &why);
		if (fd < 0 || !snapshot_add_plugin(snapshot, plugin, fd, &why))
			return conf_fail(err, &place, "%s%s",
					 place.key ? "" : "neither a section of the host nor a ",
					 why.text);
	}
	return true;
}

/* The first section that asks for a plugin: where to look when it cannot be had. */
static struct conf_place place_of_plugin(const struct conf *conf, const char *plugin)
{
	for (size_t i = 0; i < conf->n_sections; i++) {
		const struct conf_section *section = &conf->sections[i];

		if (!settings_table(section->name) && strcmp(plugin_of(section), plugin) == 0)
			return place_of(section);
	}
	return (struct conf_place){ .file = NULL };
}

static bool load_noted(struct plugin *plugin, const struct snapshot_plugin *file, int board_index,
		       struct err *err)
{
	struct breadcrumb before = breadcrumb_enter(board_index, "load");
	bool ok = plugin_load(plugin, file->name, file->fd, err);

	breadcrumb_leave(before);
	return ok;
}

static bool is_needed(const struct conf *conf, const char *plugin, const char *const *needed)
{
	for (; *needed; needed++) {
		const struct conf_section *section = conf_section(conf, *needed);

		if (section && strcmp(plugin_of(section), plugin) == 0)
			return true;
	}
	return false;
}

static bool is_deadly(const struct board *board, int index)
{
	return index >= 0 && atomic_load(&board->instances[index].ends_at_load);
}

static bool load_plugins(struct instances *instances, const struct snapshot *snapshot,
			 const struct board *board, const char *const *needed, struct err *err)
{
	instances->plugins = xcalloc(snapshot->n_plugins + 1, sizeof(*instances->plugins));
	for (size_t i = 0; i < snapshot->n_plugins; i++) {
		struct plugin *plugin = &instances->plugins[i];
		const struct snapshot_plugin *file = &snapshot->plugins[i];
		struct conf_place place = place_of_plugin(&snapshot->conf, file->name);
		int index = board_find_instance(board, place.section);
		struct err why;

		if (is_deadly(board, index) && !is_needed(&snapshot->conf, file->name, needed)) {
			plugin_leave_out(plugin, file->name);
			instances->n_left_out++;
		} else if (!load_noted(plugin, file, index, &why)) {
			return conf_fail(err, &place, "%s", why.text);
		}
		instances->n_plugins++;
	}
	return true;
}

static const struct plugin *find_plugin(const struct instances *instances, const char *name)
{
	for (size_t i = 0; i < instances->n_plugins; i++) {
		if (strcmp(instances->plugins[i].name, name) == 0)
			return &instances->plugins[i];
	}
	return NULL;
}

/* Fills inst; what it holds after a failure is freed by inst_fini. */
static bool bind_section(struct pintle_inst *inst, const struct instances *instances,
			 struct conf_section *section, struct err *err)
{
	struct conf_place place = conf_place_of(section, section->name, "plugin");
	const struct plugin *plugin = find_plugin(instances, plugin_of(section));
	const struct opt_table *tables[] = { &instance_table, NULL };
	struct opt_table own;

	if (!check_name(section, err))
		return false;
	if (!plugin)
		return conf_fail(err, &place, "there is no plugin %.60s", plugin_of(section));
	own = plugin_table(plugin);
	tables[1] = &own;
	memcpy(inst->name, section->name, strlen(section->name) + 1);
	inst->board_index = -1;
	inst->plugin = plugin;
	inst->section = section;
	inst->conf = xcalloc(1, own.conf_size + 1);
	return opt_bind(&instance_table, section, section->name, &inst->settings, err) &&
	       opt_bind(&own, section, section->name, inst->conf, err) &&
	       (plugin->is_left_out || opt_check_all_used(section, tables, 2, err));
}

static bool bind_sections(struct instances *instances, const struct conf *conf, struct err *err)
{
	instances->items = xcalloc(conf->n_sections + 1, sizeof(*instances->items));
	for (size_t i = 0; i < conf->n_sections; i++) {
		struct pintle_inst *inst = &instances->items[instances->n_items];

		if (settings_table(conf->sections[i].name))
			continue;
		instances->n_items++;
		if (!bind_section(inst, instances, &conf->sections[i], err))
			return false;
	}
	return true;
}

bool instances_init(struct instances *instances, struct snapshot *snapshot,
		    const struct board *board, const char *const *needed, struct err *err)
{
	*instances = (struct instances){ 0 };
	if (load_plugins(instances, snapshot, board, needed, err) &&
	    bind_sections(instances, &snapshot->conf, err) && namespace_check_fixed(instances, err))
		return true;
	instances_fini(instances);
	return false;
}

void instances_fini(struct instances *instances)
{
	for (size_t i = 0; i < instances->n_items; i++) {
		struct pintle_inst *inst = &instances->items[i];
		struct opt_table own;

		if (!inst->plugin)
			continue;
		instance_close(inst);
		opt_fini(&instance_table, &inst->settings);
		network_list_fini(&inst->receipts_from);
		own = plugin_table(inst->plugin);
		opt_fini(&own, inst->conf);
		arena_fini(&inst->description.memory);
		free(inst->conf);
	}
	for (size_t i = 0; i < instances->n_plugins; i++)
		plugin_fini(&instances->plugins[i]);
	free(instances->items);
	free(instances->plugins);
	free(instances->ways_in);
	*instances = (struct instances){ 0 };
}

struct pintle_inst *instances_find(const struct instances *instances, const char *name)
{
	for (size_t i = 0; i < instances->n_items; i++) {
		if (strcmp(instances->items[i].name, name) == 0)
			return &instances->items[i];
	}
	return NULL;
}
