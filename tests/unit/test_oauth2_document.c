/* SPDX-License-Identifier: Apache-2.0 */
/* A document that sign-ins share: when it is asked for, and what happens when it is not to be had. */
#include "arena.h"

#include "../../plugins/oauth2/oauth2.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define URL "https://id.example/keys"
#define MINUTE_MS 60000
#define HOUR_MS (60 * MINUTE_MS)
#define LONG_MS 10000 /* never waited for, unless something is wrong */
#define SHORT_MS 50   /* waited for to its end */

struct pintle_call {
	struct arena arena;
	int64_t left_ms;
	char detail[128];
};

/* ---- The host, and the issuer behind it ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t now_ms;
	int n_asked, code;
	int32_t status;
	const char *body;
	int64_t max_age_ms;
	bool is_held; /* answers wait until it is not */
} world = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static struct timespec deadline(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += LONG_MS / 1000;
	return at;
}

/* Under the lock; false when that is too late. */
static bool wait_changed(const struct timespec *until)
{
	return pthread_cond_timedwait(&world.changed, &world.lock, until) == 0;
}

static int32_t http(struct pintle_call *call, const struct pintle_request *request,
		    struct pintle_answer *out)
{
	struct timespec until = deadline();
	int32_t status;

	assert_string_equal(request->url, URL);
	pthread_mutex_lock(&world.lock);
	world.n_asked++;
	pthread_cond_broadcast(&world.changed);
	while (world.is_held && wait_changed(&until))
		;
	status = world.status;
	out->code = world.code;
	out->body = arena_strdup(&call->arena, world.body);
	out->body_len = strlen(world.body);
	out->max_age_ms = world.max_age_ms;
	pthread_mutex_unlock(&world.lock);
	return status;
}

static int64_t now_ms(void)
{
	return world.now_ms;
}

static int64_t left_ms(struct pintle_call *call)
{
	return call->left_ms;
}

static void detail(struct pintle_call *call, const char *text)
{
	(void)snprintf(call->detail, sizeof(call->detail), "%s", text);
}

static void *alloc(struct pintle_call *call, size_t len)
{
	return arena_alloc(&call->arena, len);
}

static const struct pintle_host host = { .size = sizeof(host),
					 .http = http,
					 .now_ms = now_ms,
					 .left_ms = left_ms,
					 .detail = detail,
					 .alloc = alloc };
static const struct conf conf = { .ca_file = "" };
static const struct oauth2 self = { .host = &host, .conf = &conf };

static void answer(int32_t status, int code, const char *body, int64_t max_age_ms)
{
	pthread_mutex_lock(&world.lock);
	world.status = status;
	world.code = code;
	world.body = body;
	world.max_age_ms = max_age_ms;
	pthread_mutex_unlock(&world.lock);
}

static int set_up(void **state)
{
	*state = document_new();
	world.now_ms = 1700000000000;
	world.n_asked = 0;
	answer(PINTLE_OK, 200, "{\"n\":1}", 0);
	return 0;
}

static int tear_down(void **state)
{
	document_free(*state);
	return 0;
}

/* ---- Asking ---- */

static const char *check(const struct oauth2 *whose, const json_t *json)
{
	(void)whose;
	return json_is_integer(json_object_get(json, "n")) ? NULL : "no n";
}

/* The n of the document that is had; minus the status when there is none. */
static int get(struct document *document, bool wants_newer, struct pintle_call *call)
{
	json_t *json;
	int32_t status = document_get(&self, call, document, URL, check, wants_newer, &json);
	int n = (int)json_integer_value(json_object_get(json, "n"));

	assert_true((json != NULL) == (status == PINTLE_OK));
	json_decref(json);
	return status == PINTLE_OK ? n : -status;
}

static int have(void **state)
{
	struct pintle_call call = { .left_ms = LONG_MS };
	int n = get(*state, false, &call);

	arena_fini(&call.arena);
	return n;
}

static int renew(void **state)
{
	struct pintle_call call = { .left_ms = LONG_MS };
	int n = get(*state, true, &call);

	arena_fini(&call.arena);
	return n;
}

/* ---- How long it is kept ---- */

static void it_is_kept_as_long_as_the_issuer_lets_it(void **state)
{
	static const struct {
		int64_t max_age_ms, kept_ms;
	} rows[] = {
		{ 0, 5 * MINUTE_MS },
		{ 1000, 5 * MINUTE_MS },
		{ 2 * HOUR_MS, 2 * HOUR_MS },
		{ 240 * (int64_t)HOUR_MS, 24 * HOUR_MS },
		{ 2147483648000, 24 * HOUR_MS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *own = document_new();

		(void)state;
		world.n_asked = 0;
		answer(PINTLE_OK, 200, "{\"n\":1}", rows[i].max_age_ms);
		assert_int_equal(have(&own), 1);
		answer(PINTLE_OK, 200, "{\"n\":2}", 0);
		world.now_ms += rows[i].kept_ms - 1;
		assert_int_equal(have(&own), 1);
		assert_int_equal(world.n_asked, 1);
		world.now_ms += 1;
		assert_int_equal(have(&own), 2);
		assert_int_equal(world.n_asked, 2);
		document_free(own);
	}
}

static void a_clock_that_was_set_back_makes_nothing_young(void **state)
{
	assert_int_equal(have(state), 1);
	world.now_ms -= HOUR_MS;
	answer(PINTLE_OK, 200, "{\"n\":2}", 0);
	assert_int_equal(have(state), 2);
}

/* ---- When it is not to be had ---- */

static const struct {
	int32_t status;
	int code;
	const char *body;
	int32_t wanted;
} failures[] = {
	{ PINTLE_UNAVAILABLE, 0, "", PINTLE_UNAVAILABLE },
	{ PINTLE_TIMEOUT, 0, "", PINTLE_TIMEOUT },
	{ PINTLE_OK, 500, "{\"n\":9}", PINTLE_UNAVAILABLE },
	{ PINTLE_OK, 404, "nope", PINTLE_UNAVAILABLE },
	{ PINTLE_OK, 200, "", PINTLE_UNAVAILABLE },
	{ PINTLE_OK, 200, "{\"n\":\"1\"}", PINTLE_UNAVAILABLE },
	{ PINTLE_OK, 200, "[]", PINTLE_UNAVAILABLE },
	{ PINTLE_OK, 429, "", PINTLE_LIMITED },
};

static void without_any_there_is_a_fault_and_the_next_asks_again(void **state)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		void *own = document_new();

		(void)state;
		answer(failures[i].status, failures[i].code, failures[i].body, 0);
		if (have(&own) != -failures[i].wanted)
			fail_msg("failure %zu", i);
		answer(PINTLE_OK, 200, "{\"n\":1}", 0);
		assert_int_equal(have(&own), 1);
		document_free(own);
	}
}

static void an_old_one_is_used_on_for_a_day(void **state)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		void *own = document_new();

		(void)state;
		answer(PINTLE_OK, 200, "{\"n\":1}", 0);
		assert_int_equal(have(&own), 1);
		answer(failures[i].status, failures[i].code, failures[i].body, 0);
		world.n_asked = 0;
		world.now_ms += 5 * MINUTE_MS;
		assert_int_equal(have(&own), 1);
		assert_int_equal(have(&own), 1);
		assert_int_equal(world.n_asked, 1); /* not by every sign-in */
		world.now_ms += 30000;
		assert_int_equal(have(&own), 1);
		assert_int_equal(world.n_asked, 2);
		world.now_ms += 24 * HOUR_MS - 5 * MINUTE_MS - 30000 - 1;
		assert_int_equal(have(&own), 1);
		world.now_ms += 1;
		assert_int_equal(have(&own), -failures[i].wanted);
		answer(PINTLE_OK, 200, "{\"n\":2}", 0);
		assert_int_equal(have(&own), 2);
		document_free(own);
	}
}

/* ---- A newer one ---- */

static void a_newer_one_is_wanted_once_in_a_while(void **state)
{
	assert_int_equal(have(state), 1);
	answer(PINTLE_OK, 200, "{\"n\":2}", 0);
	assert_int_equal(renew(state), 2);
	answer(PINTLE_OK, 200, "{\"n\":3}", 0);
	world.now_ms += 29999;
	assert_int_equal(renew(state), 2);
	assert_int_equal(world.n_asked, 2);
	world.now_ms += 1;
	assert_int_equal(renew(state), 3);
	assert_int_equal(world.n_asked, 3);
}

/* Who wants a newer one cannot do with the old one: that it did not come is no answer, for those neither who
 * come too soon to ask again. */
static void a_newer_one_that_does_not_come_is_a_fault(void **state)
{
	assert_int_equal(have(state), 1);
	answer(PINTLE_UNAVAILABLE, 0, "", 0);
	assert_int_equal(renew(state), -PINTLE_UNAVAILABLE);
	answer(PINTLE_OK, 200, "{\"n\":2}", 0);
	world.now_ms += 29999;
	assert_int_equal(renew(state), -PINTLE_UNAVAILABLE);
	assert_int_equal(world.n_asked, 2);
	assert_int_equal(have(state), 1);
	world.now_ms += 1;
	assert_int_equal(renew(state), 2);
	assert_int_equal(have(state), 2);
	assert_int_equal(world.n_asked, 3);
}

/* ---- Many at once ---- */

struct asker {
	struct document *document;
	int64_t left_ms;
	int n;
	char detail[128];
};

static void *ask(void *arg)
{
	struct asker *asker = arg;
	struct pintle_call call = { .left_ms = asker->left_ms };

	asker->n = get(asker->document, false, &call);
	(void)snprintf(asker->detail, sizeof(asker->detail), "%s", call.detail);
	arena_fini(&call.arena);
	return NULL;
}

static void hold(bool is_held)
{
	pthread_mutex_lock(&world.lock);
	world.is_held = is_held;
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
}

static void until_asked(int n_asked)
{
	struct timespec until = deadline();
	bool is_asked;

	pthread_mutex_lock(&world.lock);
	while (world.n_asked < n_asked && wait_changed(&until))
		;
	is_asked = world.n_asked >= n_asked;
	pthread_mutex_unlock(&world.lock);
	assert_true(is_asked);
}

#define N_ASKERS 8

static void many_who_want_it_ask_once(void **state)
{
	struct asker askers[N_ASKERS];
	pthread_t threads[N_ASKERS];

	hold(true);
	for (int i = 0; i < N_ASKERS; i++) {
		askers[i] = (struct asker){ *state, LONG_MS, 0, "" };
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
	}
	until_asked(1);
	hold(false);
	for (int i = 0; i < N_ASKERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].n, 1);
	}
	assert_int_equal(world.n_asked, 1);
}

/* Who comes while somebody asks does not wait when there is an old one, or no longer than it may. */
static void who_waits_has_a_deadline(void **state)
{
	struct asker first = { *state, LONG_MS, 0, "" };
	struct asker second = { *state, SHORT_MS, 0, "" };
	pthread_t thread;

	hold(true);
	assert_int_equal(pthread_create(&thread, NULL, ask, &first), 0);
	until_asked(1);
	(void)ask(&second);
	assert_int_equal(second.n, -PINTLE_TIMEOUT);
	assert_non_null(strstr(second.detail, "in vain"));
	hold(false);
	pthread_join(thread, NULL);
	assert_int_equal(first.n, 1);

	world.now_ms += 5 * MINUTE_MS;
	answer(PINTLE_OK, 200, "{\"n\":2}", 0);
	hold(true);
	assert_int_equal(pthread_create(&thread, NULL, ask, &first), 0);
	until_asked(2);
	second.left_ms = LONG_MS;
	(void)ask(&second);
	assert_int_equal(second.n, 1);
	hold(false);
	pthread_join(thread, NULL);
	assert_int_equal(first.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_kept_as_long_as_the_issuer_lets_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_clock_that_was_set_back_makes_nothing_young,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_any_there_is_a_fault_and_the_next_asks_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_old_one_is_used_on_for_a_day, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_newer_one_is_wanted_once_in_a_while, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_newer_one_that_does_not_come_is_a_fault, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(many_who_want_it_ask_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_waits_has_a_deadline, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
