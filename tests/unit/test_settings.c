/* SPDX-License-Identifier: Apache-2.0 */
#include "conf_text.h"
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pintle/status.h>

/* Lines 1 to 6 of every test's file. */
#define STORES "[storage]\ndb = sql\nkv = map\n[sql]\n[map]\n[gate]\n"

static bool bind(const char *text, struct settings *settings, struct conf *conf, struct err *err)
{
	char all[4096];

	(void)snprintf(all, sizeof(all), STORES "%s", text);
	conf_text_need(conf, all);
	return settings_bind(settings, conf, err);
}

static void tables_are_sane(void **state)
{
	(void)state;
	for (const char *const *name = settings_sections(); *name; name++) {
		const struct opt_table *table = settings_table(*name);
		struct err err = { "" };

		assert_non_null(table);
		if (!opt_table_ok(table, &err))
			fail_msg("%s: %s", *name, err.text);
	}
	assert_ptr_equal(settings_table("group x"), settings_table("group"));
	assert_null(settings_table("groups"));
	assert_null(settings_table("sql"));
}

static void has_the_defaults_of_the_manual(void **state)
{
	struct settings s;
	struct conf conf;
	struct err err = { "" };

	(void)state;
	if (!bind("", &s, &conf, &err))
		fail_msg("%s", err.text);
	assert_string_equal(s.server.listen[0], "127.0.0.1:8080");
	assert_int_equal(s.server.state_dir[0], '/');
	assert_int_equal(s.token.access_ttl_ms, 24 * 3600000);
	assert_int_equal(s.token.refresh_ttl_ms, 7 * 86400000);
	assert_int_equal(s.token.absolute_ttl_ms, INT64_C(30) * 86400000);
	assert_int_equal(s.token.refresh_grace_ms, 10000);
	assert_int_equal(s.limits.flow_ttl_ms, 300000);
	assert_int_equal(s.limits.flow_tries, 5);
	assert_int_equal(s.limits.resend_ms, 60000);
	assert_int_equal(s.limits.code_failures, 10);
	assert_int_equal(s.limits.code_window_ms, 900000);
	assert_int_equal(s.limits.secret_failures, 10);
	assert_int_equal(s.limits.secret_failures_total, 100);
	assert_int_equal(s.limits.send_target_hour, 5);
	assert_int_equal(s.limits.send_target_day, 10);
	assert_string_equal(s.limits.countries[0], "86");
	assert_null(s.limits.countries[1]);
	assert_true(settings_is_loopback(&s));
	settings_fini(&s);
	conf_fini(&conf);
}

static const struct {
	const char *text, *err; /* NULL: taken */
} rows[] = {
	{ "[server]\nlisten = 0.0.0.0:80, [::1]:0\n", NULL },
	{ "[server]\nlisten =\n", "x.ini:8: [server] listen: no listener" },
	{ "[server]\nlisten = localhost:80\n",
	  "x.ini:8: [server] listen: \"localhost:80\" is not" },
	{ "[server]\nlisten = 127.0.0.1\n", "x.ini:8: [server] listen: \"127.0.0.1\" is not" },
	{ "[server]\nlisten = 127.0.0.1:65536\n", "x.ini:8: [server] listen: \"127" },
	{ "[server]\nlisten = ::1:80\n", "x.ini:8: [server] listen: \"::1:80\" is not" },
	{ "[server]\nlisten = [127.0.0.1]:80\n", "x.ini:8: [server] listen: \"[127" },
	{ "[server]\nlisten_tls = 127.0.0.1:443\n",
	  "x.ini:8: [server] listen_tls: listen_tls, tls_cert and tls_key need each other" },
	{ "[server]\ntls_key = k\n", "x.ini:8: [server] tls_key: listen_tls, tls_cert" },
	{ "[server]\ntls_cert = c\ntls_key = k\n", "x.ini:8: [server] tls_cert: listen_tls" },
	{ "[server]\nlisten =\nlisten_tls = 127.0.0.1:443\ntls_cert = c\ntls_key = k\n", NULL },
	{ "[server]\npublic_url = ftp://x\n", "x.ini:8: [server] public_url: must start" },
	{ "[server]\npublic_url = https://x\n", NULL },
	{ "[server]\nreturn_urls = https://x/y, http://z\n", NULL },
	{ "[server]\nreturn_urls = https://x/y, /login\n",
	  "x.ini:8: [server] return_urls: \"/login\"" },
	{ "[server]\nreturn_urls = javascript:x\n", "x.ini:8: [server] return_urls: \"java" },
	{ "[server]\nreturn_urls = https://x/#y\n", "x.ini:8: [server] return_urls: \"https" },
	{ "[server]\nlissten = 1\n",
	  "x.ini:8: [server] lissten: unknown key; did you mean \"listen\"?" },
	{ "[token]\njwt_secret = 0123456789012345678901234567890\n",
	  "x.ini:8: [token] jwt_secret: must have 32 to 4096 bytes, has 31" },
	{ "[token]\njwt_secret = 01234567890123456789012345678901\n", NULL },
	{ "[token]\njwt_secret_previous = 01234567890123456789012345678901\n",
	  "x.ini:8: [token] jwt_secret_previous: needs jwt_secret" },
	{ "[token]\nrefresh_grace = 30s\n", NULL },
	{ "[token]\nrefresh_grace = 31s\n", "x.ini:8: [token] refresh_grace: must be from" },
	{ "[token]\nrefresh_ttl = 31d\n", "x.ini:8: [token] refresh_ttl: must not be longer" },
	{ "[group a]\nsenders = gate\n", NULL },
	{ "[group a]\nsenders = gate, gat\n",
	  "x.ini:8: [group a] senders: there is no section [gat]" },
	{ "[group a]\nsenders = server\n[server]\n",
	  "x.ini:8: [group a] senders: there is no section [server] of a plugin" },
	{ "[group a]\n", "x.ini:7: [group a] senders: this key is required" },
	{ "[group]\nsenders = gate\n", "x.ini:7: [group]: a group needs a name" },
	{ "[group a]\nsenders = gate:3, gate:1000\norder = weighted\n", NULL },
	{ "[group a]\nsenders = gate:3\n",
	  "x.ini:8: [group a] senders: weights count with order = weighted only" },
	{ "[group a]\nsenders = gate:0\norder = weighted\n",
	  "x.ini:8: [group a] senders: \"gate:0\" is not NAME or NAME:WEIGHT" },
	{ "[group a]\nsenders = gate:1001\norder = weighted\n",
	  "x.ini:8: [group a] senders: \"gate:" },
	{ "[group a]\nsenders = gate:-1\norder = weighted\n",
	  "x.ini:8: [group a] senders: \"gate:" },
	{ "[group a]\nsenders = gate:\norder = weighted\n", "x.ini:8: [group a] senders: \"gate:" },
	{ "[group a]\nsenders = :1\norder = weighted\n", "x.ini:8: [group a] senders: \":1" },
	{ "[group a]\nsenders = gat:1\norder = weighted\n",
	  "x.ini:8: [group a] senders: there is no section [gat]" },
	{ "[group a]\nsenders = gate\norder = best\n", "x.ini:9: [group a] order: " },
	{ "[group a]\nsenders = gate\n[group a 86]\nsenders = gate\n[group a 852 reset]\n"
	  "senders = gate\n[group a login]\nsenders = gate\n",
	  NULL },
	{ "[group a 86]\nsenders = gate\n",
	  "x.ini:7: [group a 86]: there is no [group a] for all" },
	{ "[group a]\nsenders = gate\n[group a 8613]\nsenders = gate\n",
	  "x.ini:9: [group a 8613]: \"8613\" is no calling code and no purpose" },
	{ "[group a]\nsenders = gate\n[group a 086]\nsenders = gate\n",
	  "x.ini:9: [group a 086]: " },
	{ "[group a]\nsenders = gate\n[group a logon]\nsenders = gate\n",
	  "x.ini:9: [group a logon]: " },
	{ "[group a]\nsenders = gate\n[group a 86 1]\nsenders = gate\n",
	  "x.ini:9: [group a 86 1]: " },
	{ "[group a]\nsenders = gate\n[group a login 86]\nsenders = gate\n",
	  "x.ini:9: [group a login 86]: \"86\"" },
	{ "[session]\nmax_web = 0\n", "x.ini:8: [session] max_web: must be from 1" },
};

static void checks_what_spans_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct settings s;
		struct conf conf;
		struct err err = { "" };
		bool ok = bind(rows[i].text, &s, &conf, &err);

		if (ok != !rows[i].err ||
		    (!ok && strncmp(err.text, rows[i].err, strlen(rows[i].err)) != 0))
			fail_msg("row %zu: %d \"%s\", not \"%s\"", i, ok, err.text, rows[i].err);
		if (ok)
			settings_fini(&s);
		conf_fini(&conf);
	}
}

/* No value of any limit means "unlimited". */
static void refuses_to_switch_a_limit_off(void **state)
{
	static const char *const values[] = { "0", "-1", "", "none", "9223372036854775807" };
	const struct opt_table *table = settings_table("limits");

	(void)state;
	for (size_t i = 0; i < table->n_opts; i++) {
		const struct pintle_opt *opt = &table->opts[i];
		const char *unit = opt->type == PINTLE_DURATION ? "s" : "";

		if (opt->type == PINTLE_LIST)
			continue;
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			struct settings s;
			struct conf conf;
			struct err err;
			char text[128];

			(void)snprintf(text, sizeof(text), "[limits]\n%s = %s%s\n", opt->name,
				       values[j], unit);
			if (bind(text, &s, &conf, &err))
				fail_msg("%s = %s%s was taken", opt->name, values[j], unit);
			conf_fini(&conf);
		}
	}
}

static void needs_the_sections_of_its_stores(void **state)
{
	static const struct {
		const char *text, *err;
	} missing[] = {
		{ "", "[storage] db: this key is required" },
		{ "[storage]\ndb = sql\n[sql]\n", "x.ini:1: [storage] kv: this key is required" },
		{ "[storage]\ndb = sql\nkv = map\n[map]\n",
		  "x.ini:2: [storage] db: there is no section [sql] of a plugin" },
		{ "[storage]\ndb = sql\nkv = storage\n[sql]\n",
		  "x.ini:3: [storage] kv: there is no section [storage] of a plugin" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		struct settings s;
		struct conf conf;
		struct err err = { "" };

		conf_text_need(&conf, missing[i].text);
		if (settings_bind(&s, &conf, &err))
			fail_msg("row %zu was taken", i);
		if (strncmp(err.text, missing[i].err, strlen(missing[i].err)) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, missing[i].err);
		conf_fini(&conf);
	}
}

static void resolves_paths_and_groups(void **state)
{
	struct settings s;
	struct conf conf;
	struct err err = { "" };

	(void)state;
	if (!bind("[server]\nstate_dir = /var/x\nlisten = 0.0.0.0:80\n[group a]\nsenders = gate\n"
		  "[group a 852 reset]\nsenders = gate:7\norder = weighted\n",
		  &s, &conf, &err))
		fail_msg("%s", err.text);
	assert_string_equal(s.server.state_dir, "/var/x");
	assert_string_equal(s.log.access, "/var/x/access.log");
	assert_int_equal(s.n_groups, 2);
	assert_string_equal(s.groups[0].name, "a");
	assert_string_equal(s.groups[0].country, "");
	assert_int_equal(s.groups[0].purpose, GROUP_ANY_PURPOSE);
	assert_int_equal(s.groups[0].order, GROUP_LISTED);
	assert_string_equal(s.groups[0].senders[0], "gate");
	assert_string_equal(s.groups[1].name, "a");
	assert_string_equal(s.groups[1].country, "852");
	assert_int_equal(s.groups[1].purpose, PINTLE_RESET);
	assert_int_equal(s.groups[1].order, GROUP_WEIGHTED);
	assert_string_equal(s.groups[1].senders[0], "gate:7");
	assert_false(settings_is_loopback(&s));
	settings_fini(&s);
	conf_fini(&conf);
	if (!bind("[log]\naccess = -\n", &s, &conf, &err))
		fail_msg("%s", err.text);
	assert_string_equal(s.log.access, "-");
	settings_fini(&s);
	conf_fini(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_sane),
		cmocka_unit_test(has_the_defaults_of_the_manual),
		cmocka_unit_test(checks_what_spans_keys),
		cmocka_unit_test(refuses_to_switch_a_limit_off),
		cmocka_unit_test(needs_the_sections_of_its_stores),
		cmocka_unit_test(resolves_paths_and_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
