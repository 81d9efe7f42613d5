/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include "clock.h"
#include "fake_host.h"
#include "log.h"
#include "migrate.h"
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 20000
#define DAY_MS INT64_C(86400000)

struct plugin_under_test {
	struct fake_host *host;
	const struct pintle_plugin *plugin;
	void *self;
};

struct stores {
	char *dir;
	struct plugin_under_test db, kv;
};

static _Atomic int64_t shift_ms;

static void submit(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	struct people *people = self;
	const struct plugin_under_test *kv = &people->stores->kv;

	if (people->hook)
		people->hook(people->hook_arg, request);
	if (people->is_kv_down) {
		const struct pintle_kv_answer answer = {
			.size = sizeof(answer),
			.status = PINTLE_UNAVAILABLE,
		};

		done(ctx, &answer);
		return;
	}
	kv->plugin->kv->submit(kv->self, request, done, ctx);
}

static const struct pintle_kv ops = {
	.size = sizeof(ops),
	.flags = PINTLE_KV_INLINE,
	.submit = submit,
};

static void set_defaults(struct settings *settings)
{
	static const char *const user_types[] = { "farmer", "enterprise", NULL };

	settings->token.access_ttl_ms = DAY_MS;
	settings->token.refresh_ttl_ms = 7 * DAY_MS;
	settings->token.absolute_ttl_ms = 30 * DAY_MS;
	settings->token.refresh_grace_ms = 10000;
	settings->session.max_app = settings->session.max_web = 3;
	settings->session.max_oa = 1;
	settings->account.user_types = user_types;
}

static void open_plugin(struct plugin_under_test *one, const char *name, const char *dir)
{
	static const char *const no_options[] = { NULL };

	one->host = fake_host_new(dir);
	one->plugin = fake_plugin_load(name);
	one->self = fake_plugin_open(one->host, one->plugin, no_options);
	if (!one->self)
		fail_msg("%s: %s", name, fake_host_reason(one->host));
}

static void close_plugin(struct plugin_under_test *one)
{
	one->plugin->close(one->self);
	fake_host_free(one->host);
}

int people_setup(void **state)
{
	struct people *people = calloc(1, sizeof(*people));
	struct stores *stores = calloc(1, sizeof(*stores));
	struct err err = { "" };
	size_t n_applied;

	atomic_store(&shift_ms, 0);
	clock_set_shift(&shift_ms);
	log_init("test", LOG_WARN);
	set_defaults(&people->settings);
	stores->dir = fake_dir_new();
	open_plugin(&stores->db, "db_sqlite", stores->dir);
	open_plugin(&stores->kv, "kv_lmdb", stores->dir);
	people->stores = stores;
	people->db = (struct db){ .ops = stores->db.plugin->db, .self = stores->db.self };
	people->kv = (struct kv){ .ops = &ops, .self = people };
	*state = people;
	if (!migrate_run(&people->db, "core", migrate_core, migrate_n_core, &n_applied, &err))
		fail_msg("%s", err.text);
	return 0;
}

int people_teardown(void **state)
{
	struct people *people = *state;
	struct stores *stores = people->stores;

	close_plugin(&stores->kv);
	close_plugin(&stores->db);
	fake_dir_free(stores->dir);
	arena_fini(&people->arena);
	free(stores);
	free(people);
	clock_set_shift(NULL);
	return 0;
}

void people_wait(int64_t ms)
{
	atomic_fetch_add(&shift_ms, ms);
	fake_clock_move(ms);
}

struct tx people_tx(const struct people *people)
{
	return (struct tx){ .db = &people->db, .deadline_ms = clock_mono_ms() + TIMEOUT_MS };
}

static int32_t read_number(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	(void)n_cols;
	if (cols[0].type == PINTLE_V_INT)
		*(int64_t *)ctx = cols[0].num;
	return PINTLE_OK;
}

int64_t people_number(const struct people *people, const char *sql)
{
	struct tx tx = people_tx(people);
	int64_t number = -1;
	int32_t status = db_first(&tx, sql, DB_NO_PARAMS, read_number, &number);

	assert_true(status == PINTLE_OK || status == PINTLE_NOT_FOUND);
	return number;
}

struct reading {
	struct arena *arena;
	const char *text;
};

static int32_t read_text(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct reading *reading = ctx;

	(void)n_cols;
	if (cols[0].type == PINTLE_V_TEXT)
		reading->text = arena_copy(reading->arena, cols[0].ptr, cols[0].len);
	return PINTLE_OK;
}

const char *people_text(struct people *people, const char *sql)
{
	struct tx tx = people_tx(people);
	struct reading reading = { &people->arena, NULL };
	int32_t status = db_first(&tx, sql, DB_NO_PARAMS, read_text, &reading);

	assert_true(status == PINTLE_OK || status == PINTLE_NOT_FOUND);
	return reading.text;
}

void people_exec(const struct people *people, const char *sql)
{
	struct tx tx = people_tx(people);

	assert_int_equal(db_exec(&tx, sql, DB_NO_PARAMS, NULL, NULL), PINTLE_OK);
}

struct pintle_identity people_identity(const char *ns, const char *subject, bool is_verified)
{
	return (struct pintle_identity){
		.size = sizeof(struct pintle_identity),
		.is_verified = is_verified,
		.ns = ns,
		.subject = subject,
	};
}

int64_t people_add(struct people *people, const char *ns, const char *subject)
{
	struct pintle_identity identity = people_identity(ns, subject, true);
	struct tx tx = people_tx(people);
	struct account account;

	assert_int_equal(
		account_create(&tx, &people->settings.account, &identity, ns, NULL, NULL, &account),
		PINTLE_OK);
	return account.id;
}

struct session people_open(struct people *people, int64_t id, const char *platform)
{
	const struct device device = { .platform = platform, .device_id = "d1", .ip = "192.0.2.1" };
	struct tx tx = people_tx(people);
	struct session session = { .realm = "user", .subject_id = id };
	struct kv_list list = { .arena = &people->arena };
	struct session_ids ended;
	struct account account;

	assert_int_equal(account_by_id(&tx, id, &account), PINTLE_OK);
	utf8_copy(session.uuid, sizeof(session.uuid), account.uuid);
	utf8_copy(session.user_type, sizeof(session.user_type), account.user_type);
	assert_int_equal(db_begin(&tx), PINTLE_OK);
	assert_int_equal(
		session_insert(&tx, &people->settings, &people->arena, &device, &session, &ended),
		PINTLE_OK);
	assert_int_equal(db_commit(&tx), PINTLE_OK);
	session_put_record(&list, &session);
	session_put_tombstones(&list, &people->settings, &ended);
	assert_int_equal(kv_do_list(&people->kv, &list, tx.deadline_ms), PINTLE_OK);
	return session;
}
