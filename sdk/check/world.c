/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "clock.h"
#include "fake_loop.h"
#include "migrate.h"
#include "report.h"
#include "side.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define DB_NAME "pintle.db"

static _Atomic int64_t shift_ms;

/* The driver of the tree, linked in. */
extern const struct pintle_plugin *pintle_plugin_entry(void);

void world_move_clock(int64_t ms)
{
	clock_set_shift(&shift_ms);
	(void)atomic_fetch_add(&shift_ms, ms);
}

const struct pintle_host *services(void)
{
	static struct pintle_host table;
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	(void)pthread_mutex_lock(&mutex);
	if (table.size == 0) {
		services_fill_call(&table);
		services_fill_outcome(&table);
		services_fill_flow(&table);
		services_fill_store(&table);
		services_fill_world(&table);
		services_fill_inst(&table);
		table.abi = PINTLE_ABI;
		table.size = sizeof(table);
	}
	(void)pthread_mutex_unlock(&mutex);
	return &table;
}

/* ---- Folders ---- */

static char run_dir[PATH_MAX]; /* the first one made; the others lie in it */

void world_make_dir(char out[PATH_MAX])
{
	/* In memory where that is possible: nothing here has to survive. */
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");

	if (*run_dir)
		(void)snprintf(out, PATH_MAX, "%.4000s/XXXXXX", run_dir);
	else
		(void)snprintf(out, PATH_MAX, "%.4000s/pintle-check-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(out)) {
		perror(out);
		exit(2);
	}
	if (!*run_dir)
		(void)snprintf(run_dir, sizeof(run_dir), "%s", out);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void world_remove_dir(const char *dir)
{
	if (*dir)
		(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- The database ---- */

static struct opt_table driver_table(void)
{
	const struct pintle_plugin *desc = pintle_plugin_entry();

	return (struct opt_table){ desc->opts, desc->n_opts, desc->conf_size };
}

static void driver_close(struct driver *driver)
{
	const struct opt_table table = driver_table();

	if (driver->db.self)
		pintle_plugin_entry()->close(driver->db.self);
	(void)side_enter(SIDE_HOST);
	if (driver->inst)
		(void)fake_loop_forget(driver->inst); /* what recurs has no end of its own */
	if (driver->conf)
		opt_fini(&table, driver->conf);
	free(driver->conf);
	free(driver->inst);
	*driver = (struct driver){ 0 };
}

static bool driver_open(struct driver *driver, const char *dir, struct err *err)
{
	const struct pintle_plugin *desc = pintle_plugin_entry();
	const struct opt_table table = driver_table();
	int32_t status;

	driver->conf = xcalloc(1, desc->conf_size);
	driver->inst = xcalloc(1, sizeof(*driver->inst));
	(void)snprintf(driver->inst->dir, sizeof(driver->inst->dir), "%s", dir);
	if (!opt_bind(&table, NULL, "sqlite", driver->conf, err))
		return false;
	status = desc->open(services(), driver->inst, driver->conf, &driver->db.self, err->text,
			    sizeof(err->text));
	(void)side_enter(SIDE_HOST); /* it was no plugin under check */
	driver->db.ops = desc->db;
	return status == PINTLE_OK;
}

static bool make_template(const struct world *world, struct err *err)
{
	const struct pintle_plugin *desc = &world->plugin->desc;
	struct driver driver = { 0 };
	size_t n_applied;
	bool ok = driver_open(&driver, world->template_dir, err) &&
		  migrate_run(&driver.db, "core", migrate_core, migrate_n_core, &n_applied, err) &&
		  migrate_run(&driver.db, desc->name, desc->migrations, desc->n_migrations,
			      &n_applied, err);

	driver_close(&driver);
	return ok;
}

static bool copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;
	bool ok = in >= 0 && out >= 0 && fstat(in, &st) == 0 &&
		  sendfile(out, in, NULL, (size_t)st.st_size) == st.st_size;

	if (in >= 0)
		(void)close(in);
	if (out >= 0)
		(void)close(out);
	return ok;
}

struct db *world_db(struct world *world)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	char from[PATH_MAX], to[PATH_MAX];
	struct err err = { "" };
	bool ok;

	if (world->driver.db.self)
		return &world->driver.db;
	(void)snprintf(from, sizeof(from), "%.4000s/" DB_NAME, world->template_dir);
	(void)snprintf(to, sizeof(to), "%.4000s/" DB_NAME, world->dir);
	(void)pthread_mutex_lock(&mutex);
	ok = access(from, R_OK) == 0 || make_template(world, &err);
	(void)pthread_mutex_unlock(&mutex);
	if (!ok || !copy_file(from, to) || !driver_open(&world->driver, world->dir, &err)) {
		report_fail("L04", "its tables cannot be made: %s", err.text);
		exit(2);
	}
	return &world->driver.db;
}

/* ---- Life ---- */

void world_init(struct world *world, const struct plugin *plugin, const char *template_dir)
{
	*world = (struct world){ .plugin = plugin,
				 .template_dir = template_dir,
				 .state = "pending" };
	world_make_dir(world->dir);
	world->kv = kv_memory_new(clock_now_ms);
}

void world_fini(struct world *world)
{
	driver_close(&world->driver);
	kv_memory_free(world->kv);
	world_remove_dir(world->dir);
	pairs_fini(&world->accounts);
	pairs_fini(&world->kept);
	pairs_fini(&world->tickets);
	pairs_fini(&world->seen);
	pairs_fini(&world->secrets);
	pairs_fini(&world->n_calls);
}
