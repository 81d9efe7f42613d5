/* SPDX-License-Identifier: Apache-2.0 */
#include "token_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define END_S 1000

static void put(struct token_cache *cache, int n, int64_t exp)
{
	struct token_claims claims = { .exp = exp, .iat = n };
	char text[32];
	int len = snprintf(text, sizeof(text), "token-%d", n);

	token_cache_put(cache, text, (size_t)len, &claims);
}

/* The iat of what is found, -1 when nothing is. */
static int64_t find(struct token_cache *cache, int n, int64_t now_s)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "token-%d", n);
	const struct token_claims *claims = token_cache_find(cache, text, (size_t)len, now_s);

	return claims ? claims->iat : -1;
}

static void what_was_put_is_found_until_it_ends(void **state)
{
	struct token_cache *cache = token_cache_new(4);

	(void)state;
	assert_int_equal(find(cache, 1, 0), -1);
	put(cache, 1, END_S);
	assert_int_equal(find(cache, 1, 0), 1);
	assert_int_equal(find(cache, 1, END_S - 1), 1);
	assert_int_equal(find(cache, 1, END_S), -1);
	assert_int_equal(find(cache, 2, 0), -1);
	assert_null(token_cache_find(cache, "token-1", 6, 0));
	assert_null(token_cache_find(cache, "", 0, 0));
	token_cache_free(cache);
}

static void the_least_recently_used_goes_first(void **state)
{
	struct token_cache *cache = token_cache_new(3);

	(void)state;
	for (int n = 0; n < 3; n++)
		put(cache, n, END_S);
	assert_int_equal(find(cache, 0, 0), 0); /* 1 is now the oldest */
	put(cache, 3, END_S);
	assert_int_equal(find(cache, 1, 0), -1);
	assert_int_equal(find(cache, 0, 0), 0);
	assert_int_equal(find(cache, 2, 0), 2);
	assert_int_equal(find(cache, 3, 0), 3);
	put(cache, 0, END_S); /* putting again counts as use and takes no place */
	put(cache, 4, END_S);
	assert_int_equal(find(cache, 2, 0), -1);
	assert_int_equal(find(cache, 0, 0), 0);
	token_cache_free(cache);
}

static void putting_again_replaces(void **state)
{
	struct token_cache *cache = token_cache_new(2);

	(void)state;
	put(cache, 1, 10);
	put(cache, 1, 20);
	assert_int_equal(find(cache, 1, 15), 1);
	put(cache, 2, 20);
	assert_int_equal(find(cache, 1, 15), 1);
	token_cache_free(cache);
}

/* Against a plain list of what a cache of this size must hold. */
static void long_use_matches_a_plain_list(void **state)
{
	enum { SIZE = 8, NAMES = 24, STEPS = 20000 };
	struct token_cache *cache = token_cache_new(SIZE);
	int list[SIZE], n_list = 0;
	unsigned seed = 1;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		int n = (int)((seed = seed * 1103515245 + 12345) >> 16) % NAMES;
		int at = 0;

		while (at < n_list && list[at] != n)
			at++;
		if ((find(cache, n, 0) == n) != (at < n_list))
			fail_msg("step %d: token %d is %sthere", step, n,
				 at < n_list ? "not " : "");
		put(cache, n, END_S);
		if (at == n_list && n_list < SIZE)
			n_list++;
		if (at == SIZE)
			at--;
		memmove(list + 1, list, (size_t)at * sizeof(list[0]));
		list[0] = n;
	}
	token_cache_free(cache);
}

static void a_cache_of_one_and_of_none(void **state)
{
	struct token_cache *one = token_cache_new(1), *none = token_cache_new(0);

	(void)state;
	put(one, 1, END_S);
	put(one, 2, END_S);
	assert_int_equal(find(one, 1, 0), -1);
	assert_int_equal(find(one, 2, 0), 2);
	put(none, 1, END_S);
	assert_int_equal(find(none, 1, 0), -1);
	token_cache_free(one);
	token_cache_free(none);
	token_cache_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found_until_it_ends),
		cmocka_unit_test(the_least_recently_used_goes_first),
		cmocka_unit_test(putting_again_replaces),
		cmocka_unit_test(long_use_matches_a_plain_list),
		cmocka_unit_test(a_cache_of_one_and_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
