/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: one dlopen, then every table is copied into the host's own form of it, so that nobody asks
 * for versions or sizes later. Which files may be loaded is plugin_file.c's.
 */
#include "plugin.h"

#include "instance_table.h"
#include "opt.h"
#include "plugin_guard.h"
#include "xalloc.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_SIZE_MAX 4096 /* more is no size but garbage */
#define ELEMENTS_MAX 1024
#define STRING(text) #text
#define SYMBOL(name) STRING(name)
/* NOLINTNEXTLINE(bugprone-sizeof-expression): the last member is a pointer, and its size is meant */
#define END_OF(type, member) (offsetof(struct type, member) + sizeof(((struct type *)NULL)->member))

typedef const struct pintle_plugin *entry_fn(void);

/* One table or array of a plugin, and the copy it goes to. */
struct source {
	const char *name;
	const void *from;
	size_t size;  /* as the plugin knows it */
	size_t least; /* what the first ABI had */
	size_t ours;
};

static bool is_size_sane(const struct source *source, struct err *err)
{
	if (source->size >= source->least && source->size <= TABLE_SIZE_MAX)
		return true;
	return err_set(err, "%s has a size of %zu, at least %zu is needed", source->name,
		       source->size, source->least);
}

static bool copy_table(const struct source *source, void *out, struct err *err)
{
	if (!is_size_sane(source, err))
		return false;
	memcpy(out, source->from, source->size < source->ours ? source->size : source->ours);
	return true;
}

/* A new array of elements of our size; NULL when there are none, and with *ok false on failure. */
static void *copy_array(const struct source *source, size_t n, bool *ok, struct err *err)
{
	size_t len = source->size < source->ours ? source->size : source->ours;
	char *copy;

	if (n == 0)
		return NULL;
	if (!is_size_sane(source, err)) {
		*ok = false;
		return NULL;
	}
	if (n > ELEMENTS_MAX || !source->from) {
		*ok = err_set(err, "%s has %zu elements, at most %d can be", source->name, n,
			      source->from ? ELEMENTS_MAX : 0);
		return NULL;
	}
	copy = xcalloc(n, source->ours);
	for (size_t i = 0; i < n; i++)
		memcpy(copy + i * source->ours, (const char *)source->from + i * source->size, len);
	return copy;
}

/* A table of a kind, whose last member of the first ABI is last. */
#define KIND(plugin, member, last)                                                                 \
	{                                                                                          \
		{ #member, (plugin)->desc.member, 0, END_OF(pintle_##member, last),                \
		  sizeof((plugin)->member) },                                                      \
			&(plugin)->member                                                          \
	}

static bool copy_kinds(struct plugin *plugin, struct err *err)
{
	struct {
		struct source source;
		void *out;
	} kinds[] = {
		KIND(plugin, provider, describe),
		KIND(plugin, sender, probe),
		KIND(plugin, db, ping),
		KIND(plugin, kv, epoch),
		KIND(plugin, api, n_routes),
		KIND(plugin, listener, event),
		KIND(plugin, authorizer, permissions),
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i].source.from)
			continue;
		kinds[i].source.size = *(const uint32_t *)kinds[i].source.from;
		if (!copy_table(&kinds[i].source, kinds[i].out, err))
			return false;
	}
	return true;
}

/* From now on the descriptor speaks of the copies only. */
static void link_copies(struct plugin *plugin)
{
	struct pintle_plugin *desc = &plugin->desc;

	desc->provider = desc->provider ? &plugin->provider : NULL;
	desc->sender = desc->sender ? &plugin->sender : NULL;
	desc->db = desc->db ? &plugin->db : NULL;
	desc->kv = desc->kv ? &plugin->kv : NULL;
	desc->api = desc->api ? &plugin->api : NULL;
	desc->authorizer = desc->authorizer ? &plugin->authorizer : NULL;
	desc->listener = desc->listener ? &plugin->listener : NULL;
	desc->opts = plugin->opts;
	desc->opt_size = sizeof(*plugin->opts);
	desc->migrations = plugin->migrations;
	desc->migration_size = sizeof(*plugin->migrations);
	plugin->provider.inputs = plugin->inputs;
	plugin->provider.input_size = sizeof(*plugin->inputs);
	plugin->api.routes = plugin->routes;
	plugin->api.route_size = sizeof(*plugin->routes);
}

#define ARRAY(text, from, element_size, type, last)                                                \
	(&(struct source){ text, from, element_size, END_OF(type, last), sizeof(struct type) })

static bool copy_arrays(struct plugin *plugin, struct err *err)
{
	const struct pintle_plugin *desc = &plugin->desc;
	const struct pintle_provider *provider = &plugin->provider;
	const struct pintle_api *api = &plugin->api;
	bool ok = true;

	plugin->opts = copy_array(ARRAY("opts", desc->opts, desc->opt_size, pintle_opt, help),
				  desc->n_opts, &ok, err);
	plugin->migrations = copy_array(
		ARRAY("migrations", desc->migrations, desc->migration_size, pintle_migration, sql),
		desc->n_migrations, &ok, err);
	plugin->inputs = copy_array(
		ARRAY("inputs", provider->inputs, provider->input_size, pintle_input, is_required),
		provider->n_inputs, &ok, err);
	plugin->routes =
		copy_array(ARRAY("routes", api->routes, api->route_size, pintle_route, summary),
			   api->n_routes, &ok, err);
	return ok;
}

/* The first thing a kind cannot do without and lacks. */
static const char *missing_member(const struct plugin *plugin)
{
	const struct pintle_plugin *desc = &plugin->desc;
	const struct pintle_db *db = &plugin->db;
	const struct pintle_provider *provider = &plugin->provider;

	if (!desc->version || !desc->summary)
		return "version or summary";
	if (!desc->open != !desc->close)
		return "open or close, which go together";
	if (desc->provider && (!provider->verify || !provider->namespaces))
		return "provider.verify or provider.namespaces";
	if (desc->provider && !provider->begin && !(provider->flags & PINTLE_DIRECT))
		return "provider.begin (or the flag PINTLE_DIRECT)";
	if (desc->sender && (!plugin->sender.channel || !plugin->sender.send))
		return "sender.channel or sender.send";
	if (desc->db && (!db->dialect || !db->begin || !db->commit || !db->rollback || !db->query ||
			 !db->lock || !db->unlock || !db->ping))
		return "a member of db";
	if (desc->kv && (!plugin->kv.submit || !plugin->kv.subscribe || !plugin->kv.epoch))
		return "a member of kv";
	if (desc->authorizer && (!plugin->authorizer.realm || !plugin->authorizer.authorize))
		return "authorizer.realm or authorizer.authorize";
	return desc->listener && !plugin->listener.event ? "listener.event" : NULL;
}

static bool check_routes(const struct plugin *plugin, struct err *err)
{
	for (size_t i = 0; i < plugin->api.n_routes; i++) {
		const struct pintle_route *route = &plugin->routes[i];

		if (!route->method || !route->path || !route->summary ||
		    route->kind < PINTLE_TO_BEGIN || route->kind > PINTLE_TO_OP)
			return err_set(err, "route %zu lacks a method, path, summary or kind", i);
		if (route->kind == PINTLE_TO_OP ? !route->op : !plugin->desc.provider)
			return err_set(err, "route %s leads nowhere", route->path);
	}
	return true;
}

static bool copy_plugin(struct plugin *plugin, const struct pintle_plugin *from, struct err *err)
{
	const struct source source = { "the descriptor", from, from->size,
				       END_OF(pintle_plugin, listener), sizeof(plugin->desc) };
	struct opt_table table;
	const char *missing;

	if (from->abi != PINTLE_ABI)
		return err_set(err, "it is built for ABI %u, this host has %u", from->abi,
			       PINTLE_ABI);
	if (!copy_table(&source, &plugin->desc, err))
		return false;
	if (!plugin->desc.name || strcmp(plugin->desc.name, plugin->name) != 0)
		return err_set(err, "it calls itself %.60s", plugin->desc.name ?: "nothing");
	if (!copy_kinds(plugin, err) || !copy_arrays(plugin, err))
		return false;
	link_copies(plugin);
	missing = missing_member(plugin);
	if (missing)
		return err_set(err, "it lacks %s", missing);
	table = (struct opt_table){ plugin->opts, plugin->desc.n_opts, plugin->desc.conf_size };
	return opt_table_ok(&table, err) && instance_table_is_apart(&table, err) &&
	       check_routes(plugin, err);
}

/* dlopen and the entry function, with an eye on what they do to the process. */
static const struct pintle_plugin *open_library(struct plugin *plugin, int fd, struct err *err)
{
	struct plugin_guard before, after;
	const struct pintle_plugin *desc = NULL;
	const char *changed;
	entry_fn *entry;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	plugin_guard_take(&before);
	plugin->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!plugin->handle) {
		(void)err_set(err, "%s", dlerror());
		return NULL;
	}
	*(void **)&entry = dlsym(plugin->handle, SYMBOL(PINTLE_ENTRY));
	if (entry)
		desc = entry();
	plugin_guard_take(&after);
	changed = plugin_guard_differs(&before, &after);
	if (changed)
		(void)err_set(err, "loading it changes %s", changed);
	else if (!desc)
		(void)err_set(err, "it has no %s", SYMBOL(PINTLE_ENTRY));
	return changed ? NULL : desc;
}

bool plugin_load(struct plugin *plugin, const char *name, int fd, struct err *err)
{
	const struct pintle_plugin *desc;
	struct err why;

	*plugin = (struct plugin){ 0 };
	(void)snprintf(plugin->name, sizeof(plugin->name), "%s", name);
	desc = open_library(plugin, fd, &why);
	if (desc && copy_plugin(plugin, desc, &why))
		return true;
	plugin_fini(plugin);
	return err_set(err, "plugin %s.so: %.900s", name, why.text);
}

void plugin_leave_out(struct plugin *plugin, const char *name)
{
	*plugin = (struct plugin){ .is_left_out = true, .desc.version = "", .desc.summary = "" };
	(void)snprintf(plugin->name, sizeof(plugin->name), "%s", name);
}

void plugin_fini(struct plugin *plugin)
{
	free(plugin->opts);
	free(plugin->inputs);
	free(plugin->routes);
	free(plugin->migrations);
	*plugin = (struct plugin){ 0 };
}
