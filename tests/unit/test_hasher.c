/* SPDX-License-Identifier: Apache-2.0 */
/* Stored hashes of every scheme that is understood, those that must never match, and the queue. */
#include "clock.h"
#include "hasher.h"

#include <pintle/status.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#ifdef PINTLE_TEST
#define CHEAP "bcrypt:4"
#else
#define CHEAP "bcrypt:10"
#endif
#define DEAR "bcrypt:12" /* long enough to see others wait behind it */
#define ARGON "argon2id:19456:2:1"
#define LATER (clock_mono_ms() + 60000)

#define S36 "abcdefghijklmnopqrstuvwxyz0123456789"
#define S72 S36 S36

static struct hasher *hasher;

static int32_t verify(const char *setting, const char *secret, const char *stored, bool *is_stale)
{
	return hasher_verify(hasher, setting, secret, stored, LATER, is_stale);
}

struct stored_case {
	const char *secret, *stored;
};

static const struct stored_case good[] = {
	{ "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
		      "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4" },
	{ "password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
		      "iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8" },
	{ "correct horse",
	  "$5$rounds=1000$saltstring$95Bg/RfV2QriLpMdLPHK9el0Ighm6E3CBqMKzZKgCa2" },
	{ "correct horse",
	  "$6$saltstring$.r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQ"
	  "DXDIm17fFcR9z3z7oBNdsyYBbtm/" },
	{ "correct horse",
	  "$y$j75$F5Jx5fExrKuPp53xLKQ..1$aEFV0VcEI5Jx.rzUhLbfRgipTKSbuNF0ldHPkDpnco3" },
	{ "correct horse",
	  "pbkdf2_sha256$1000$NaClSalt01$B9JxXi1nZ4rk1E8m3kbgYYdXUbV4r1zUosjJAcP0dCM=" },
	{ "correct horse", "$pbkdf2-sha256$1000$yMnKy8zNzs/Q0dLT1NXW1w$"
			   "TwRueOdCB6KCbpfU0/4XAabBqcM.xth4i3zmIlph9.Q" },
};

static void foreign_hashes_match_their_secret_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bool is_stale = false;
		int32_t status = verify(CHEAP, good[i].secret, good[i].stored, &is_stale);

		if (status != PINTLE_OK || !is_stale)
			fail_msg("case %zu: status %d, stale %d", i, status, is_stale);
		status = verify(CHEAP, "correct horsf", good[i].stored, &is_stale);
		if (status != PINTLE_DENIED || is_stale)
			fail_msg("case %zu, wrong secret: status %d, stale %d", i, status,
				 is_stale);
	}
}

/* Each would match its secret, were it not refused; or is nothing at all. */
static const struct stored_case bad[] = {
	{ "", "" },
	{ "*0", "*0" },
	{ "*1", "*1" },
	{ "!", "!" },
	{ "x", "!$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "plain", "plain" },
	{ "correct horse", "$1$salt$uXdHrfCd.CnHQasvSgrAO0" },
	{ "U*U", "$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "U*U", "$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe" },
	{ "U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW" },
	{ "U*U", "$2b$05$" },
	{ "U*U", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "correct horse",
	  "$6$rounds=600000$saltstring$drLtytZGw2sUDVfPXNANO37ZdBAY2qGsgGZ8L1bhZCwGQf5"
	  "G2PhANa71tHntlL2.WOoKx74B7ajKJWRIK8waT/" },
	{ "correct horse",
	  "$y$jFT$F5Jx5fExrKuPp53xLKQ..1$aEFV0VcEI5Jx.rzUhLbfRgipTKSbuNF0ldHPkDpnco3" },
	{ "password", "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$"
		      "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4" },
	{ "password", "$argon2id$v=19$m=256,t=4000000000,p=1$c29tZXNhbHQ$"
		      "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4" },
	{ "password", "$argon2id$v=19$m=256,t=2,p=900$c29tZXNhbHQ$"
		      "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4" },
	{ "password", "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
		      "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4" },
	{ "password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ" },
	{ "correct horse",
	  "pbkdf2_sha256$0$NaClSalt01$B9JxXi1nZ4rk1E8m3kbgYYdXUbV4r1zUosjJAcP0dCM=" },
	{ "correct horse",
	  "pbkdf2_sha256$9999999$NaClSalt01$B9JxXi1nZ4rk1E8m3kbgYYdXUbV4r1zUosjJAcP0dCM=" },
	{ "correct horse", "pbkdf2_sha256$1000$NaClSalt01$" },
	{ "correct horse", "pbkdf2_sha256$1000$NaClSalt01$B9JxXi0=" },
	{ "correct horse",
	  "pbkdf2_sha1$1000$NaClSalt01$B9JxXi1nZ4rk1E8m3kbgYYdXUbV4r1zUosjJAcP0dCM=" },
	{ "correct horse", "$pbkdf2-sha256$1000$yMnKy8zNzs/Q0dLT1NXW1w" },
	{ "correct horse", "$pbkdf2-sha256$-1$yMnKy8zNzs/Q0dLT1NXW1w$"
			   "TwRueOdCB6KCbpfU0/4XAabBqcM.xth4i3zmIlph9.Q" },
};

static void unusable_hashes_never_match(void **state)
{
	char longest[HASHER_TEXT_MAX + 1];
	bool is_stale;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int32_t status = verify(CHEAP, bad[i].secret, bad[i].stored, &is_stale);

		if (status != PINTLE_DENIED)
			fail_msg("case %zu, %s: status %d", i, bad[i].stored, status);
	}
	assert_int_equal(verify(CHEAP, "x", NULL, &is_stale), PINTLE_DENIED);
	assert_int_equal(verify(ARGON, "x", NULL, &is_stale), PINTLE_DENIED);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(verify(CHEAP, longest, longest, &is_stale), PINTLE_DENIED);
}

static const char *const settings[] = { CHEAP, ARGON };

static void what_is_made_verifies_and_is_current(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char made[HASHER_TEXT_MAX], again[HASHER_TEXT_MAX];
		bool is_stale = true;

		assert_int_equal(hasher_hash(hasher, settings[i], "secret", LATER, made),
				 PINTLE_OK);
		assert_int_equal(hasher_hash(hasher, settings[i], "secret", LATER, again),
				 PINTLE_OK);
		assert_string_not_equal(made, again);
		assert_int_equal(verify(settings[i], "secret", made, &is_stale), PINTLE_OK);
		assert_false(is_stale);
		assert_int_equal(verify(settings[1 - i], "secret", made, &is_stale), PINTLE_OK);
		assert_true(is_stale);
		assert_int_equal(verify(settings[i], "Secret", made, &is_stale), PINTLE_DENIED);
	}
}

static void bcrypt_takes_72_bytes_and_never_cuts(void **state)
{
	char made[HASHER_TEXT_MAX];
	bool is_stale;

	(void)state;
	assert_int_equal(hasher_hash(hasher, CHEAP, S72 "x", LATER, made), PINTLE_INVALID);
	assert_int_equal(hasher_hash(hasher, CHEAP, S72, LATER, made), PINTLE_OK);
	assert_int_equal(verify(CHEAP, S72, made, &is_stale), PINTLE_OK);
	assert_int_equal(verify(CHEAP, S72 "x", made, &is_stale), PINTLE_DENIED);
	assert_int_equal(hasher_hash(hasher, ARGON, S72 "x", LATER, made), PINTLE_OK);
	assert_int_equal(verify(ARGON, S72 "x", made, &is_stale), PINTLE_OK);
	assert_int_equal(verify(ARGON, S72 "y", made, &is_stale), PINTLE_DENIED);
	assert_int_equal(verify(ARGON, S72, made, &is_stale), PINTLE_DENIED);
}

static void settings_have_bounds(void **state)
{
	static const char *const fine[] = { "bcrypt:10", "bcrypt:14", "argon2id:19456:2:1",
					    "argon2id:262144:10:8" };
	static const char *const wrong[] = { "",
					     "bcrypt",
					     "bcrypt:",
					     "bcrypt:3",
					     "bcrypt:15",
					     "bcrypt:10 ",
					     "bcrypt:4294967306",
					     "argon2id:19456:2",
					     "argon2id:19456:2:1:1",
					     "argon2id:63:2:1",
					     "argon2id:262145:2:1",
					     "argon2id:19456:0:1",
					     "argon2id:19456:11:1",
					     "argon2id:19456:2:9",
					     "argon2i:19456:2:1",
					     "md5" };
	char made[HASHER_TEXT_MAX];
	bool is_stale;

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		if (!hasher_setting_ok(fine[i]))
			fail_msg("refused: %s", fine[i]);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (hasher_setting_ok(wrong[i]))
			fail_msg("accepted: %s", wrong[i]);
	}
	assert_int_equal(hasher_hash(hasher, "md5", "x", LATER, made), PINTLE_INVALID);
	assert_int_equal(verify("md5", "x", good[0].stored, &is_stale), PINTLE_INVALID);
}

static void *hash_dear(void *arg)
{
	char made[HASHER_TEXT_MAX];
	int32_t status = hasher_hash(arg, DEAR, "secret", LATER, made);

	return (void *)(intptr_t)status;
}

/* One request is computed and one waits when this returns. */
static void occupy(struct hasher *busy, pthread_t threads[2])
{
	assert_int_equal(pthread_create(&threads[0], NULL, hash_dear, busy), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, hash_dear, busy), 0);
	while (hasher_running(busy) != 1 || hasher_waiting(busy) != 1)
		(void)sched_yield();
}

static void release(struct hasher *busy, pthread_t threads[2])
{
	for (int i = 0; i < 2; i++) {
		void *status = NULL;

		assert_int_equal(pthread_join(threads[i], &status), 0);
		assert_ptr_equal(status, NULL); /* PINTLE_OK */
	}
	hasher_free(busy);
}

static void full_queue_is_busy(void **state)
{
	struct hasher *busy = hasher_new(1, 1);
	char made[HASHER_TEXT_MAX];
	pthread_t threads[2];

	(void)state;
	assert_int_equal(hasher_hash(busy, CHEAP, "secret", LATER, made), PINTLE_OK);
	occupy(busy, threads);
	assert_int_equal(hasher_hash(busy, CHEAP, "secret", LATER, made), PINTLE_BUSY);
	release(busy, threads);
}

static void who_waits_too_long_leaves(void **state)
{
	struct hasher *busy = hasher_new(1, 4);
	char made[HASHER_TEXT_MAX];
	pthread_t threads[2];

	(void)state;
	occupy(busy, threads);
	assert_int_equal(hasher_hash(busy, CHEAP, "secret", clock_mono_ms(), made), PINTLE_TIMEOUT);
	release(busy, threads);
	hasher_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_hashes_match_their_secret_only),
		cmocka_unit_test(unusable_hashes_never_match),
		cmocka_unit_test(what_is_made_verifies_and_is_current),
		cmocka_unit_test(bcrypt_takes_72_bytes_and_never_cuts),
		cmocka_unit_test(settings_have_bounds),
		cmocka_unit_test(full_queue_is_busy),
		cmocka_unit_test(who_waits_too_long_leaves),
	};
	int rc;

	hasher = hasher_new(2, 8);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	hasher_free(hasher);
	return rc;
}
