/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "people.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define PHONE "+8613800138000"
#define PHONE2 "+8613900139000"

static const struct way_in usable[] = { { "phone", "main" },
					{ "email", "main" },
					{ "confirm", "main" },
					{ "oidc:*", "main" },
					{ "oidc:*", "other" },
					{ "email", "other" },
					{ 0 } };

static int32_t create(struct people *people, const char *ns, const char *subject, bool is_verified,
		      struct account *out)
{
	struct pintle_identity identity = people_identity(ns, subject, is_verified);
	struct tx tx = people_tx(people);

	return account_create(&tx, &people->settings.account, &identity, "main", NULL, NULL, out);
}

static int32_t find(struct people *people, const char *ns, const char *subject, struct account *out)
{
	struct tx tx = people_tx(people);

	return account_find(&tx, ns, subject, true, out);
}

static int32_t link_by(struct people *people, int64_t id, const char *ns, const char *subject,
		       const char *instance)
{
	struct pintle_identity identity = people_identity(ns, subject, true);
	struct tx tx = people_tx(people);

	return account_link(&tx, id, &identity, instance, NULL);
}

static int32_t link_to(struct people *people, int64_t id, const char *ns, const char *subject,
		       bool is_verified)
{
	struct pintle_identity identity = people_identity(ns, subject, is_verified);
	struct tx tx = people_tx(people);

	return account_link(&tx, id, &identity, "main", NULL);
}

static int32_t unlink_from(struct people *people, int64_t id, const char *ns, const char *subject)
{
	struct tx tx = people_tx(people);

	return account_unlink(&tx, id, ns, subject, usable);
}

static void an_identity_leads_to_its_account(void **state)
{
	struct people *people = *state;
	struct tx tx = people_tx(people);
	struct account made, found;

	assert_int_equal(find(people, "phone", PHONE, &found), PINTLE_NOT_FOUND);
	assert_int_equal(create(people, "phone", PHONE, true, &made), PINTLE_OK);
	assert_int_equal(find(people, "phone", PHONE, &found), PINTLE_OK);
	assert_int_equal(found.id, made.id);
	assert_string_equal(found.uuid, made.uuid);
	assert_string_equal(found.user_type, "farmer");
	assert_int_equal(found.status, PINTLE_ACTIVE);
	assert_string_equal(found.name, "");
	assert_int_equal(account_by_id(&tx, made.id, &found), PINTLE_OK);
	assert_int_equal(account_by_uuid(&tx, made.uuid, &found), PINTLE_OK);
	assert_int_equal(found.id, made.id);
	assert_int_equal(account_by_id(&tx, made.id + 1, &found), PINTLE_NOT_FOUND);
	assert_int_equal(account_by_uuid(&tx, "", &found), PINTLE_NOT_FOUND);
	assert_string_equal(people_text(people, "SELECT phone FROM users"), PHONE);
}

static void an_owned_identity_makes_no_second_account(void **state)
{
	struct people *people = *state;
	struct account first, second;

	assert_int_equal(create(people, "phone", PHONE, true, &first), PINTLE_OK);
	assert_int_equal(create(people, "phone", PHONE, true, &second), PINTLE_CONFLICT);
	assert_int_equal(create(people, "phone", PHONE, false, &second), PINTLE_CONFLICT);
	assert_int_equal(create(people, "phone", PHONE2, true, &second), PINTLE_OK);
	assert_int_equal(people_number(people, "SELECT COUNT(*) FROM users"), 2);
}

static void a_user_type_must_be_a_configured_one(void **state)
{
	struct people *people = *state;
	struct pintle_identity identity = people_identity("phone", PHONE, true);
	struct tx tx = people_tx(people);
	struct account account;

	assert_int_equal(account_create(&tx, &people->settings.account, &identity, "main", NULL,
					"admin", &account),
			 PINTLE_INVALID);
	assert_int_equal(account_create(&tx, &people->settings.account, &identity, "main", NULL,
					"enterprise", &account),
			 PINTLE_OK);
	assert_string_equal(account.user_type, "enterprise");
}

static void a_conflict_leaves_the_transaction_usable(void **state)
{
	struct people *people = *state;
	struct pintle_identity taken = people_identity("phone", PHONE, true);
	struct pintle_identity own = people_identity("phone", PHONE2, true);
	struct tx tx = people_tx(people);
	struct account account;

	(void)people_add(people, "phone", PHONE);
	assert_int_equal(db_begin(&tx), PINTLE_OK);
	assert_int_equal(account_create(&tx, &people->settings.account, &taken, "main", NULL, NULL,
					&account),
			 PINTLE_CONFLICT);
	assert_int_equal(
		account_create(&tx, &people->settings.account, &own, "main", NULL, NULL, &account),
		PINTLE_OK);
	assert_int_equal(account_link(&tx, account.id, &taken, "main", NULL), PINTLE_CONFLICT);
	assert_int_equal(db_commit(&tx), PINTLE_OK);
	assert_int_equal(people_number(people, "SELECT COUNT(*) FROM users"), 2);
	assert_int_equal(people_number(people, "SELECT COUNT(*) FROM user_identities"), 2);
}

static void a_step_of_a_transaction_ends_with_it(void **state)
{
	struct people *people = *state;
	struct pintle_identity identity = people_identity("phone", PHONE, true);
	struct tx tx = people_tx(people);
	struct account account;

	assert_int_equal(db_begin(&tx), PINTLE_OK);
	assert_int_equal(account_create(&tx, &people->settings.account, &identity, "main", NULL,
					NULL, &account),
			 PINTLE_OK);
	db_rollback(&tx);
	assert_int_equal(find(people, "phone", PHONE, &account), PINTLE_NOT_FOUND);
	assert_int_equal(people_number(people, "SELECT COUNT(*) FROM users"), 0);
}

static void an_unproved_identity_gives_way_to_a_proof(void **state)
{
	struct people *people = *state;
	struct account squatter, other, owner, found;
	struct tx tx = people_tx(people);

	assert_int_equal(create(people, "phone", PHONE, true, &squatter), PINTLE_OK);
	assert_int_equal(link_to(people, squatter.id, "email", "v@example.com", false), PINTLE_OK);
	/* It signs nobody in and is shown to nobody. */
	assert_int_equal(find(people, "email", "v@example.com", &found), PINTLE_NOT_FOUND);
	assert_int_equal(account_find(&tx, "email", "v@example.com", false, &found), PINTLE_OK);
	assert_null(people_text(people, "SELECT email FROM users"));
	/* Another claim does not push it out, a proof does: by a new account, or by linking. */
	assert_int_equal(create(people, "email", "v@example.com", false, &other), PINTLE_CONFLICT);
	assert_int_equal(create(people, "email", "v@example.com", true, &owner), PINTLE_OK);
	assert_int_equal(find(people, "email", "v@example.com", &found), PINTLE_OK);
	assert_int_equal(found.id, owner.id);
	assert_int_equal(link_to(people, squatter.id, "email", "w@example.com", false), PINTLE_OK);
	assert_int_equal(link_to(people, owner.id, "email", "w@example.com", true), PINTLE_OK);
	assert_int_equal(link_to(people, squatter.id, "email", "w@example.com", true),
			 PINTLE_CONFLICT);
	assert_int_equal(find(people, "email", "w@example.com", &found), PINTLE_OK);
	assert_int_equal(found.id, owner.id);
}

static void linking_twice_is_linking_once(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);
	int64_t other = people_add(people, "phone", PHONE2);
	struct account found;

	assert_int_equal(link_to(people, id, "email", "a@example.com", false), PINTLE_OK);
	assert_int_equal(find(people, "email", "a@example.com", &found), PINTLE_NOT_FOUND);
	assert_int_equal(link_to(people, id, "email", "a@example.com", true), PINTLE_OK);
	assert_int_equal(find(people, "email", "a@example.com", &found), PINTLE_OK);
	assert_int_equal(found.id, id);
	assert_string_equal(people_text(people, "SELECT email FROM users WHERE email IS NOT NULL"),
			    "a@example.com");
	/* A later claim without proof takes nothing back. */
	assert_int_equal(link_to(people, id, "email", "a@example.com", false), PINTLE_OK);
	assert_int_equal(find(people, "email", "a@example.com", &found), PINTLE_OK);
	assert_int_equal(link_to(people, other, "email", "a@example.com", true), PINTLE_CONFLICT);
	assert_int_equal(link_to(people, 9999, "email", "b@example.com", true), PINTLE_NOT_FOUND);
	assert_int_equal(people_number(people, "SELECT COUNT(*) FROM user_identities"), 3);
}

static void the_last_way_in_stays(void **state)
{
	struct people *people = *state;
	struct account account;
	int64_t id;

	assert_int_equal(create(people, "phone", PHONE, true, &account), PINTLE_OK);
	id = account.id;
	assert_int_equal(unlink_from(people, id, "phone", PHONE), PINTLE_CONFLICT);
	assert_int_equal(unlink_from(people, id, "phone", PHONE2), PINTLE_NOT_FOUND);
	/* Neither an unproved one, nor one that no provider takes, nor what only confirms. */
	assert_int_equal(link_to(people, id, "email", "a@example.com", false), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "phone", PHONE), PINTLE_CONFLICT);
	assert_int_equal(link_to(people, id, "other", "x", true), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "phone", PHONE), PINTLE_CONFLICT);
	assert_int_equal(unlink_from(people, id, "other", "x"), PINTLE_OK);
	assert_int_equal(link_to(people, id, "confirm", account.uuid, true), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "phone", PHONE), PINTLE_CONFLICT);
	/* With a name left, what confirms is a way in. */
	assert_int_equal(link_to(people, id, "username", "alice", true), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "phone", PHONE), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "username", "alice"), PINTLE_CONFLICT);
	assert_int_equal(unlink_from(people, id, "confirm", account.uuid), PINTLE_CONFLICT);
	/* A wildcard covers what begins like it. */
	assert_int_equal(link_to(people, id, "oidc:https://issuer", "7", true), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "confirm", account.uuid), PINTLE_OK);
	assert_int_equal(find(people, "phone", PHONE, &account), PINTLE_NOT_FOUND);
	assert_null(people_text(people, "SELECT phone FROM users"));
}

/* That a pattern is accepted says nothing of an app that is no longer configured. */
static void what_a_section_that_is_gone_has_linked_is_no_way_in(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);

	assert_int_equal(link_by(people, id, "oidc:old", "7", "gone"), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "phone", PHONE), PINTLE_CONFLICT);
	assert_int_equal(link_by(people, id, "oidc:new", "7", NULL), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "phone", PHONE), PINTLE_CONFLICT);
	assert_int_equal(link_by(people, id, "oidc:there", "7", "other"), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "phone", PHONE), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "oidc:there", "7"), PINTLE_CONFLICT);
	/* A name of its own is what it is, whoever has linked it. */
	assert_int_equal(link_by(people, id, "email", "a@example.com", "gone"), PINTLE_OK);
	assert_int_equal(unlink_from(people, id, "oidc:there", "7"), PINTLE_OK);
}

static void nobody_unlinks_what_is_somebody_elses(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);
	int64_t other = people_add(people, "phone", PHONE2);

	assert_int_equal(link_to(people, id, "email", "a@example.com", true), PINTLE_OK);
	assert_int_equal(unlink_from(people, other, "email", "a@example.com"), PINTLE_NOT_FOUND);
	assert_int_equal(unlink_from(people, id, "email", "a@example.com"), PINTLE_OK);
}

static enum account_rest rest_of(struct people *people, int64_t id,
				 const struct pintle_identity *away, size_t n)
{
	struct tx tx = people_tx(people);
	enum account_rest rest;

	assert_int_equal(account_weigh_rest(&tx, id, away, n, usable, &rest), PINTLE_OK);
	return rest;
}

/* Several at once: each of them alone would leave the other. */
static void what_goes_together_is_weighed_together(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);
	const struct pintle_identity away[] = { people_identity("phone", PHONE, true),
						people_identity("email", "a@example.com", true),
						people_identity("phone", PHONE2, true) };

	assert_int_equal(link_to(people, id, "email", "a@example.com", true), PINTLE_OK);
	assert_int_equal(rest_of(people, id, away, 1), ACCOUNT_REACHABLE);
	assert_int_equal(rest_of(people, id, away + 1, 2), ACCOUNT_REACHABLE);
	assert_int_equal(rest_of(people, id, away, 2), ACCOUNT_EMPTY);
	assert_int_equal(rest_of(people, id, away, 3), ACCOUNT_EMPTY);
	assert_int_equal(rest_of(people, id, away + 2, 1), ACCOUNT_REACHABLE);
	assert_int_equal(rest_of(people, id + 1, away, 1), ACCOUNT_EMPTY);
}

static int32_t release(struct people *people, int64_t id, const char *ns, const char *subject)
{
	struct pintle_identity identity = people_identity(ns, subject, true);
	struct tx tx = people_tx(people);

	return account_release(&tx, id, &identity);
}

/* Without a section that takes it a name leads nowhere today; what only confirms names nobody, ever. */
static void a_name_that_no_section_takes_is_still_a_name(void **state)
{
	struct people *people = *state;
	const struct pintle_identity away = people_identity("phone", PHONE, true);
	struct account account;

	assert_int_equal(create(people, "phone", PHONE, true, &account), PINTLE_OK);
	assert_int_equal(link_to(people, account.id, "other", "x", false), PINTLE_OK);
	assert_int_equal(link_to(people, account.id, "confirm", account.uuid, true), PINTLE_OK);
	assert_int_equal(rest_of(people, account.id, &away, 1), ACCOUNT_EMPTY);
	assert_int_equal(link_to(people, account.id, "other", "x", true), PINTLE_OK);
	assert_int_equal(rest_of(people, account.id, &away, 1), ACCOUNT_REACHABLE);
	assert_int_equal(release(people, account.id, "confirm", account.uuid), PINTLE_OK);
	assert_int_equal(rest_of(people, account.id, &away, 1), ACCOUNT_DORMANT);
}

static void what_is_released_may_be_the_last_and_is_the_owners(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);
	int64_t other = people_add(people, "phone", PHONE2);
	struct account found;

	assert_int_equal(release(people, other, "phone", PHONE), PINTLE_NOT_FOUND);
	assert_int_equal(find(people, "phone", PHONE, &found), PINTLE_OK);
	assert_int_equal(release(people, id, "phone", PHONE), PINTLE_OK);
	assert_int_equal(find(people, "phone", PHONE, &found), PINTLE_NOT_FOUND);
	assert_null(people_text(people, "SELECT phone FROM users ORDER BY id"));
	assert_int_equal(release(people, id, "phone", PHONE), PINTLE_NOT_FOUND);
	assert_int_equal(link_to(people, other, "phone", PHONE, true), PINTLE_OK);
}

static void a_number_is_swapped_whole_or_not_at_all(void **state)
{
	struct people *people = *state;
	struct pintle_identity taken = people_identity("phone", PHONE2, true);
	struct pintle_identity fresh = people_identity("phone", "+8613700137000", true);
	struct tx tx = people_tx(people);
	int64_t id = people_add(people, "phone", PHONE);
	struct account found;

	(void)people_add(people, "phone", PHONE2);
	assert_int_equal(account_replace(&tx, id, &taken, "main"), PINTLE_CONFLICT);
	assert_int_equal(find(people, "phone", PHONE, &found), PINTLE_OK);
	assert_int_equal(account_replace(&tx, id, &fresh, "main"), PINTLE_OK);
	assert_int_equal(find(people, "phone", PHONE, &found), PINTLE_NOT_FOUND);
	assert_int_equal(find(people, "phone", "+8613700137000", &found), PINTLE_OK);
	assert_int_equal(found.id, id);
	assert_int_equal(account_replace(&tx, id, &fresh, "main"), PINTLE_OK);
	assert_string_equal(people_text(people, "SELECT phone FROM users ORDER BY id"),
			    "+8613700137000");
}

static void deleting_frees_the_identifiers(void **state)
{
	struct people *people = *state;
	struct tx tx = people_tx(people);
	int64_t id = people_add(people, "phone", PHONE);
	struct account account;

	assert_int_equal(account_set_status(&tx, id, PINTLE_FROZEN), PINTLE_OK);
	assert_int_equal(find(people, "phone", PHONE, &account), PINTLE_OK);
	assert_int_equal(account.status, PINTLE_FROZEN);
	assert_int_equal(account_set_status(&tx, id, PINTLE_ACTIVE), PINTLE_OK);
	assert_int_equal(account_set_status(&tx, id, 3), PINTLE_INVALID);
	assert_int_equal(account_set_status(&tx, id + 1, PINTLE_FROZEN), PINTLE_NOT_FOUND);

	assert_int_equal(account_set_status(&tx, id, PINTLE_DELETED), PINTLE_OK);
	assert_int_equal(find(people, "phone", PHONE, &account), PINTLE_NOT_FOUND);
	assert_int_equal(account_by_id(&tx, id, &account), PINTLE_OK);
	assert_int_equal(account.status, PINTLE_DELETED);
	assert_true(people_number(people, "SELECT deleted_at FROM users") > 0);
	/* It does not come back, and the number gets a fresh account. */
	assert_int_equal(account_set_status(&tx, id, PINTLE_ACTIVE), PINTLE_NOT_FOUND);
	assert_int_equal(link_to(people, id, "phone", PHONE, true), PINTLE_NOT_FOUND);
	assert_true(people_add(people, "phone", PHONE) != id);
}

static int32_t note_login(struct tx *tx, int64_t id, const char *ip, int64_t at_ms)
{
	const struct login login = { NULL, ip, at_ms, at_ms };

	return account_note_login(tx, id, &login);
}

static void a_login_is_noted(void **state)
{
	struct people *people = *state;
	struct tx tx = people_tx(people);
	int64_t id = people_add(people, "phone", PHONE);

	assert_int_equal(note_login(&tx, id, "192.0.2.1", 1234), PINTLE_OK);
	assert_int_equal(note_login(&tx, id, "192.0.2.2", 5678), PINTLE_OK);
	assert_int_equal(account_note_identity_use(&tx, "phone", PHONE, 5678), PINTLE_OK);
	assert_int_equal(people_number(people, "SELECT login_count FROM users"), 2);
	assert_int_equal(people_number(people, "SELECT last_login_time FROM users"), 5678);
	assert_string_equal(people_text(people, "SELECT last_login_ip FROM users"), "192.0.2.2");
	assert_int_equal(account_set_status(&tx, id, PINTLE_FROZEN), PINTLE_OK);
	assert_int_equal(note_login(&tx, id, "192.0.2.3", 9012), PINTLE_BUSY);
	assert_int_equal(account_set_status(&tx, id, PINTLE_ACTIVE), PINTLE_OK);
	people_exec(people, "UPDATE users SET signed_out_at = 9012");
	assert_int_equal(note_login(&tx, id, "192.0.2.3", 9011), PINTLE_BUSY);
	assert_int_equal(people_number(people, "SELECT login_count FROM users"), 2);
	assert_int_equal(note_login(&tx, id, "192.0.2.3", 9012), PINTLE_OK);
	assert_int_equal(people_number(people, "SELECT last_used_at FROM user_identities"), 5678);
}

static int32_t note_login_by(struct people *people, int64_t id, const char *ns, const char *subject)
{
	struct pintle_identity identity = people_identity(ns, subject, true);
	struct tx tx = people_tx(people);
	const struct login login = { &identity, "192.0.2.1", 1234, 1234 };

	return account_note_login(&tx, id, &login);
}

static void a_login_by_what_leads_elsewhere_is_busy(void **state)
{
	static const char email[] = "alice@example.com";
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE),
		other = people_add(people, "phone", PHONE2);

	assert_int_equal(note_login_by(people, id, "phone", PHONE), PINTLE_OK);
	assert_int_equal(note_login_by(people, other, "phone", PHONE), PINTLE_BUSY);
	assert_int_equal(note_login_by(people, id, "email", email), PINTLE_BUSY);
	assert_int_equal(link_to(people, id, "email", email, false), PINTLE_OK);
	assert_int_equal(note_login_by(people, id, "email", email), PINTLE_BUSY);
	assert_int_equal(link_to(people, id, "email", email, true), PINTLE_OK);
	assert_int_equal(note_login_by(people, id, "email", email), PINTLE_OK);
	assert_int_equal(people_number(people, "SELECT SUM(login_count) FROM users"), 2);
}

/* ---- Races ---- */

struct racer {
	struct people *people;
	pthread_barrier_t *start;
	int64_t id;         /* 0: first login, else bind */
	const char *unlink; /* or: this namespace */
	int32_t status;
	struct account account;
};

static void *race(void *arg)
{
	struct racer *racer = arg;

	(void)pthread_barrier_wait(racer->start);
	if (racer->unlink)
		racer->status = unlink_from(racer->people, racer->id, racer->unlink, "s");
	else if (racer->id != 0)
		racer->status = link_to(racer->people, racer->id, "phone", PHONE, true);
	else
		racer->status = create(racer->people, "phone", PHONE, true, &racer->account);
	return NULL;
}

/* Runs both at once; how many ended OK, the others with CONFLICT. */
static int run_race(struct racer racers[2])
{
	pthread_barrier_t start;
	pthread_t threads[2];
	int n_winners = 0;

	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (int i = 0; i < 2; i++) {
		racers[i].start = &start;
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)pthread_barrier_destroy(&start);
	for (int i = 0; i < 2; i++) {
		n_winners += racers[i].status == PINTLE_OK;
		assert_true(racers[i].status == PINTLE_OK || racers[i].status == PINTLE_CONFLICT);
	}
	return n_winners;
}

static void a_first_login_has_one_winner(void **state)
{
	struct people *people = *state;

	for (int round = 0; round < 20; round++) {
		struct racer racers[2] = { { .people = people }, { .people = people } };

		assert_int_equal(run_race(racers), 1);
		assert_int_equal(people_number(people, "SELECT COUNT(*) FROM users"), 1);
		people_exec(people, "DELETE FROM user_identities");
		people_exec(people, "DELETE FROM users");
	}
}

static void a_bind_has_one_winner(void **state)
{
	struct people *people = *state;
	int64_t one = people_add(people, "email", "a@example.com");
	int64_t two = people_add(people, "email", "b@example.com");

	for (int round = 0; round < 20; round++) {
		struct racer racers[2] = { { .people = people, .id = one },
					   { .people = people, .id = two } };

		assert_int_equal(run_race(racers), 1);
		people_exec(people, "DELETE FROM user_identities WHERE namespace = 'phone'");
		people_exec(people, "UPDATE users SET phone = NULL");
	}
}

static void parallel_unlinks_leave_one_way_in(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", "s");

	for (int round = 0; round < 20; round++) {
		struct racer racers[2] = { { .people = people, .id = id, .unlink = "phone" },
					   { .people = people, .id = id, .unlink = "email" } };

		assert_int_equal(link_to(people, id, "phone", "s", true), PINTLE_OK);
		assert_int_equal(link_to(people, id, "email", "s", true), PINTLE_OK);
		assert_int_equal(run_race(racers), 1);
		assert_int_equal(people_number(people, "SELECT COUNT(*) FROM user_identities"), 1);
	}
}

/* ---- Profile ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "(null)";
}

static void a_profile_is_masked(void **state)
{
	static const struct {
		const char *name, *text;
	} members[] = {
		{ "phone", "138****8000" },
		{ "email", "a***@example.com" },
		{ "username", "alice" },
		{ "real_name", "王*" },
		{ "status", "active" },
		{ "user_type", "farmer" },
		{ "gender", "unknown" },
		{ "login_type", "both" },
		{ "avatar", "(null)" },
		{ "avatar_url", "(null)" },
		{ "last_login_at", "2026-11-20T18:00:00.123Z" },
		{ "last_login_time", "2026-11-20T18:00:00.123Z" },
	};
	struct people *people = *state;
	struct tx tx = people_tx(people);
	int64_t id = people_add(people, "phone", PHONE);
	json_t *profile = NULL;

	assert_int_equal(link_to(people, id, "email", "alice@example.com", true), PINTLE_OK);
	assert_int_equal(link_to(people, id, "username", "alice", true), PINTLE_OK);
	people_exec(people, "UPDATE users SET real_name = '王小明', longitude = 121.473701");
	assert_int_equal(note_login(&tx, id, "192.0.2.1", INT64_C(1795197600123)), PINTLE_OK);
	assert_int_equal(account_profile(&tx, id, &profile), PINTLE_OK);
	for (size_t i = 0; i < N(members); i++) {
		if (strcmp(text_of(profile, members[i].name), members[i].text) != 0)
			fail_msg("%zu: %s is %s", i, members[i].name,
				 text_of(profile, members[i].name));
	}
	assert_int_equal(json_integer_value(json_object_get(profile, "id")), id);
	assert_int_equal(json_integer_value(json_object_get(profile, "login_count")), 1);
	assert_true(json_is_false(json_object_get(profile, "is_credit_verified")));
	assert_true(json_real_value(json_object_get(profile, "longitude")) == 121.473701);
	assert_true(json_is_null(json_object_get(profile, "latitude")));
	assert_int_equal(json_object_size(profile), 33);
	json_decref(profile);
	assert_int_equal(account_profile(&tx, id + 1, &profile), PINTLE_NOT_FOUND);
	assert_null(profile);
	assert_int_equal(account_brief(&tx, id, &profile), PINTLE_OK);
	assert_string_equal(text_of(profile, "phone"), "138****8000");
	assert_int_equal(json_object_size(profile), 6);
	json_decref(profile);
}

static void login_type_counts_kinds_of_ways_in(void **state)
{
	struct people *people = *state;
	const char *sql = "SELECT login_type FROM user_login_types";
	struct account account;

	assert_int_equal(create(people, "oidc:openid:app", "1", true, &account), PINTLE_OK);
	assert_string_equal(people_text(people, sql), "oidc");
	assert_int_equal(link_to(people, account.id, "oidc:unionid:p", "2", true), PINTLE_OK);
	assert_int_equal(link_to(people, account.id, "username", "alice", true), PINTLE_OK);
	assert_int_equal(link_to(people, account.id, "confirm", account.uuid, true), PINTLE_OK);
	assert_int_equal(link_to(people, account.id, "phone", PHONE, false), PINTLE_OK);
	assert_string_equal(people_text(people, sql), "oidc");
	assert_int_equal(link_to(people, account.id, "phone", PHONE, true), PINTLE_OK);
	assert_string_equal(people_text(people, sql), "both");
}

static void identities_are_listed_masked(void **state)
{
	struct people *people = *state;
	struct tx tx = people_tx(people);
	int64_t id = people_add(people, "phone", PHONE);
	json_t *list = NULL, *second;

	assert_int_equal(link_to(people, id, "email", "alice@example.com", false), PINTLE_OK);
	assert_int_equal(account_identities(&tx, id, usable, &list), PINTLE_OK);
	assert_int_equal(json_array_size(list), 2);
	assert_true(json_is_null(json_object_get(json_array_get(list, 0), "name")));
	assert_string_equal(text_of(json_array_get(list, 0), "subject"), "138****8000");
	assert_true(json_is_true(json_object_get(json_array_get(list, 0), "verified")));
	second = json_array_get(list, 1);
	assert_string_equal(text_of(second, "provider"), "main");
	assert_string_equal(text_of(second, "namespace"), "email");
	assert_string_equal(text_of(second, "subject"), "a***@example.com");
	assert_true(json_is_false(json_object_get(second, "verified")));
	json_decref(list);
}

/* The provider and the name that are shown of the second identity of an account. */
static void assert_shown(struct people *people, const char *ns, const char *linked_by,
			 const char *claims, const char *provider, const char *name)
{
	struct pintle_identity identity = people_identity(ns, "7", true);
	struct tx tx = people_tx(people);
	char phone[32];
	static int n_phones = 0;
	json_t *list = NULL;
	const char *shown;
	int64_t id;

	(void)snprintf(phone, sizeof(phone), "+86138001380%02d", ++n_phones);
	id = people_add(people, "phone", phone);
	people_exec(people, "DELETE FROM user_identities WHERE subject = '7'");
	assert_int_equal(account_link(&tx, id, &identity, linked_by, claims), PINTLE_OK);
	assert_int_equal(account_identities(&tx, id, usable, &list), PINTLE_OK);
	assert_string_equal(text_of(json_array_get(list, 1), "provider"), provider);
	shown = json_string_value(json_object_get(json_array_get(list, 1), "name"));
	if (name)
		assert_string_equal(shown, name);
	else
		assert_null(shown);
	json_decref(list);
}

static void an_identity_is_shown_with_who_takes_it_and_a_name(void **state)
{
	struct people *people = *state;

	assert_shown(people, "email", "gone", NULL, "main", NULL);
	assert_shown(people, "email", "other", NULL, "other", NULL);
	assert_shown(people, "oidc:x", "other", "{\"nickname\":\"Li\"}", "other", "Li");
	assert_shown(people, "oidc:x", "main", "{\"nickname\":\"Li\",\"email\":\"li@example.com\"}",
		     "main", "Li");
	assert_shown(people, "oidc:x", "main", "{\"email\":\"li@example.com\"}", "main",
		     "l***@example.com");
	assert_shown(people, "oidc:x", "gone", "{\"nickname\":5}", "gone", NULL);
	assert_shown(people, "nobody:x", "main", "no JSON", "main", NULL);
	assert_shown(people, "nobody:x", "main", "[]", "main", NULL);
}

/* Why the last patch was refused; empty when it was not. */
static char refused_field[64], refused_reason[64];

static int32_t patch(struct people *people, int64_t id, const char *text)
{
	struct tx tx = people_tx(people);
	json_t *json = json_loads(text, 0, NULL);
	const char *field, *reason;
	int32_t status;

	assert_non_null(json);
	status = account_update_profile(&tx, id, json, &field, &reason);
	(void)snprintf(refused_field, sizeof(refused_field), "%s", field ? field : "");
	(void)snprintf(refused_reason, sizeof(refused_reason), "%s", reason ? reason : "");
	json_decref(json);
	return status;
}

struct patch_case {
	const char *text, *field, *reason; /* field NULL: accepted */
};

static const struct patch_case patches[] = {
	{ "{}", NULL, NULL },
	{ "{\"nickname\":\"小明\",\"gender\":\"male\",\"birthday\":\"2000-02-29\"}", NULL, NULL },
	{ "{\"nickname\":null,\"birthday\":null,\"longitude\":null,\"gender\":null}", NULL, NULL },
	{ "{\"nickname\":\"\",\"unknown\":{\"role\":1},\"a.role\":2}", NULL, NULL },
	{ "{\"nickname\":\"a\\nb\"}", "nickname", "format" },
	{ "{\"nickname\":\"a\\u0085b\"}", "nickname", "format" },
	{ "{\"nickname\":\"a\\u202eb\"}", "nickname", "format" },
	{ "{\"nickname\":7}", "nickname", "format" },
	{ "{\"nickname\":[\"a\"]}", "nickname", "format" },
	{ "{\"province\":\"上海\",\"city\":\"上海\",\"county\":\"黄浦\",\"address\":\"1\"}", NULL,
	  NULL },
	{ "{\"avatar\":\"https://example.com/a.png\"}", NULL, NULL },
	{ "{\"avatar\":\"http://[::1]/a.png\"}", NULL, NULL },
	{ "{\"avatar\":\"/media/a.png?x=1\"}", NULL, NULL },
	{ "{\"avatar\":\"//evil.example/a.png\"}", "avatar", "format" },
	{ "{\"avatar\":\"/\\\\evil.example\"}", "avatar", "format" },
	{ "{\"avatar\":\"javascript:alert(1)\"}", "avatar", "format" },
	{ "{\"avatar\":\"data:image/png;base64,AA\"}", "avatar", "format" },
	{ "{\"avatar\":\"HTTPS:evil\"}", "avatar", "format" },
	{ "{\"avatar\":\"https://\"}", "avatar", "format" },
	{ "{\"avatar\":\"https:///a\"}", "avatar", "format" },
	{ "{\"avatar\":\"https://a/\\\"onload=\"}", "avatar", "format" },
	{ "{\"avatar\":\"a.png\"}", "avatar", "format" },
	{ "{\"gender\":\"other\"}", "gender", "format" },
	{ "{\"birthday\":\"1999-02-29\"}", "birthday", "format" },
	{ "{\"birthday\":\"1900-02-29\"}", "birthday", "format" },
	{ "{\"birthday\":\"2000-13-01\"}", "birthday", "format" },
	{ "{\"birthday\":\"2000-00-10\"}", "birthday", "format" },
	{ "{\"birthday\":\"2000-04-31\"}", "birthday", "format" },
	{ "{\"birthday\":\"2000-1-01\"}", "birthday", "format" },
	{ "{\"birthday\":\"+200-01-01\"}", "birthday", "format" },
	{ "{\"birthday\":\"1849-12-31\"}", "birthday", "format" },
	{ "{\"birthday\":\"9999-12-31\"}", "birthday", "format" },
	{ "{\"birthday\":\"2000-01-01T00:00\"}", "birthday", "too_long" },
	{ "{\"longitude\":121.4737012,\"latitude\":-31}", NULL, NULL },
	{ "{\"longitude\":180.1}", "longitude", "format" },
	{ "{\"latitude\":-90.000001}", "latitude", "format" },
	{ "{\"latitude\":\"31\"}", "latitude", "format" },
	{ "{\"username\":\"ab\"}", "username", "format" },
	{ "{\"username\":null}", "username", "format" },
	{ "{\"username\":\"Bob\"}", "username", "taken" },
	{ "{\"nickname\":\"x\",\"role\":\"admin\"}", "role", "not_allowed" },
	{ "{\"roles\":[]}", "roles", "not_allowed" },
	{ "{\"status\":\"active\"}", "status", "not_allowed" },
	{ "{\"balance\":1}", "balance", "not_allowed" },
	{ "{\"credit_score\":1}", "credit_score", "not_allowed" },
	{ "{\"is_admin\":true}", "is_admin", "not_allowed" },
	{ "{\"user_type\":\"enterprise\"}", "user_type", "not_allowed" },
	{ "{\"id\":1}", "id", "not_allowed" },
	{ "{\"uuid\":\"x\"}", "uuid", "not_allowed" },
	{ "{\"phone\":\"13800138000\"}", "phone", "not_allowed" },
	{ "{\"phone_verified\":true}", "phone_verified", "not_allowed" },
	{ "{\"email\":\"a@example.com\"}", "email", "not_allowed" },
	{ "{\"permissions\":\"user:view\"}", "permissions", "not_allowed" },
	{ "{\"created_at\":0}", "created_at", "not_allowed" },
	{ "{\"real_name\":\"x\"}", "real_name", "not_allowed" },
	{ "{\"total_spent\":0}", "total_spent", "not_allowed" },
};

static void the_owner_writes_only_what_is_theirs(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);
	int64_t bob = people_add(people, "phone", PHONE2);

	assert_int_equal(link_to(people, bob, "username", "bob", true), PINTLE_OK);
	for (size_t i = 0; i < N(patches); i++) {
		const struct patch_case *one = &patches[i];
		int32_t status = patch(people, id, one->text);

		if (status != (one->field ? PINTLE_INVALID : PINTLE_OK))
			fail_msg("%zu: %s gives %d, %s %s", i, one->text, status, refused_field,
				 refused_reason);
		if (one->field && (strcmp(refused_field, one->field) != 0 ||
				   strcmp(refused_reason, one->reason) != 0))
			fail_msg("%zu: %s is refused for %s: %s", i, one->text, refused_field,
				 refused_reason);
	}
	assert_int_equal(people_number(people, "SELECT balance FROM users"), 0);
	assert_string_equal(people_text(people, "SELECT gender FROM users WHERE id = 1"),
			    "unknown");
	assert_int_equal(
		people_number(people, "SELECT longitude = 121.473701 FROM users WHERE id = 1"), 1);
}

static void a_refused_patch_writes_nothing(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);
	int64_t bob = people_add(people, "phone", PHONE2);

	assert_int_equal(link_to(people, bob, "username", "bob", true), PINTLE_OK);
	assert_int_equal(patch(people, id, "{\"nickname\":\"x\",\"username\":\"bob\"}"),
			 PINTLE_INVALID);
	assert_int_equal(patch(people, id, "{\"nickname\":\"x\",\"balance\":1}"), PINTLE_INVALID);
	assert_null(people_text(people, "SELECT nickname FROM users WHERE id = 1"));
	assert_int_equal(patch(people, 9999, "{\"nickname\":\"x\"}"), PINTLE_NOT_FOUND);
}

static void a_username_is_chosen_once(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);
	struct account found;

	assert_int_equal(patch(people, id, "{\"username\":\" Alice \"}"), PINTLE_OK);
	assert_int_equal(find(people, "username", "alice", &found), PINTLE_OK);
	assert_int_equal(found.id, id);
	assert_int_equal(patch(people, id, "{\"username\":\"ALICE\",\"nickname\":\"A\"}"),
			 PINTLE_OK);
	assert_int_equal(patch(people, id, "{\"username\":\"alicia\"}"), PINTLE_INVALID);
	assert_string_equal(refused_reason, "not_allowed");
	assert_int_equal(find(people, "username", "alice", &found), PINTLE_OK);
	assert_string_equal(found.name, "A");
}

static void lengths_are_counted_in_code_points(void **state)
{
	struct people *people = *state;
	int64_t id = people_add(people, "phone", PHONE);
	char text[512] = "{\"nickname\":\"";

	for (int i = 0; i < 50; i++)
		strcat(text, "明");
	strcat(text, "\"}");
	assert_int_equal(patch(people, id, text), PINTLE_OK);
	text[strlen(text) - 2] = '\0';
	strcat(text, "x\"}");
	assert_int_equal(patch(people, id, text), PINTLE_INVALID);
	assert_string_equal(refused_reason, "too_long");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, people_setup, people_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_identity_leads_to_its_account),
		STORY(an_owned_identity_makes_no_second_account),
		STORY(a_user_type_must_be_a_configured_one),
		STORY(a_conflict_leaves_the_transaction_usable),
		STORY(a_step_of_a_transaction_ends_with_it),
		STORY(an_unproved_identity_gives_way_to_a_proof),
		STORY(linking_twice_is_linking_once),
		STORY(the_last_way_in_stays),
		STORY(what_a_section_that_is_gone_has_linked_is_no_way_in),
		STORY(nobody_unlinks_what_is_somebody_elses),
		STORY(what_goes_together_is_weighed_together),
		STORY(a_name_that_no_section_takes_is_still_a_name),
		STORY(what_is_released_may_be_the_last_and_is_the_owners),
		STORY(a_number_is_swapped_whole_or_not_at_all),
		STORY(deleting_frees_the_identifiers),
		STORY(a_login_is_noted),
		STORY(a_login_by_what_leads_elsewhere_is_busy),
		STORY(a_first_login_has_one_winner),
		STORY(a_bind_has_one_winner),
		STORY(parallel_unlinks_leave_one_way_in),
		STORY(a_profile_is_masked),
		STORY(login_type_counts_kinds_of_ways_in),
		STORY(identities_are_listed_masked),
		STORY(an_identity_is_shown_with_who_takes_it_and_a_name),
		STORY(the_owner_writes_only_what_is_theirs),
		STORY(a_refused_patch_writes_nothing),
		STORY(a_username_is_chosen_once),
		STORY(lengths_are_counted_in_code_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
