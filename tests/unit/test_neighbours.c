/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts with a state folder each, on one SQLite file; which key-value store one uses is chosen here. */
#include "neighbours.h"

#include "clock.h"
#include "kv_memory.h"
#include "people.h"
#include "scratch.h"

#include <pintle/status.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MINUTE_MS 60000

struct fixture {
	struct people *people;
	struct kv_memory *memories[2];
	struct kv stores[2];
	char dirs[2][SCRATCH_MAX];
	char key_dirs[2][SCRATCH_MAX];
	struct seal *seals[2];
	struct keyring *rings[2];
};

static void make_keys(struct fixture *f, int i)
{
	struct err err = { "" };

	scratch_make(f->key_dirs[i]);
	f->seals[i] = seal_new(NULL, f->key_dirs[i], &err);
	f->rings[i] = keyring_new(&f->people->settings.token, f->key_dirs[i], &err);
	if (!f->seals[i] || !f->rings[i])
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *people;

	if (people_setup(&people) != 0)
		return -1;
	f->people = people;
	for (int i = 0; i < 2; i++) {
		f->memories[i] = kv_memory_new(clock_now_ms);
		f->stores[i] = (struct kv){ .ops = &kv_memory_ops, .self = f->memories[i] };
		scratch_make(f->dirs[i]);
		make_keys(f, i);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *people = f->people;

	for (int i = 0; i < 2; i++) {
		kv_memory_free(f->memories[i]);
		scratch_remove(f->dirs[i]);
		seal_free(f->seals[i]);
		keyring_free(f->rings[i]);
		scratch_remove(f->key_dirs[i]);
	}
	free(f);
	return people_teardown(&people);
}

static struct neighbours host_with(struct fixture *f, int dir, int store, int seal, int ring)
{
	struct neighbours neighbours = { .db = &f->people->db,
					 .kv = &f->stores[store],
					 .keyring = f->rings[ring] };
	struct err err = { "" };

	if (!neighbours_init(&neighbours, f->seals[seal], f->dirs[dir], &err))
		fail_msg("%s", err.text);
	return neighbours;
}

static struct neighbours host(struct fixture *f, int dir, int store)
{
	return host_with(f, dir, store, 0, 0);
}

static bool fits(const struct neighbours *neighbours, const char *reason)
{
	struct err err = { "" };
	bool ok = neighbours_join(neighbours, &err);

	if (!ok && !strstr(err.text, reason))
		fail_msg("%s", err.text);
	return ok;
}

static bool joins(struct fixture *f, int dir, int store)
{
	struct neighbours neighbours = host(f, dir, store);

	return fits(&neighbours, "with another key-value store");
}

static void hosts_of_one_store_live_together(void **state)
{
	assert_true(joins(*state, 0, 0));
	assert_true(joins(*state, 1, 0));
	assert_true(joins(*state, 0, 0));
}

static void another_store_is_refused_while_the_first_host_lives(void **state)
{
	struct fixture *f = *state;
	struct neighbours first = host(f, 0, 0);
	struct err err = { "" };

	assert_true(joins(f, 0, 0));
	assert_false(joins(f, 1, 1));
	assert_int_equal(people_number(f->people, "SELECT COUNT(*) FROM kv_hosts"), 1);
	people_wait(MINUTE_MS + 1000);
	assert_true(neighbours_renew(&first, &err));
	people_wait(MINUTE_MS + 1000);
	assert_false(joins(f, 1, 1));
	people_wait(MINUTE_MS); /* nobody has said since that the first is alive */
	assert_true(joins(f, 1, 1));
	assert_false(neighbours_renew(&first, &err));
	assert_non_null(strstr(err.text, "with another key-value store"));
}

static void other_keys_are_refused_while_the_first_host_lives(void **state)
{
	struct fixture *f = *state;
	struct neighbours other_master = host_with(f, 1, 0, 1, 0),
			  other_signer = host_with(f, 1, 0, 0, 1);

	assert_true(joins(f, 0, 0));
	assert_false(fits(&other_master, "with other master keys"));
	assert_false(fits(&other_signer, "signs with a key"));
	assert_int_equal(people_number(f->people, "SELECT COUNT(*) FROM kv_hosts"), 1);
	assert_true(joins(f, 1, 0));
}

static void a_host_that_stopped_is_no_neighbour(void **state)
{
	struct fixture *f = *state;
	struct neighbours first = host(f, 0, 0);

	assert_true(joins(f, 0, 0));
	assert_false(joins(f, 1, 1));
	neighbours_leave(&first);
	assert_true(joins(f, 1, 1));
}

/* A host of an earlier release says nothing about its keys. */
static void a_host_that_does_not_say_fits(void **state)
{
	struct fixture *f = *state;
	struct neighbours other = host_with(f, 1, 0, 1, 1);

	assert_true(joins(f, 0, 0));
	people_exec(f->people, "UPDATE kv_hosts SET keys_print = '', signs_kid = ''");
	assert_true(fits(&other, ""));
}

static void a_host_is_alone_until_another_one_lives(void **state)
{
	struct fixture *f = *state;
	struct neighbours first = host(f, 0, 0);
	struct err err = { "" };

	assert_true(joins(f, 0, 0));
	assert_true(neighbours_alone(&first, &err));
	assert_true(joins(f, 1, 0));
	assert_false(neighbours_alone(&first, &err));
	assert_non_null(strstr(err.text, "another host uses it"));
	people_wait(2 * MINUTE_MS + 1000);
	assert_true(neighbours_alone(&first, &err));
	people_exec(f->people, "DROP TABLE kv_hosts");
	assert_false(neighbours_alone(&first, &err));
	assert_non_null(strstr(err.text, "does not answer"));
}

/* Both see the new token, one after the other. */
static void a_store_that_lost_its_memory_is_the_same_store(void **state)
{
	struct fixture *f = *state;
	struct neighbours first = host(f, 0, 0), second = host(f, 1, 0);
	struct err err = { "" };

	assert_true(joins(f, 0, 0));
	assert_true(joins(f, 1, 0));
	first.kv = second.kv = &f->stores[1];
	assert_true(neighbours_renew(&first, &err));
	assert_true(neighbours_renew(&second, &err));
	assert_true(neighbours_renew(&first, &err));
	first.kv = &f->stores[0];
	assert_true(neighbours_renew(&first, &err));
	assert_false(neighbours_renew(&first, &err));
}

/* Killed, and the memory of its store lost with the power: its own row is no neighbour's. */
static void a_host_starts_again_at_once(void **state)
{
	struct fixture *f = *state;

	assert_true(joins(f, 0, 0));
	assert_true(joins(f, 0, 0));
	assert_true(joins(f, 0, 1));
	assert_int_equal(people_number(f->people, "SELECT COUNT(*) FROM kv_hosts"), 1);
}

static void the_token_lives_as_long_as_it_is_renewed(void **state)
{
	struct fixture *f = *state;
	struct neighbours first = host(f, 0, 0);
	struct err err = { "" };

	assert_true(joins(f, 0, 0));
	for (int i = 0; i < 4; i++) {
		people_wait(INT64_C(20) * 86400000);
		assert_true(neighbours_renew(&first, &err));
		assert_true(joins(f, 1, 0));
	}
	assert_int_equal(people_number(f->people, "SELECT COUNT(DISTINCT kv_token) FROM kv_hosts"),
			 1);
}

static void a_silent_store_is_a_refusal(void **state)
{
	struct fixture *f = *state;
	struct neighbours first = host(f, 0, 0);
	struct err err = { "" };

	kv_memory_fail(f->memories[0], PINTLE_UNAVAILABLE);
	assert_false(neighbours_join(&first, &err));
	assert_non_null(strstr(err.text, "does not answer"));
	kv_memory_fail(f->memories[0], PINTLE_OK);
	assert_true(neighbours_join(&first, &err));
}

static void the_id_of_a_host_is_a_private_file(void **state)
{
	struct fixture *f = *state;
	struct neighbours first = host(f, 0, 0), again = host(f, 0, 1), other = host(f, 1, 0);
	struct err err = { "" };
	char path[SCRATCH_MAX + 32];
	struct stat st;

	assert_int_equal(strlen(first.host_id), RNG_ID_LEN);
	assert_string_equal(first.host_id, again.host_id);
	assert_string_not_equal(first.host_id, other.host_id);
	(void)snprintf(path, sizeof(path), "%s/keys/host.id", f->dirs[0]);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(truncate(path, 5), 0);
	assert_false(neighbours_init(&first, f->seals[0], f->dirs[0], &err));
	assert_non_null(strstr(err.text, "host.id"));
}

#define WITH_HOSTS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOSTS(hosts_of_one_store_live_together),
		WITH_HOSTS(another_store_is_refused_while_the_first_host_lives),
		WITH_HOSTS(other_keys_are_refused_while_the_first_host_lives),
		WITH_HOSTS(a_host_that_stopped_is_no_neighbour),
		WITH_HOSTS(a_host_that_does_not_say_fits),
		WITH_HOSTS(a_host_is_alone_until_another_one_lives),
		WITH_HOSTS(a_store_that_lost_its_memory_is_the_same_store),
		WITH_HOSTS(a_host_starts_again_at_once),
		WITH_HOSTS(the_token_lives_as_long_as_it_is_renewed),
		WITH_HOSTS(a_silent_store_is_a_refusal),
		WITH_HOSTS(the_id_of_a_host_is_a_private_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
