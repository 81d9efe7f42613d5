/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "people.h"
#include "transact.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static int64_t add_person(struct people *people)
{
	return people_add(people, "phone", "+8613800138000");
}

/* Whether id may pass now: OK, DENIED, NOT_FOUND or a fault. */
static int32_t check(struct people *people, const char *id)
{
	struct tx tx = people_tx(people);
	struct session session;
	int32_t status = session_load(&people->kv, &tx, &people->arena, id, &session);

	return status == PINTLE_OK ? session_check(&session, clock_now_ms()) : status;
}

static int32_t revoke(struct people *people, const char *id)
{
	struct tx tx = people_tx(people);

	return session_revoke(&people->kv, &tx, &people->settings, id, "logout");
}

static int32_t rotate(struct people *people, const char *id, int64_t generation,
		      struct session *out, int64_t *next)
{
	struct tx tx = people_tx(people);

	return session_rotate(&people->kv, &tx, &people->settings, &people->arena, id, generation,
			      out, next);
}

/* As when the store has lost its memory. */
static void forget(struct people *people, const char *id)
{
	struct pintle_kv_request request;
	char key[SESSION_ID_MAX + 2];

	session_key(id, key);
	request = kv_delete(key);
	assert_int_equal(kv_do(&people->kv, &request, clock_mono_ms() + 1000, NULL, NULL),
			 PINTLE_OK);
}

static const char *reason_of(struct people *people, const char *id)
{
	char sql[160];
	const char *reason;

	(void)snprintf(sql, sizeof(sql),
		       "SELECT revoked_reason FROM user_sessions WHERE session_id = '%s'", id);
	reason = people_text(people, sql);
	return reason ? reason : "";
}

static void a_new_session_is_known_everywhere(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");
	struct tx tx = people_tx(people);
	struct session loaded;

	assert_int_equal(session_load(&people->kv, &tx, &people->arena, session.id, &loaded),
			 PINTLE_OK);
	assert_memory_equal(&loaded, &session, sizeof(session));
	assert_int_equal(session.expires_ms - session.created_ms, 7 * DAY_MS);
	assert_int_equal(session.absolute_ms - session.created_ms, 30 * DAY_MS);
	assert_int_equal(check(people, session.id), PINTLE_OK);
	assert_int_equal(check(people, "nobodys"), PINTLE_NOT_FOUND);
	people_wait(7 * DAY_MS);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

static void an_unknown_platform_is_refused(void **state)
{
	struct people *people = *state;
	const struct device device = { .platform = "tv" };
	struct session session = { .realm = "user", .subject_id = add_person(people) };
	struct tx tx = people_tx(people);
	struct session_ids ended;

	assert_int_equal(db_begin(&tx), PINTLE_OK);
	assert_int_equal(
		session_insert(&tx, &people->settings, &people->arena, &device, &session, &ended),
		PINTLE_INVALID);
	db_rollback(&tx);
}

static void a_lost_record_is_rebuilt(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), loaded;
	struct tx tx = people_tx(people);

	forget(people, session.id);
	assert_int_equal(session_load(&people->kv, &tx, &people->arena, session.id, &loaded),
			 PINTLE_OK);
	assert_memory_equal(&loaded, &session, sizeof(session));
	/* It is in the store again. */
	people_exec(people, "DELETE FROM user_sessions");
	assert_int_equal(check(people, session.id), PINTLE_OK);
	forget(people, session.id);
	assert_int_equal(check(people, session.id), PINTLE_NOT_FOUND);
}

static void a_rebuild_knows_what_was_revoked(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");

	assert_int_equal(revoke(people, session.id), PINTLE_OK);
	forget(people, session.id);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

static void a_rebuild_knows_who_is_frozen(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");

	people_exec(people, "UPDATE users SET status = 'frozen'");
	forget(people, session.id);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

/* ---- Being overtaken ---- */

struct overtaking {
	struct people *people;
	const char *id;
	int32_t op; /* before the first request of this kind */
	bool is_done;
};

static void revoke_before(void *arg, const struct pintle_kv_request *request)
{
	struct overtaking *overtaking = arg;

	if (overtaking->is_done || request->op != overtaking->op)
		return;
	overtaking->is_done = true;
	assert_int_equal(revoke(overtaking->people, overtaking->id), PINTLE_OK);
}

static struct overtaking overtake(struct people *people, const char *id, int32_t op)
{
	return (struct overtaking){ .people = people, .id = id, .op = op };
}

static void a_rebuild_never_beats_a_revocation(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");
	struct overtaking overtaking = overtake(people, session.id, PINTLE_KV_ADD);

	forget(people, session.id);
	people->hook = revoke_before;
	people->hook_arg = &overtaking;
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
	assert_true(overtaking.is_done);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

/* Revoked, buried, and the tombstone lost with all else the store held. */
static void revoke_and_forget_before(void *arg, const struct pintle_kv_request *request)
{
	struct overtaking *overtaking = arg;
	bool was_done = overtaking->is_done;

	revoke_before(arg, request);
	if (overtaking->is_done && !was_done)
		forget(overtaking->people, overtaking->id);
}

static void a_rebuild_in_an_emptied_store_resurrects_nothing(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");
	struct session other = people_open(people, session.subject_id, "web");
	struct overtaking overtaking = overtake(people, session.id, PINTLE_KV_ADD);

	forget(people, session.id);
	forget(people, other.id);
	people->hook = revoke_and_forget_before;
	people->hook_arg = &overtaking;
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
	assert_true(overtaking.is_done);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
	assert_int_equal(check(people, other.id), PINTLE_OK);
}

static void delete_before(void *arg, const struct pintle_kv_request *request)
{
	const struct people *people = arg;

	if (request->op == PINTLE_KV_ADD)
		people_exec(people, "DELETE FROM user_sessions");
}

static void a_rebuild_of_what_was_deleted_meanwhile_is_dead(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");

	forget(people, session.id);
	people->hook = delete_before;
	people->hook_arg = people;
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

static void a_rotation_never_beats_a_revocation(void **state)
{
	static const int32_t moments[] = { PINTLE_KV_GET, PINTLE_KV_SWAP };
	struct people *people = *state;
	int64_t id = add_person(people), next;

	for (size_t i = 0; i < 2; i++) {
		struct session session = people_open(people, id, "web"), out;
		struct overtaking overtaking = overtake(people, session.id, moments[i]);

		people->hook = revoke_before;
		people->hook_arg = &overtaking;
		if (rotate(people, session.id, 0, &out, &next) != PINTLE_DENIED)
			fail_msg("%zu: a revoked session was rotated", i);
		assert_true(overtaking.is_done);
		people->hook = NULL;
		assert_int_equal(check(people, session.id), PINTLE_DENIED);
	}
}

static void a_touch_never_beats_a_revocation(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");
	struct overtaking overtaking = overtake(people, session.id, PINTLE_KV_SWAP);
	struct tx tx = people_tx(people);

	people->hook = revoke_before;
	people->hook_arg = &overtaking;
	assert_int_equal(session_touch(&people->kv, &tx, &session, clock_now_ms() + 1), PINTLE_OK);
	assert_true(overtaking.is_done);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

static void publishing_late_resurrects_nothing(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");
	struct kv_list list = { .arena = &people->arena };

	assert_int_equal(revoke(people, session.id), PINTLE_OK);
	session_put_record(&list, &session);
	assert_int_equal(kv_do_list(&people->kv, &list, clock_mono_ms() + 1000), PINTLE_OK);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

/* ---- Ending ---- */

static void revoking_ends_one_at_once(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people);
	struct session one = people_open(people, id, "web"), two = people_open(people, id, "web");

	assert_int_equal(revoke(people, one.id), PINTLE_OK);
	assert_int_equal(check(people, one.id), PINTLE_DENIED);
	assert_int_equal(check(people, two.id), PINTLE_OK);
	assert_string_equal(reason_of(people, one.id), "logout");
	assert_int_equal(revoke(people, one.id), PINTLE_OK);
	assert_int_equal(revoke(people, "nobodys"), PINTLE_NOT_FOUND);
}

static void only_ones_own_can_be_ended(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people);
	struct session session = people_open(people, id, "web");
	struct tx tx = people_tx(people);

	assert_int_equal(session_revoke_own(&people->kv, &tx, &people->settings, "user", id + 1,
					    session.id, "kick"),
			 PINTLE_NOT_FOUND);
	assert_int_equal(session_revoke_own(&people->kv, &tx, &people->settings, "staff", id,
					    session.id, "kick"),
			 PINTLE_NOT_FOUND);
	assert_int_equal(check(people, session.id), PINTLE_OK);
	assert_int_equal(session_revoke_own(&people->kv, &tx, &people->settings, "user", id,
					    session.id, "kick"),
			 PINTLE_OK);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

static int32_t revoke_all(struct people *people, int64_t id, const char *except, int64_t *n)
{
	struct tx tx = people_tx(people);

	return session_revoke_all(&people->kv, &tx, &people->settings, &people->arena, "user", id,
				  except, "kick", n);
}

static void all_others_end_but_nobody_elses(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people), n = -1;
	int64_t other = people_add(people, "phone", "+8613900139000");
	struct session own = people_open(people, id, "web"), web = people_open(people, id, "web");
	struct session app = people_open(people, id, "app");
	struct session foreign = people_open(people, other, "web");

	assert_int_equal(revoke_all(people, id, own.id, &n), PINTLE_OK);
	assert_int_equal(n, 2);
	assert_int_equal(check(people, own.id), PINTLE_OK);
	assert_int_equal(check(people, web.id), PINTLE_DENIED);
	assert_int_equal(check(people, app.id), PINTLE_DENIED);
	assert_int_equal(check(people, foreign.id), PINTLE_OK);
	assert_int_equal(revoke_all(people, id, NULL, &n), PINTLE_OK);
	assert_int_equal(n, 1);
	assert_int_equal(check(people, own.id), PINTLE_DENIED);
	assert_int_equal(revoke_all(people, id, NULL, NULL), PINTLE_OK);
}

static int32_t end_and_undo(struct tx *tx, void *ctx)
{
	struct people *people = ctx;
	struct session_ids ended;

	assert_int_equal(session_end_all(tx, &people->arena, "user", 1, "gone", &ended), PINTLE_OK);
	assert_int_equal(ended.n_ids, 1);
	return PINTLE_FORBIDDEN;
}

static void sessions_end_with_the_transaction_that_ends_them(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people);
	struct session session = people_open(people, id, "web");
	struct tx tx = people_tx(people);
	struct session_ids ended;

	assert_int_equal(id, 1);
	assert_int_equal(transact(&tx, end_and_undo, people), PINTLE_FORBIDDEN);
	assert_int_equal(people_number(people, "SELECT signed_out_at FROM users"), 0);
	assert_string_equal(reason_of(people, session.id), "");
	assert_int_equal(session_end_all(&tx, &people->arena, "user", id, "gone", &ended),
			 PINTLE_OK);
	assert_int_equal(ended.n_ids, 1);
	assert_string_equal(reason_of(people, session.id), "gone");
	assert_int_equal(check(people, session.id), PINTLE_OK);
	assert_int_equal(session_bury(&people->kv, &people->settings, &ended, tx.deadline_ms),
			 PINTLE_OK);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

static void a_failed_tombstone_is_a_fault_and_a_retry_writes_it(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people);
	struct session one = people_open(people, id, "web"), two = people_open(people, id, "web");

	people->is_kv_down = true;
	assert_int_equal(revoke(people, one.id), PINTLE_UNAVAILABLE);
	assert_int_equal(check(people, one.id), PINTLE_UNAVAILABLE);
	assert_int_equal(revoke_all(people, id, NULL, NULL), PINTLE_UNAVAILABLE);
	assert_string_equal(reason_of(people, two.id), "kick");
	people->is_kv_down = false;
	/* SQL knows already; the store still has both. */
	assert_int_equal(check(people, one.id), PINTLE_OK);
	assert_int_equal(revoke(people, one.id), PINTLE_OK);
	assert_int_equal(check(people, one.id), PINTLE_DENIED);
	assert_int_equal(revoke_all(people, id, NULL, NULL), PINTLE_OK);
	assert_int_equal(check(people, two.id), PINTLE_DENIED);
	assert_string_equal(reason_of(people, one.id), "logout");
}

static void the_oldest_leaves_when_there_are_too_many(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people);
	struct session sessions[4], app;
	struct tx tx = people_tx(people);

	app = people_open(people, id, "app");
	for (int i = 0; i < 3; i++) {
		sessions[i] = people_open(people, id, "web");
		people_wait(1000);
	}
	/* The first was used last. */
	assert_int_equal(session_touch(&people->kv, &tx, &sessions[0], clock_now_ms()), PINTLE_OK);
	people_wait(1000);
	sessions[3] = people_open(people, id, "web");
	assert_int_equal(check(people, sessions[0].id), PINTLE_OK);
	assert_int_equal(check(people, sessions[1].id), PINTLE_DENIED);
	assert_int_equal(check(people, sessions[2].id), PINTLE_OK);
	assert_int_equal(check(people, sessions[3].id), PINTLE_OK);
	assert_int_equal(check(people, app.id), PINTLE_OK);
	assert_string_equal(reason_of(people, sessions[1].id), "limit");
	(void)people_open(people, id, "oa");
	sessions[3] = people_open(people, id, "oa");
	assert_int_equal(check(people, sessions[3].id), PINTLE_OK);
	assert_int_equal(people_number(people, "SELECT COUNT(*) FROM user_sessions"
					       " WHERE platform = 'oa' AND status = 'active'"),
			 1);
}

/* ---- Rotation ---- */

static void each_generation_has_one_successor(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), out;
	int64_t next = SESSION_FIRST_GENERATION;

	for (int i = 0; i < 3; i++) {
		people_wait(HOUR_MS);
		assert_int_equal(rotate(people, session.id, next, &out, &next), PINTLE_OK);
		assert_int_equal(next, SESSION_FIRST_GENERATION + 1 + i);
		assert_true(out.expires_ms >= session.expires_ms + (i + 1) * HOUR_MS);
		assert_int_equal(out.absolute_ms, session.absolute_ms);
	}
	people_wait(7 * DAY_MS - HOUR_MS);
	assert_int_equal(check(people, session.id), PINTLE_OK);
}

static void a_lost_answer_may_be_asked_for_again(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), out;
	int64_t next;

	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
	people_wait(9000);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
	assert_int_equal(next, 1);
	/* Once the successor is used, it is over. */
	assert_int_equal(rotate(people, session.id, 1, &out, &next), PINTLE_OK);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_CONFLICT);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
	assert_string_equal(reason_of(people, session.id), "refresh_reuse");
	assert_int_equal(rotate(people, session.id, 2, &out, &next), PINTLE_DENIED);
}

static void reuse_after_the_grace_ends_the_family(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people), next;
	struct session session = people_open(people, id, "web"), out;
	struct session other = people_open(people, id, "web");

	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
	people_wait(10001);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_CONFLICT);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
	assert_int_equal(rotate(people, session.id, 1, &out, &next), PINTLE_DENIED);
	assert_int_equal(check(people, other.id), PINTLE_OK);
}

static void reuse_is_buried_by_a_retry(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), out;
	int64_t next;

	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
	people_wait(10001);
	people->is_kv_down = true;
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_UNAVAILABLE);
	people->is_kv_down = false;
	assert_int_equal(check(people, session.id), PINTLE_OK);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_DENIED);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
}

static void the_grace_is_at_most_half_a_minute(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), out;
	int64_t next;

	people->settings.token.refresh_grace_ms = HOUR_MS;
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
	people_wait(29000);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
	people_wait(2000);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_CONFLICT);
}

static void a_generation_of_the_future_is_refused(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), out;
	int64_t next;

	assert_int_equal(rotate(people, session.id, 1, &out, &next), PINTLE_DENIED);
	assert_int_equal(rotate(people, "nobodys", 0, &out, &next), PINTLE_DENIED);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
}

static void the_absolute_end_is_never_moved(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), out;
	int64_t next = SESSION_FIRST_GENERATION;

	for (int i = 0; i < 5; i++) {
		people_wait(6 * DAY_MS - 1000);
		assert_int_equal(rotate(people, session.id, next, &out, &next), PINTLE_OK);
		assert_true(out.expires_ms <= session.absolute_ms);
	}
	people_wait(5000);
	assert_int_equal(check(people, session.id), PINTLE_DENIED);
	assert_int_equal(rotate(people, session.id, next, &out, &next), PINTLE_DENIED);
}

static void a_frozen_or_deleted_account_refreshes_nothing(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people), next;
	struct session session = people_open(people, id, "web"), out;
	struct tx tx = people_tx(people);

	assert_int_equal(account_set_status(&tx, id, PINTLE_FROZEN), PINTLE_OK);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_DENIED);
	assert_int_equal(account_set_status(&tx, id, PINTLE_ACTIVE), PINTLE_OK);
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
	assert_int_equal(account_set_status(&tx, id, PINTLE_DELETED), PINTLE_OK);
	assert_int_equal(rotate(people, session.id, 1, &out, &next), PINTLE_DENIED);
}

static void a_rotation_survives_a_store_that_was_down(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), out;
	int64_t next;

	people->is_kv_down = true;
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_UNAVAILABLE);
	people->is_kv_down = false;
	assert_int_equal(rotate(people, session.id, 0, &out, &next), PINTLE_OK);
	assert_int_equal(next, 1);
	assert_int_equal(check(people, session.id), PINTLE_OK);
}

struct rotating {
	struct people *people;
	pthread_barrier_t *start;
	const char *id;
	struct arena arena;
	int64_t presented, next;
	int32_t status;
};

static void *rotate_at_once(void *arg)
{
	struct rotating *rotating = arg;
	struct people *people = rotating->people;
	struct tx tx = people_tx(people);
	struct session out;

	(void)pthread_barrier_wait(rotating->start);
	rotating->status = session_rotate(&people->kv, &tx, &people->settings, &rotating->arena,
					  rotating->id, rotating->presented, &out, &rotating->next);
	return NULL;
}

static void parallel_rotations_share_one_successor(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web");
	pthread_barrier_t start;

	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (int64_t generation = 0; generation < 20; generation++) {
		struct rotating both[2];
		pthread_t threads[2];

		for (int i = 0; i < 2; i++) {
			both[i] = (struct rotating){ .people = people,
						     .start = &start,
						     .id = session.id,
						     .presented = generation };
			assert_int_equal(
				pthread_create(&threads[i], NULL, rotate_at_once, &both[i]), 0);
		}
		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(both[i].status, PINTLE_OK);
			assert_int_equal(both[i].next, generation + 1);
			arena_fini(&both[i].arena);
		}
	}
	(void)pthread_barrier_destroy(&start);
	assert_int_equal(people_number(people, "SELECT generation FROM user_sessions"), 20);
	assert_int_equal(check(people, session.id), PINTLE_OK);
}

/* ---- Showing ---- */

static void the_owner_sees_what_is_active(void **state)
{
	struct people *people = *state;
	int64_t id = add_person(people);
	struct session one = people_open(people, id, "web"), two, gone;
	struct tx tx = people_tx(people);
	json_t *list = NULL, *newest;

	gone = people_open(people, id, "app");
	assert_int_equal(revoke(people, gone.id), PINTLE_OK);
	people_wait(1000);
	two = people_open(people, id, "app");
	assert_int_equal(session_list(&tx, "user", id, one.id, &list), PINTLE_OK);
	assert_int_equal(json_array_size(list), 2);
	newest = json_array_get(list, 0);
	assert_string_equal(json_string_value(json_object_get(newest, "session_id")), two.id);
	assert_string_equal(json_string_value(json_object_get(newest, "platform")), "app");
	assert_string_equal(json_string_value(json_object_get(newest, "device_id")), "d1");
	assert_string_equal(json_string_value(json_object_get(newest, "ip_address")), "192.0.2.1");
	assert_true(json_is_false(json_object_get(newest, "is_current")));
	assert_true(json_is_true(json_object_get(json_array_get(list, 1), "is_current")));
	json_decref(list);
	assert_int_equal(session_list(&tx, "staff", id, NULL, &list), PINTLE_OK);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	people_wait(7 * DAY_MS);
	assert_int_equal(session_list(&tx, "user", id, NULL, &list), PINTLE_OK);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static void a_touch_is_seen_in_both_stores(void **state)
{
	struct people *people = *state;
	struct session session = people_open(people, add_person(people), "web"), loaded;
	struct tx tx = people_tx(people);
	int64_t later = clock_now_ms() + 1000;

	assert_int_equal(session_touch(&people->kv, &tx, &session, later), PINTLE_OK);
	assert_int_equal(people_number(people, "SELECT last_active_at FROM user_sessions"), later);
	assert_int_equal(session_load(&people->kv, &tx, &people->arena, session.id, &loaded),
			 PINTLE_OK);
	assert_int_equal(loaded.last_active_ms, later);
	assert_int_equal(loaded.expires_ms, session.expires_ms);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, people_setup, people_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_new_session_is_known_everywhere),
		STORY(an_unknown_platform_is_refused),
		STORY(a_lost_record_is_rebuilt),
		STORY(a_rebuild_knows_what_was_revoked),
		STORY(a_rebuild_knows_who_is_frozen),
		STORY(a_rebuild_never_beats_a_revocation),
		STORY(a_rebuild_in_an_emptied_store_resurrects_nothing),
		STORY(a_rebuild_of_what_was_deleted_meanwhile_is_dead),
		STORY(a_rotation_never_beats_a_revocation),
		STORY(a_touch_never_beats_a_revocation),
		STORY(publishing_late_resurrects_nothing),
		STORY(revoking_ends_one_at_once),
		STORY(only_ones_own_can_be_ended),
		STORY(all_others_end_but_nobody_elses),
		STORY(sessions_end_with_the_transaction_that_ends_them),
		STORY(a_failed_tombstone_is_a_fault_and_a_retry_writes_it),
		STORY(the_oldest_leaves_when_there_are_too_many),
		STORY(each_generation_has_one_successor),
		STORY(a_lost_answer_may_be_asked_for_again),
		STORY(reuse_after_the_grace_ends_the_family),
		STORY(reuse_is_buried_by_a_retry),
		STORY(the_grace_is_at_most_half_a_minute),
		STORY(a_generation_of_the_future_is_refused),
		STORY(the_absolute_end_is_never_moved),
		STORY(a_frozen_or_deleted_account_refreshes_nothing),
		STORY(a_rotation_survives_a_store_that_was_down),
		STORY(parallel_rotations_share_one_successor),
		STORY(the_owner_sees_what_is_active),
		STORY(a_touch_is_seen_in_both_stores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
