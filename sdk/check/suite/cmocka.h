/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few words of cmocka the contract suites of stores are written in, so that the installed checker
 * runs the same suites as the unit tests and needs no test library.
 */
#ifndef SUITE_CMOCKA_H
#define SUITE_CMOCKA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*test)(void **state);
	int (*setup)(void **state), (*teardown)(void **state);
	void *state;
};

#define cmocka_unit_test_prestate(f, s)                                                            \
	{                                                                                          \
#f, f, NULL, NULL, s                                                               \
	}
#define cmocka_unit_test_prestate_setup_teardown(f, up, down, s)                                   \
	{                                                                                          \
#f, f, up, down, s                                                                 \
	}
#define cmocka_run_group_tests_name(name, tests, up, down)                                         \
	suite_run(name, tests, sizeof(tests) / sizeof((tests)[0]))

/* The number of tests that failed. */
int suite_run(const char *name, const struct CMUnitTest *tests, size_t n_tests);
/* Ends the running test. */
_Noreturn void suite_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define fail_msg(...) suite_fail(__FILE__, __LINE__, __VA_ARGS__)
#define assert_true(what)                                                                          \
	((what) ? (void)0 : suite_fail(__FILE__, __LINE__, "%s does not hold", #what))
#define assert_non_null(ptr) assert_true((ptr) != NULL)
#define assert_null(ptr) assert_true((ptr) == NULL)
#define assert_false(what) assert_true(!(what))
#define assert_int_equal(a, b)                                                                     \
	((int64_t)(a) == (int64_t)(b) ? (void)0                                                    \
				      : suite_fail(__FILE__, __LINE__, "%s is %lld, not %lld", #a, \
						   (long long)(a), (long long)(b)))
#define assert_int_not_equal(a, b) assert_true((a) != (b))
#define assert_string_equal(a, b)                                                                  \
	(strcmp(a, b) == 0 ? (void)0                                                               \
			   : suite_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, a, b))
#define assert_memory_equal(a, b, len) assert_true(memcmp(a, b, len) == 0)

#endif
