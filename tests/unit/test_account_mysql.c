/* SPDX-License-Identifier: Apache-2.0 */
/* What two transactions may do to an account between two statements of each other, where nothing but the
 * rows themselves holds them apart. */
#include "account.h"
#include "clock.h"
#include "migrate.h"
#include "mysql_store.h"

#include <pintle/status.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PHONE "+8613800138000"

static struct mysql_server server;

/* One instance of the host, whose driver lets somebody in before a certain statement. */
static struct {
	struct mysql_store store;
	struct db db;
	struct pintle_db ops;
	const char *before; /* how that statement begins; NULL: nobody is let in any more */
	void *(*intrude)(void *);
} here;

static int32_t query(void *self, struct pintle_tx *tx, const struct pintle_query *given)
{
	if (here.before && strncmp(given->sql, here.before, strlen(here.before)) == 0) {
		pthread_t thread;

		here.before = NULL;
		assert_int_equal(pthread_create(&thread, NULL, here.intrude, NULL), 0);
		(void)pthread_join(thread, NULL);
	}
	return here.store.db.ops->query(self, tx, given);
}

static struct tx new_tx(void)
{
	return (struct tx){ .db = &here.db, .deadline_ms = clock_mono_ms() + DB_TEST_MS };
}

static int setup(void **state)
{
	struct err err = { "" };

	(void)state;
	memset(&here, 0, sizeof(here));
	if (!mysql_store_open(&here.store, &server, NULL))
		return -1;
	here.ops = *here.store.db.ops;
	here.ops.query = query;
	here.db = (struct db){ &here.ops, here.store.db.self };
	if (!migrate_run(&here.db, "core", migrate_core, migrate_n_core, NULL, &err))
		fail_msg("%s", err.text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mysql_store_close(&here.store);
	return 0;
}

static int64_t add_account(const char *ns, const char *subject, bool is_verified)
{
	const char *const types[] = { "farmer", NULL };
	const struct account_settings settings = { .user_types = types };
	const struct pintle_identity identity = { sizeof(identity), is_verified, ns, subject };
	struct tx tx = new_tx();
	struct account account;

	assert_int_equal(account_create(&tx, &settings, &identity, "main", NULL, NULL, &account),
			 PINTLE_OK);
	return account.id;
}

static int32_t link_to(int64_t id, const char *ns, const char *subject, bool is_verified)
{
	const struct pintle_identity identity = { sizeof(identity), is_verified, ns, subject };
	struct tx tx = new_tx();

	return account_link(&tx, id, &identity, "main", NULL);
}

static int64_t owner_of(const char *ns, const char *subject)
{
	struct tx tx = new_tx();
	struct account account = { 0 };
	int32_t status = account_find(&tx, ns, subject, true, &account);

	assert_true(status == PINTLE_OK || status == PINTLE_NOT_FOUND);
	return account.id;
}

/* ---- A sign-in and a freeze ---- */

static int64_t alice, bob;

static void *freeze_alice(void *arg)
{
	struct tx tx = new_tx();

	assert_int_equal(account_set_status(&tx, alice, PINTLE_FROZEN), PINTLE_OK);
	return arg;
}

static int32_t sign_in(void)
{
	const struct pintle_identity identity = { sizeof(identity), 1, "phone", PHONE };
	struct tx tx = new_tx();
	const struct login login = { &identity, "192.0.2.1", clock_now_ms(), clock_now_ms() };
	struct account account;
	int32_t status = db_begin(&tx);

	assert_int_equal(status, PINTLE_OK);
	status = account_find(&tx, "phone", PHONE, true, &account);
	if (status == PINTLE_OK && account.status != PINTLE_ACTIVE)
		status = PINTLE_FORBIDDEN;
	if (status == PINTLE_OK)
		status = account_note_login(&tx, account.id, &login);
	if (status == PINTLE_OK)
		return db_commit(&tx);
	db_rollback(&tx);
	return status;
}

static void a_freeze_beats_the_sign_in_under_way(void **state)
{
	(void)state;
	alice = add_account("phone", PHONE, true);
	assert_int_equal(sign_in(), PINTLE_OK);
	here.before = "UPDATE users SET last_login_time";
	here.intrude = freeze_alice;
	assert_int_equal(sign_in(), PINTLE_BUSY);
	assert_int_equal(sign_in(), PINTLE_FORBIDDEN);
}

static void *unlink_phone(void *arg)
{
	static const struct way_in usable[] = { { "email", "main" }, { 0 } };
	struct tx tx = new_tx();

	assert_int_equal(account_unlink(&tx, alice, "phone", PHONE, usable), PINTLE_OK);
	return arg;
}

static void an_identity_unlinked_meanwhile_signs_nobody_in(void **state)
{
	(void)state;
	alice = add_account("phone", PHONE, true);
	assert_int_equal(link_to(alice, "email", "a@example.com", true), PINTLE_OK);
	here.before = "UPDATE users SET last_login_time";
	here.intrude = unlink_phone;
	assert_int_equal(sign_in(), PINTLE_BUSY);
	assert_int_equal(sign_in(), PINTLE_NOT_FOUND);
}

/* ---- Two who claim one identity ---- */

static void *alice_proves(void *arg)
{
	assert_int_equal(link_to(alice, "email", "a@example.com", true), PINTLE_OK);
	return arg;
}

static void *bob_proves(void *arg)
{
	assert_int_equal(link_to(bob, "email", "a@example.com", true), PINTLE_OK);
	return arg;
}

static void claim_as_alice(void)
{
	alice = add_account("phone", PHONE, true);
	bob = add_account("phone", "+8613900139000", true);
	assert_int_equal(link_to(alice, "email", "a@example.com", false), PINTLE_OK);
}

static void a_claim_proved_meanwhile_stays(void **state)
{
	(void)state;
	claim_as_alice();
	here.before = "DELETE FROM user_identities";
	here.intrude = alice_proves;
	assert_int_equal(link_to(bob, "email", "a@example.com", true), PINTLE_CONFLICT);
	assert_int_equal(owner_of("email", "a@example.com"), alice);
}

static void a_claim_that_gave_way_is_not_confirmed(void **state)
{
	(void)state;
	claim_as_alice();
	here.before = "UPDATE user_identities";
	here.intrude = bob_proves;
	assert_int_equal(link_to(alice, "email", "a@example.com", true), PINTLE_CONFLICT);
	assert_int_equal(owner_of("email", "a@example.com"), bob);
}

static void a_claim_gives_way(void **state)
{
	(void)state;
	claim_as_alice();
	assert_int_equal(link_to(bob, "email", "a@example.com", true), PINTLE_OK);
	assert_int_equal(owner_of("email", "a@example.com"), bob);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_freeze_beats_the_sign_in_under_way),
		WITH_STORE(an_identity_unlinked_meanwhile_signs_nobody_in),
		WITH_STORE(a_claim_proved_meanwhile_stays),
		WITH_STORE(a_claim_that_gave_way_is_not_confirmed),
		WITH_STORE(a_claim_gives_way),
	};
	int n_failed;

	mysql_server_start(&server, "");
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	mysql_server_free(&server);
	return n_failed;
}
