/* SPDX-License-Identifier: Apache-2.0 */
/* What the transaction of a link still looks at: all that was true before it may have changed. */
#include "linking.h"

#include "host.h"
#include "people.h"
#include "request.h"
#include "transact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OWN "+8613800138000"
#define WANTED "+8613900139000"
#define MAIL "b@example.com"

static struct way_in usable[] = { { "phone", "main" }, { "email", "main" }, { NULL, NULL } };
static struct way_in phone_alone[] = { { "phone", "main" }, { NULL, NULL } };

/* Somebody signed in to two accounts, who has proved the number of the other one. */
struct asker {
	struct people *people;
	struct host host;
	struct request request;
	struct pintle_call call;
	struct linking linking;
	struct session own, other;
	int n_undone; /* the transaction begins anew so often */
};

static int32_t take(struct tx *tx, void *ctx)
{
	struct asker *asker = ctx;
	int32_t status = linking_take(&asker->call, &asker->linking);

	(void)tx;
	return status == PINTLE_OK && asker->n_undone-- > 0 ? PINTLE_BUSY : status;
}

static int32_t take_all(struct asker *asker)
{
	asker->call.tx = people_tx(asker->people);
	return transact(&asker->call.tx, take, asker);
}

static void ask(struct asker *asker, struct people *people)
{
	int64_t own = people_add(people, "phone", OWN), other = people_add(people, "phone", WANTED);
	struct tx tx = people_tx(people);

	*asker = (struct asker){ .people = people };
	asker->host = (struct host){ .db = people->db,
				     .kv = people->kv,
				     .settings = &people->settings,
				     .instances.ways_in = usable };
	asker->own = people_open(people, own, "web");
	asker->other = people_open(people, other, "web");
	asker->request.who = (struct who){ .is_known = true, .session = asker->own };
	asker->call.host = &asker->host;
	asker->call.request = &asker->request;
	asker->call.outcome.ns = "phone";
	asker->call.outcome.subject = WANTED;
	assert_int_equal(account_by_id(&tx, other, &asker->linking.other), PINTLE_OK);
	(void)snprintf(asker->linking.session, sizeof(asker->linking.session), "%s",
		       asker->other.id);
}

static int setup(void **state)
{
	struct asker *asker = malloc(sizeof(*asker));
	void *people;

	(void)people_setup(&people);
	ask(asker, people);
	*state = asker;
	return 0;
}

static int teardown(void **state)
{
	struct asker *asker = *state;
	void *people = asker->people;

	arena_fini(&asker->call.arena);
	free(asker);
	return people_teardown(&people);
}

static void link_other(const struct asker *asker, const char *ns, const char *subject)
{
	struct pintle_identity identity = people_identity(ns, subject, true);
	struct tx tx = people_tx(asker->people);

	assert_int_equal(account_link(&tx, asker->other.subject_id, &identity, "main", NULL),
			 PINTLE_OK);
}

static int64_t n_identities(const struct asker *asker)
{
	return people_number(asker->people, "SELECT COUNT(*) FROM user_identities");
}

/* Nothing has happened, and why. */
static void assert_refused(struct asker *asker, const char *refusal)
{
	int64_t n_before = n_identities(asker);

	assert_int_equal(take_all(asker), PINTLE_CONFLICT);
	if (refusal)
		assert_string_equal(asker->linking.refusal, refusal);
	else
		assert_null(asker->linking.refusal);
	assert_int_equal(n_identities(asker), n_before);
	assert_int_equal(people_number(asker->people, "SELECT COUNT(*) FROM auth_logs"), 0);
}

static void what_was_proved_is_taken_and_nothing_else(void **state)
{
	struct asker *asker = *state;

	link_other(asker, "email", MAIL);
	assert_int_equal(take_all(asker), PINTLE_OK);
	assert_true(asker->linking.has_moved);
	assert_false(asker->linking.is_closed);
	assert_int_equal(asker->linking.ended.n_ids, 0);
	assert_int_equal(n_identities(asker), 2);
	assert_string_equal(
		people_text(asker->people, "SELECT email FROM users WHERE phone IS NULL"), MAIL);
	assert_int_equal(people_number(asker->people,
				       "SELECT COUNT(DISTINCT actor_id) FROM auth_logs"
				       " WHERE action = 'identity.move'"),
			 2);
}

static void nobody_elses_is_nothing_to_take(void **state)
{
	struct asker *asker = *state;

	asker->linking.other.id = 0;
	assert_int_equal(take_all(asker), PINTLE_OK);
	assert_false(asker->linking.has_moved);
	assert_int_equal(n_identities(asker), 2);
}

static void both_sessions_must_live(void **state)
{
	struct asker *asker = *state;

	link_other(asker, "email", MAIL);
	people_exec(asker->people,
		    "UPDATE user_sessions SET status = 'revoked' WHERE subject_id = 2");
	assert_refused(asker, "other_not_proved");
	people_exec(asker->people,
		    "UPDATE user_sessions SET status = 'active' WHERE subject_id = 2");
	people_exec(asker->people,
		    "UPDATE user_sessions SET status = 'revoked' WHERE subject_id = 1");
	assert_refused(asker, "invalid_token");
	people_exec(asker->people,
		    "UPDATE user_sessions SET status = 'active' WHERE subject_id = 1");
	assert_int_equal(take_all(asker), PINTLE_OK);
}

static void both_accounts_must_be_active(void **state)
{
	struct asker *asker = *state;

	link_other(asker, "email", MAIL);
	people_exec(asker->people, "UPDATE users SET status = 'frozen' WHERE id = 2");
	assert_refused(asker, "other_not_proved");
	people_exec(asker->people, "UPDATE users SET status = 'deleted' WHERE id = 2");
	assert_refused(asker, NULL);
	people_exec(asker->people, "UPDATE users SET status = 'active' WHERE id = 2");
	people_exec(asker->people, "UPDATE users SET status = 'frozen' WHERE id = 1");
	assert_refused(asker, "invalid_token");
	people_exec(asker->people, "UPDATE users SET status = 'active' WHERE id = 1");
	assert_int_equal(take_all(asker), PINTLE_OK);
}

static void a_session_of_a_third_proves_nothing(void **state)
{
	struct asker *asker = *state;
	int64_t third = people_add(asker->people, "phone", "+8613700137000");
	struct session session = people_open(asker->people, third, "web");

	link_other(asker, "email", MAIL);
	(void)snprintf(asker->linking.session, sizeof(asker->linking.session), "%s", session.id);
	assert_refused(asker, "other_not_proved");
	(void)snprintf(asker->linking.session, sizeof(asker->linking.session), "%s", asker->own.id);
	assert_refused(asker, "other_not_proved");
}

static void the_last_way_in_closes_the_account_or_stays(void **state)
{
	struct asker *asker = *state;

	assert_refused(asker, "last_login_method");
	asker->linking.may_close = true;
	asker->n_undone = 1;
	assert_int_equal(take_all(asker), PINTLE_OK);
	assert_true(asker->linking.is_closed);
	assert_int_equal(asker->linking.ended.n_ids, 1);
	assert_string_equal(asker->linking.ended.ids[0], asker->other.id);
	assert_string_equal(people_text(asker->people, "SELECT status FROM users WHERE id = 2"),
			    "deleted");
	assert_string_equal(people_text(asker->people, "SELECT revoked_reason FROM user_sessions"
						       " WHERE subject_id = 2"),
			    "closed");
	assert_string_equal(people_text(asker->people, "SELECT status FROM user_sessions"
						       " WHERE subject_id = 1"),
			    "active");
	assert_int_equal(people_number(asker->people, "SELECT COUNT(*) FROM auth_logs"), 3);
}

/* Its section may be out of service, or left out because its plugin crashed. */
static void what_no_section_takes_today_keeps_its_account(void **state)
{
	struct asker *asker = *state;

	link_other(asker, "email", MAIL);
	asker->host.instances.ways_in = phone_alone;
	asker->linking.may_close = true;
	assert_refused(asker, "last_login_method");
	assert_string_equal(people_text(asker->people, "SELECT status FROM users WHERE id = 2"),
			    "active");
	asker->host.instances.ways_in = usable;
	assert_int_equal(take_all(asker), PINTLE_OK);
	assert_false(asker->linking.is_closed);
}

/* Each would leave the other: they are weighed when both are gone. */
static void all_that_was_proved_is_weighed_together(void **state)
{
	struct asker *asker = *state;

	link_other(asker, "email", MAIL);
	asker->call.outcome.others[0] = (struct named_identity){ "email", MAIL };
	asker->call.outcome.n_others = 1;
	assert_refused(asker, "last_login_method");
	link_other(asker, "phone", "+8613700137000");
	assert_int_equal(take_all(asker), PINTLE_OK);
	assert_int_equal(n_identities(asker), 2);
}

static void nothing_is_closed_when_nothing_moves(void **state)
{
	struct asker *asker = *state;
	struct pintle_identity identity = people_identity("phone", WANTED, true);
	struct tx tx = people_tx(asker->people);

	asker->linking.may_close = true;
	assert_int_equal(account_release(&tx, asker->other.subject_id, &identity), PINTLE_OK);
	assert_int_equal(take_all(asker), PINTLE_OK);
	assert_false(asker->linking.has_moved || asker->linking.is_closed);
	assert_string_equal(people_text(asker->people, "SELECT status FROM users WHERE id = 2"),
			    "active");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		STORY(what_was_proved_is_taken_and_nothing_else),
		STORY(nobody_elses_is_nothing_to_take),
		STORY(both_sessions_must_live),
		STORY(both_accounts_must_be_active),
		STORY(a_session_of_a_third_proves_nothing),
		STORY(the_last_way_in_closes_the_account_or_stays),
		STORY(what_no_section_takes_today_keeps_its_account),
		STORY(all_that_was_proved_is_weighed_together),
		STORY(nothing_is_closed_when_nothing_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
