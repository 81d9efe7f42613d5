/* SPDX-License-Identifier: Apache-2.0 */
#include "host_make.h"

#include "clock.h"
#include "limbo.h"
#include "live.h"
#include "migrate.h"
#include "namespace.h"
#include "routes.h"
#include "services.h"
#include "test_number.h"
#include "watch.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Events, batches of the audit log and recurring work of plugins: few at once, many may wait. */
#define BACKGROUND_CAP 4
#define BACKGROUND_QUEUE 4096
/* Messages until their sender is chosen: a listener that hangs holds up none. */
#define DELIVERY_CAP 4
#define DELIVERY_QUEUE 4096

static size_t n_hash_threads(const struct host_start *start)
{
	int64_t n = start->settings->pool.hash_threads;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	n /= (int64_t)start->n_workers;
	return n > 0 ? (size_t)n : 1;
}

static void make_threads(struct host *host, const struct host_start *start)
{
	const struct pool_settings *pool = &start->settings->pool;

	host->loop = loop_new();
	host->pool = pool_new();
	host->requests =
		pool_class_new(host->pool, "requests", (size_t)pool->threads, (size_t)pool->queue);
	host->verifies = pool_class_new(host->pool, "verifies", (size_t)pool->verify_threads,
					(size_t)pool->queue);
	host->background =
		pool_class_new(host->pool, "background", BACKGROUND_CAP, BACKGROUND_QUEUE);
	host->delivery = pool_class_new(host->pool, "delivery", DELIVERY_CAP, DELIVERY_QUEUE);
	host->hasher = hasher_new(n_hash_threads(start), (size_t)pool->hash_queue);
}

/* Before any look at a quarantine: whoever lifts one meanwhile sees this note, or is seen. */
static void note_unopened(struct host *host)
{
	const struct conf *conf = &host->snapshot->conf;
	uint64_t all = 0;

	for (size_t i = 0; i < conf->n_sections; i++) {
		int index = board_find_instance(host->board, conf->sections[i].name);

		if (index >= 0)
			all |= UINT64_C(1) << index;
	}
	atomic_store(&host->self->unopened, all);
}

static bool make_instances(struct host *host, struct err *err)
{
	const struct storage_settings *storage = &host->settings->storage;
	const char *const needed[] = { storage->db, storage->kv, NULL };

	note_unopened(host);
	if (!instances_init(&host->instances, host->snapshot, host->board, needed, err))
		return false;
	for (size_t i = 0; i < host->instances.n_items; i++) {
		struct pintle_inst *inst = &host->instances.items[i];

		inst->host = host;
		if (!network_list_init(&inst->receipts_from, inst->settings.receipts_from, err))
			return false;
		inst->board_index = board_find_instance(host->board, inst->name);
		if (inst->board_index < 0)
			return err_set(err, "[%s]: more than %d names of sections since the start",
				       inst->name, BOARD_INSTANCES);
		inst->class =
			pool_class_new(host->pool, inst->name, (size_t)inst->settings.max_running,
				       (size_t)inst->settings.max_waiting);
	}
	return true;
}

/* The names have been checked to be sections of plugins; not yet, that the plugins are of the kind. */
static bool choose_stores(struct host *host, struct err *err)
{
	const struct storage_settings *storage = &host->settings->storage;
	const struct pintle_inst *db = instances_find(&host->instances, storage->db);
	const struct pintle_inst *kv = instances_find(&host->instances, storage->kv);

	if (!db || !db->plugin->desc.db)
		return err_set(err, "[storage] db: the plugin of [%s] is no SQL store",
			       storage->db);
	if (!kv || !kv->plugin->desc.kv)
		return err_set(err, "[storage] kv: the plugin of [%s] is no key-value store",
			       storage->kv);
	host->db.ops = &db->plugin->db;
	host->kv.ops = &kv->plugin->kv;
	host->kv.loop = host->loop;
	host->kv.step_ms = storage->timeout_ms;
	return true;
}

static bool make_secrets(struct host *host, struct err *err)
{
	const char *dir = host->settings->server.state_dir;

	host->seal = seal_new(host->settings->keys.secrets, dir, err);
	if (!host->seal)
		return false;
	host->keyring = keyring_new(&host->token, dir, err);
	return host->keyring != NULL;
}

static bool is_store(const struct host *host, const struct pintle_inst *inst)
{
	return strcmp(inst->name, host->settings->storage.db) == 0 ||
	       strcmp(inst->name, host->settings->storage.kv) == 0;
}

/* What ends workers in quarantine would end each successor too, were it opened. */
static bool is_kept_out(const struct host *host, const struct pintle_inst *inst)
{
	return inst->plugin->is_left_out ||
	       atomic_load(&host->board->instances[inst->board_index].is_quarantined);
}

/* Stores first: the others may ask for them as soon as they are open. Nothing goes without a store. */
static bool open_instances(struct host *host, bool are_stores, struct err *err)
{
	for (size_t i = 0; i < host->instances.n_items; i++) {
		struct pintle_inst *inst = &host->instances.items[i];
		struct breadcrumb before;
		bool ok;

		if (is_store(host, inst) != are_stores || (!are_stores && is_kept_out(host, inst)))
			continue;
		(void)atomic_fetch_and(&host->self->unopened, ~(UINT64_C(1) << inst->board_index));
		before = breadcrumb_enter(inst->board_index, "open");
		ok = instance_open(inst, services(), err);
		breadcrumb_leave(before);
		if (!ok)
			return false;
	}
	return true;
}

static void join_stores(struct host *host)
{
	const struct storage_settings *storage = &host->settings->storage;

	host->db.self = instances_find(&host->instances, storage->db)->self;
	host->kv.self = instances_find(&host->instances, storage->kv)->self;
}

static bool make_test_numbers(struct host *host, struct err *err)
{
	host->test_numbers = test_numbers_new(&host->settings->test_numbers, clock_now_ms(), err);
	return host->test_numbers != NULL;
}

static bool make_networks(struct host *host, struct err *err)
{
	const struct settings *settings = host->settings;

	return network_list_init(&host->trusted, settings->server.trusted_proxies, err) &&
	       network_list_init(&host->metrics_allow, settings->server.metrics_allow, err) &&
	       network_list_init(&host->blocked, settings->limits.blocked_addresses, err);
}

static void make_edge(struct host *host)
{
	const struct server_settings *server = &host->settings->server;
	struct http_server_conf conf = {
		.limits = { .max_head = server->max_head,
			    .max_body = server->max_body,
			    .head_timeout_ms = server->head_timeout_ms,
			    .body_timeout_ms = server->body_timeout_ms,
			    .write_timeout_ms = server->write_timeout_ms,
			    .idle_timeout_ms = server->idle_timeout_ms,
			    .max_connections = server->max_connections,
			    .max_per_address = server->max_per_address },
		.handler = dispatch_handle,
		.refuse = dispatch_refuse,
		.ctx = host,
		.uncounted = &host->trusted,
	};

	host->client = http_client_new(host->loop);
	host->tokens = token_cache_new((size_t)host->settings->token.cache_entries);
	host->http = http_server_new(host->loop, &conf);
}

/* What a dry run leaves out: all that writes to the state folder. */
static bool make_state(struct host *host, struct err *err)
{
	if (!make_secrets(host, err) || !open_instances(host, true, err))
		return false;
	join_stores(host);
	host->limits = (struct limits){ &host->kv, host->seal, &host->settings->limits };
	test_numbers_log(host->test_numbers, clock_now_ms());
	host->audit = audit_new(&host->db, host->pool, host->background);
	host->access_log = access_log_new(host->settings->log.access, err);
	return host->access_log != NULL;
}

static bool make_all(struct host *host, const struct host_start *start, struct err *err)
{
	make_threads(host, start);
	if (!make_instances(host, err) || !choose_stores(host, err) || !groups_make(host, err) ||
	    !make_networks(host, err) || !make_test_numbers(host, err))
		return false;
	host->router = router_new(routes_own, routes_n_own, &host->instances, api_plugin_route,
				  host->board, err);
	if (!host->router)
		return false;
	make_edge(host);
	if (!start->is_dry && !make_state(host, err))
		return false;
	if (!open_instances(host, false, err))
		return false;
	namespace_collect_ways_in(&host->instances);
	return true;
}

bool host_make(struct host *host, const struct host_start *start, struct err *err)
{
	*host = (struct host){ .settings = start->settings,
			       .snapshot = start->snapshot,
			       .board = start->board,
			       .self = start->self,
			       .order_pipe = start->order_pipe,
			       .start_ms = clock_now_ms(),
			       .token = start->settings->token };
	cookie_rules_make(&host->cookie, start->settings);
	if (!*host->token.issuer)
		host->token.issuer = *start->settings->server.public_url
					     ? start->settings->server.public_url
					     : start->url;
	if (make_all(host, start, err))
		return true;
	host_undo(host);
	return false;
}

bool host_migrate(const struct host *host, const struct db *db, struct err *err)
{
	size_t n_applied = 0;

	if (!migrate_run(db, "core", migrate_core, migrate_n_core, &n_applied, err))
		return false;
	for (size_t i = 0; i < host->instances.n_plugins; i++) {
		const struct plugin *plugin = &host->instances.plugins[i];

		if (!migrate_run(db, plugin->name, plugin->migrations, plugin->desc.n_migrations,
				 &n_applied, err))
			return false;
	}
	return true;
}

void host_undo(struct host *host)
{
	live_free(host->live);
	http_server_free(host->http);
	http_client_free(host->client);
	audit_free(host->audit);
	pool_free(host->pool);
	watch_fini();
	access_log_free(host->access_log);
	token_cache_free(host->tokens);
	router_free(host->router);
	network_list_fini(&host->trusted);
	network_list_fini(&host->metrics_allow);
	network_list_fini(&host->blocked);
	test_numbers_free(host->test_numbers);
	groups_free(host);
	for (size_t i = 0; i < host->instances.n_items; i++)
		instance_close(&host->instances.items[i]);
	limbo_free_all(); /* their threads are gone */
	instances_fini(&host->instances);
	keyring_free(host->keyring);
	seal_free(host->seal);
	hasher_free(host->hasher);
	if (host->loop)
		loop_free(host->loop);
	*host = (struct host){ 0 };
}
