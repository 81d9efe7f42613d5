/* SPDX-License-Identifier: Apache-2.0 */
#include "store_copy.h"

#include "clock.h"
#include "column.h"
#include "copy_report.h"
#include "host.h"
#include "host_make.h"
#include "migrate.h"
#include "neighbours.h"
#include "table_copy.h"
#include "xalloc.h"

#include <pintle/status.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_NAME "store_copy"
#define LOCK_MS 1000
#define ASK_MS 10000

/* Says who lives on a store, so it is none of the things that move. */
static const char not_copied[] = "kv_hosts";

struct store_copy {
	struct host *host;
	const struct store_copy_order *order;
	struct copy_side from, to;
	struct tables tables;
	struct arena arena;
	struct table_copy *copies;
	size_t n_copies;
};

/* ---- Which stores ---- */

static bool find_side(const struct host *host, const char *name, struct copy_side *side,
		      struct err *err)
{
	const struct pintle_inst *inst = instances_find(&host->instances, name);

	if (!inst || !inst->plugin->desc.db)
		return err_set(err, "there is no section [%.60s] of an SQL store", name);
	*side = (struct copy_side){ inst->name, { &inst->plugin->db, inst->self } };
	return true;
}

static bool find_sides(struct store_copy *copy, struct err *err)
{
	if (!find_side(copy->host, copy->order->from, &copy->from, err) ||
	    !find_side(copy->host, copy->order->to, &copy->to, err))
		return false;
	return copy->from.db.self != copy->to.db.self ||
	       err_set(err, "[%s] cannot be copied to itself", copy->from.name);
}

/* Nobody may write to either side. This host does not: its state folder is locked. */
static bool is_quiet(const struct store_copy *copy, const struct copy_side *side, struct err *err)
{
	struct neighbours neighbours = { .db = &side->db };
	struct err why;

	return neighbours_init(&neighbours, copy->host->seal,
			       copy->host->settings->server.state_dir, err) &&
	       (neighbours_alone(&neighbours, &why) ||
		err_set(err, "[%s]: %.900s", side->name, why.text));
}

/* ---- The schema ---- */

static bool has_schema(const struct copy_side *side, const char *owner,
		       const struct pintle_migration *steps, size_t n_steps, struct err *err)
{
	struct err why;

	return migrate_check(&side->db, owner, steps, n_steps, &why) ||
	       err_set(err, "[%s]: %.900s; the source must be of exactly this release", side->name,
		       why.text);
}

static bool has_schemas(const struct store_copy *copy, struct err *err)
{
	const struct instances *instances = &copy->host->instances;

	if (!has_schema(&copy->from, "core", migrate_core, migrate_n_core, err))
		return false;
	for (size_t i = 0; i < instances->n_plugins; i++) {
		const struct plugin *plugin = &instances->plugins[i];

		if (!has_schema(&copy->from, plugin->name, plugin->migrations,
				plugin->desc.n_migrations, err))
			return false;
	}
	return true;
}

struct owners {
	const struct instances *instances;
	char stranger[64];
};

static int32_t look_at_owner(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct owners *owners = ctx;
	const char *owner = column_text(&cols[0]);

	(void)n_cols;
	if (!owner || strcmp(owner, "core") == 0)
		return PINTLE_OK;
	for (size_t i = 0; i < owners->instances->n_plugins; i++) {
		if (strcmp(owners->instances->plugins[i].name, owner) == 0)
			return PINTLE_OK;
	}
	(void)snprintf(owners->stranger, sizeof(owners->stranger), "%s", owner);
	return PINTLE_CONFLICT;
}

/* The tables of a plugin that no section loads would be left behind. */
static bool has_no_stranger(const struct store_copy *copy, struct err *err)
{
	struct owners owners = { .instances = &copy->host->instances };
	struct tx tx = { .db = &copy->from.db, .deadline_ms = clock_mono_ms() + ASK_MS };
	int32_t status = db_each(&tx, "SELECT DISTINCT owner FROM schema_migrations", DB_NO_PARAMS,
				 look_at_owner, &owners);

	if (*owners.stranger)
		return err_set(
			err,
			"[%s]: has tables of the plugin %s, which no section loads; add one, "
			"or they would be left behind",
			copy->from.name, owners.stranger);
	return status == PINTLE_OK || err_set(err, "[%s]: its history cannot be read (status %d)",
					      copy->from.name, status);
}

static bool read_tables(const struct host *host, const char *dialect, struct tables *tables,
			struct err *err)
{
	bool ok = tables_add(tables, "core", migrate_core, migrate_n_core, dialect, err);

	for (size_t i = 0; ok && i < host->instances.n_plugins; i++) {
		const struct plugin *plugin = &host->instances.plugins[i];

		ok = tables_add(tables, plugin->name, plugin->migrations, plugin->desc.n_migrations,
				dialect, err);
	}
	return ok;
}

/* The same on both sides, though each is written in its own dialect. */
static bool learn_tables(struct store_copy *copy, struct err *err)
{
	struct tables others = { 0 };
	bool ok = read_tables(copy->host, copy->from.db.ops->dialect, &copy->tables, err) &&
		  read_tables(copy->host, copy->to.db.ops->dialect, &others, err) &&
		  tables_same(&copy->tables, &others, err);

	tables_fini(&others);
	return ok;
}

/* ---- The copy ---- */

static bool begin_tables(struct store_copy *copy, struct err *err)
{
	copy->copies = xcalloc(copy->tables.n_items + 1, sizeof(*copy->copies));
	for (size_t i = 0; i < copy->tables.n_items; i++) {
		const struct table *table = &copy->tables.items[i];

		if (strcmp(table->name, not_copied) == 0)
			continue;
		if (table->key == SIZE_MAX)
			return err_set(err,
				       "table %s of %s has not one column as its primary key, "
				       "which a copy needs",
				       table->name, table->owner);
		copy->copies[copy->n_copies] =
			(struct table_copy){ .table = table, .from = &copy->from, .to = &copy->to };
		if (!table_copy_begin(&copy->copies[copy->n_copies++], &copy->arena, err))
			return false;
	}
	return true;
}

static bool run_tables(struct store_copy *copy, struct err *err)
{
	struct copy_report report = { 0 };

	for (size_t i = 0; i < copy->n_copies; i++) {
		if (!table_copy_run(&copy->copies[i], copy_report_progress, &report, err))
			return false;
	}
	for (size_t i = 0; i < copy->n_copies; i++) {
		if (!table_copy_verify(&copy->copies[i], err))
			return false;
	}
	return true;
}

/* With the target's lock. */
static bool move(struct store_copy *copy, struct err *err)
{
	return host_migrate(copy->host, &copy->to.db, err) && is_quiet(copy, &copy->to, err) &&
	       begin_tables(copy, err) && run_tables(copy, err) && is_quiet(copy, &copy->from, err);
}

static bool move_alone(struct store_copy *copy, struct err *err)
{
	const struct db *to = &copy->to.db;
	void *lock = NULL;
	int32_t status = to->ops->lock(to->self, LOCK_NAME, LOCK_MS, &lock);
	bool ok;

	if (status != PINTLE_OK)
		return err_set(err,
			       "[%s]: cannot be opened, or another copy into it runs (status %d)",
			       copy->to.name, status);
	ok = move(copy, err);
	to->ops->unlock(to->self, lock);
	return ok;
}

bool store_copy_run(struct host *host, const void *arg, struct err *err)
{
	const struct store_copy_order *order = arg;
	struct store_copy copy = { .host = host, .order = order };
	bool ok = find_sides(&copy, err) && has_schemas(&copy, err) &&
		  has_no_stranger(&copy, err) && learn_tables(&copy, err) &&
		  is_quiet(&copy, &copy.from, err) && move_alone(&copy, err);

	if (ok)
		copy_report_result(copy.copies, copy.n_copies, order->is_json);
	free(copy.copies);
	tables_fini(&copy.tables);
	arena_fini(&copy.arena);
	return ok;
}
