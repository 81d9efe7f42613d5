/* SPDX-License-Identifier: Apache-2.0 */
/* What may become a password, and that an unknown account goes the way of a wrong password. */
#include "fake_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct fake_plugin plugin;
static struct pintle_inst inst;

/* The one account there is, and what was done to it. Its hash is "hash of" and the password. */
static struct {
	const char *hash; /* NULL: none */
	bool is_unknown, is_stale;
	int n_hashed, n_verified;
	char written[128]; /* the first parameter of the last write */
	int64_t signed_in;
} account;

static int32_t query(struct pintle_call *call, const struct pintle_query *asked)
{
	struct pintle_value row[5] = {
		{ .type = PINTLE_V_TEXT, .ptr = "uuid-1", .len = 6 },
		{ .type = PINTLE_V_NULL },
		{ .type = PINTLE_V_TEXT, .ptr = "", .len = 0 },
		{ .type = PINTLE_V_INT },
		{ .type = PINTLE_V_INT, .num = 1 },
	};

	(void)call;
	if (asked->result)
		asked->result->n_changed = 1;
	if (!asked->row) {
		(void)snprintf(account.written, sizeof(account.written), "%s",
			       asked->params[0].ptr);
		return PINTLE_OK;
	}
	if (account.hash)
		row[1] = (struct pintle_value){ .type = PINTLE_V_TEXT,
						.ptr = account.hash,
						.len = strlen(account.hash) };
	return asked->row(asked->ctx, row, 5);
}

static int32_t hash(struct pintle_call *call, const char *setting, const char *secret,
		    const char **hash_out)
{
	assert_string_equal(setting, "bcrypt:10");
	account.n_hashed++;
	*hash_out = arena_printf(&call->arena, "hash of %s", secret);
	return PINTLE_OK;
}

static int32_t verify_hash(struct pintle_call *call, const char *setting, const char *secret,
			   const char *stored, int32_t *is_stale_out)
{
	assert_string_equal(setting, "bcrypt:10");
	account.n_verified++;
	*is_stale_out = account.is_stale;
	if (!stored)
		return PINTLE_DENIED;
	return strcmp(stored, arena_printf(&call->arena, "hash of %s", secret)) == 0
		       ? PINTLE_OK
		       : PINTLE_DENIED;
}

static int32_t find(struct pintle_call *call, const struct pintle_identity *identity,
		    struct pintle_account *out)
{
	(void)call;
	assert_true(identity->is_verified);
	out->id = 7;
	return account.is_unknown ? PINTLE_NOT_FOUND : PINTLE_OK;
}

static int32_t sign_in(struct pintle_call *call, int64_t id)
{
	(void)call;
	account.signed_in = id;
	return PINTLE_OK;
}

static int64_t user(struct pintle_call *call)
{
	(void)call;
	return 7;
}

static int32_t fine(struct pintle_call *call)
{
	(void)call;
	return PINTLE_OK;
}

static void nothing(struct pintle_call *call)
{
	(void)call;
}

static int32_t link_identity(struct pintle_call *call, int64_t id,
			     const struct pintle_identity *identity)
{
	(void)call;
	assert_int_equal(id, 7);
	assert_string_equal(identity->ns, "password");
	assert_string_equal(identity->subject, "uuid-1");
	return PINTLE_OK;
}

static int set_up(void **state)
{
	struct pintle_host *table = fake_call_table();

	(void)state;
	table->db_query = query;
	table->db_begin = fine;
	table->db_commit = fine;
	table->db_rollback = nothing;
	table->hash = hash;
	table->verify_hash = verify_hash;
	table->account_find = find;
	table->account = sign_in;
	table->user = user;
	table->link = link_identity;
	fake_plugin_init(&plugin, "password", &inst, NULL);
	assert_non_null(plugin.self);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_plugin_fini(&plugin);
	return 0;
}

#define TEN "0123456789"
#define X70 "Kq7-" TEN TEN TEN TEN TEN TEN "zp9w.."

static void each_password_is_judged(void **state)
{
	static const struct {
		const char *secret, *wrong; /* NULL: fine */
	} rows[] = {
		{ "blue-Otter-42", NULL },
		{ "correct horse battery staple", NULL },
		{ "k3Jx9pQz", NULL },
		{ "我的密码很长很长", NULL },
		{ X70 "ab", NULL },
		{ X70 "abc", "password too_long" },
		{ "k3Jx9pQ", "password too_short" },
		{ "我的密码很长", "password too_short" },
		{ "", "password too_short" },
		{ "12345678", "password too_weak" },
		{ "password1", "password too_weak" },
		{ "Passw0rd!", "password too_weak" },
		{ "woaini1314", "password too_weak" },
		{ "WoAiNi1314", "password too_weak" },
		{ "qq123456", "password too_weak" },
		{ "a5201314", "password too_weak" },
		{ "aaaaaaaaaaaa", "password too_weak" },
		{ "pintle2026", "password too_weak" },
		{ NULL, "password required" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const fields[] = { "password", rows[i].secret, NULL };
		struct pintle_call call = { .fields = fields, .purpose = PINTLE_BIND };
		int32_t status;

		memset(&account, 0, sizeof(account));
		status = plugin.desc->provider->bind(plugin.self, &call);
		if (strcmp(call.wrong, rows[i].wrong ? rows[i].wrong : "") != 0 ||
		    (status == PINTLE_OK) != (rows[i].wrong == NULL))
			fail_msg("row %zu: status %d '%s'", i, status, call.wrong);
		if ((account.n_hashed == 1) != (status == PINTLE_OK))
			fail_msg("row %zu: hashed %d times", i, account.n_hashed);
		fake_call_fini(&call);
	}
}

static void each_sign_in(void **state)
{
	static const struct {
		const char *fields[5], *hash;
		bool is_unknown;
		int32_t target_status, status;
		int n_verified;
		const char *target;
	} rows[] = {
		{ { "account", "13800138000", "password", "right" },
		  "hash of right",
		  false,
		  PINTLE_OK,
		  PINTLE_OK,
		  1,
		  "phone +8613800138000" },
		{ { "account", "Ada@Example.com", "password", "right" },
		  "hash of right",
		  false,
		  PINTLE_OK,
		  PINTLE_OK,
		  1,
		  "email ada@example.com" },
		{ { "username", "Ada", "password", "right" },
		  "hash of right",
		  false,
		  PINTLE_OK,
		  PINTLE_OK,
		  1,
		  "username ada" },
		{ { "account", "ada", "password", "wrong" },
		  "hash of right",
		  false,
		  PINTLE_OK,
		  PINTLE_DENIED,
		  1,
		  "username ada" },
		{ { "account", "ada", "password", "right" },
		  NULL,
		  false,
		  PINTLE_OK,
		  PINTLE_DENIED,
		  1,
		  "username ada" },
		{ { "account", "ada", "password", "right" },
		  NULL,
		  true,
		  PINTLE_OK,
		  PINTLE_DENIED,
		  1,
		  "username ada" },
		{ { "account", "ada", "password", "right" },
		  "hash of right",
		  false,
		  PINTLE_LIMITED,
		  PINTLE_LIMITED,
		  0,
		  "username ada" },
		{ { "account", "ada", "password", "right" },
		  "hash of right",
		  false,
		  PINTLE_UNAVAILABLE,
		  PINTLE_UNAVAILABLE,
		  0,
		  "username ada" },
		{ { "account", "ada" }, "hash of right", false, PINTLE_OK, PINTLE_INVALID, 0, "" },
		{ { "password", "right" },
		  "hash of right",
		  false,
		  PINTLE_OK,
		  PINTLE_INVALID,
		  0,
		  "" },
		{ { "phone", "ada", "password", "right" },
		  "hash of right",
		  false,
		  PINTLE_OK,
		  PINTLE_INVALID,
		  0,
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pintle_call call = { .fields = rows[i].fields,
					    .target_status = rows[i].target_status };
		int32_t status;

		memset(&account, 0, sizeof(account));
		account.hash = rows[i].hash;
		account.is_unknown = rows[i].is_unknown;
		status = plugin.desc->provider->verify(plugin.self, &call);
		if (status != rows[i].status || account.n_verified != rows[i].n_verified)
			fail_msg("row %zu: status %d, %d verified", i, status, account.n_verified);
		if (strcmp(call.target, rows[i].target) != 0)
			fail_msg("row %zu: target '%s'", i, call.target);
		if ((account.signed_in == 7) != (status == PINTLE_OK))
			fail_msg("row %zu: signed in %lld", i, (long long)account.signed_in);
		fake_call_fini(&call);
	}
}

static void a_stale_hash_is_renewed_and_a_wrong_one_is_not(void **state)
{
	const char *const right[] = { "account", "ada", "password", "right", NULL };
	const char *const wrong[] = { "account", "ada", "password", "wrong", NULL };
	struct pintle_call call = { .fields = right };

	(void)state;
	memset(&account, 0, sizeof(account));
	account.hash = "hash of right";
	account.is_stale = true;
	assert_int_equal(plugin.desc->provider->verify(plugin.self, &call), PINTLE_OK);
	assert_int_equal(account.n_hashed, 1);
	assert_string_equal(account.written, "hash of right");
	fake_call_again(&call, wrong);
	assert_int_equal(plugin.desc->provider->verify(plugin.self, &call), PINTLE_DENIED);
	assert_int_equal(account.n_hashed, 1);
	fake_call_fini(&call);
}

static void the_first_password_only_is_bound(void **state)
{
	const char *const fields[] = { "password", "blue-Otter-42", NULL };
	struct pintle_call call = { .fields = fields, .purpose = PINTLE_BIND };

	(void)state;
	memset(&account, 0, sizeof(account));
	assert_int_equal(plugin.desc->provider->bind(plugin.self, &call), PINTLE_OK);
	assert_string_equal(call.subject, "password uuid-1");
	assert_string_equal(account.written, "hash of blue-Otter-42");
	account.hash = "hash of another";
	assert_int_equal(plugin.desc->provider->bind(plugin.self, &call), PINTLE_CONFLICT);
	fake_call_fini(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_password_is_judged),
		cmocka_unit_test(each_sign_in),
		cmocka_unit_test(a_stale_hash_is_renewed_and_a_wrong_one_is_not),
		cmocka_unit_test(the_first_password_only_is_bound),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
