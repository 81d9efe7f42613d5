/* SPDX-License-Identifier: Apache-2.0 */
#include "test_number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1780272000000) /* 2026-06-01 */

static const char *const one[] = { "+8613800138000:491726", NULL };
static const char *const both[] = { "138 0013 8000:491726", "Reviewer@Example.com:835604", NULL };
static const char *const none[] = { NULL };

static struct test_numbers *make(const char *const *codes, const char *expires, struct err *err)
{
	const struct test_number_settings settings = { .codes = codes, .expires = expires };

	*err = (struct err){ 0 };
	return test_numbers_new(&settings, NOW_MS, err);
}

static void known_in_their_canonical_spelling(void **state)
{
	static const char *const strangers[] = { "+8613800138001", "reviewer@example.co",
						 "13800138000", "Reviewer@Example.com", "" };
	struct err err;
	struct test_numbers *numbers = make(both, "2026-12-31", &err);

	(void)state;
	assert_non_null(numbers);
	assert_true(test_number_is(numbers, "+8613800138000"));
	assert_true(test_number_is(numbers, "reviewer@example.com"));
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		if (test_number_is(numbers, strangers[i]))
			fail_msg("%s is one", strangers[i]);
	}
	test_numbers_free(numbers);
}

static void a_day_must_be_named(void **state)
{
	static const struct {
		const char *expires;
		bool ok;
	} cases[] = {
		{ "2026-06-01", true },  { "2027-06-01", true },
		{ "2020-01-01", true },  { "2024-02-29", true },
		{ "", false },           { "2027-06-03", false },
		{ "2099-12-31", false }, { "never", false },
		{ "2026-13-01", false }, { "2026-6-1", false },
		{ "31.12.2026", false }, { "2026-12-3x", false },
		{ "2026-12", false },    { "2026-12-001", false },
		{ "+026-12-01", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err;
		struct test_numbers *numbers = make(one, cases[i].expires, &err);

		if ((numbers != NULL) != cases[i].ok)
			fail_msg("%s: %s", cases[i].expires, err.text);
		if (!numbers && !strstr(err.text, "expires"))
			fail_msg("%s: %s", cases[i].expires, err.text);
		test_numbers_free(numbers);
	}
}

static void without_codes_nothing_is_asked(void **state)
{
	struct err err;
	struct test_numbers *numbers = make(none, "", &err);

	(void)state;
	assert_non_null(numbers);
	assert_false(test_number_is(numbers, ""));
	test_numbers_free(numbers);
	test_numbers_free(NULL);
}

/* What somebody tries first is refused, and no reason says what the code is. */
static void codes_that_are_none_or_simple_are_refused(void **state)
{
	static const struct {
		const char *item, *reason;
	} cases[] = {
		{ "+8613800138000:491726", NULL },     { "+8613800138000:123465", NULL },
		{ "+8613800138000", "item 1 is not" }, { "+8613800138000:", "digits" },
		{ "+8613800138000:49172", "digits" },  { "+8613800138000:4917260", "digits" },
		{ "+8613800138000:49172x", "digits" }, { "+8613800138000: 91726", "digits" },
		{ "+8613800138000:000000", "simple" }, { "+8613800138000:123456", "simple" },
		{ "+8613800138000:987654", "simple" }, { "+8613800138000:121212", "simple" },
		{ "+8613800138000:112233", "simple" }, { "zhang:491726", "names no phone" },
		{ ":491726", "names no phone" },       { "a@b:491726", "names no phone" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const codes[] = { cases[i].item, NULL };
		struct err err;
		struct test_numbers *numbers = make(codes, "2026-12-31", &err);
		const char *code = strchr(cases[i].item, ':');

		if ((numbers == NULL) != (cases[i].reason != NULL))
			fail_msg("%s: %s", cases[i].item, err.text);
		if (!numbers && !strstr(err.text, cases[i].reason))
			fail_msg("%s: %s", cases[i].item, err.text);
		if (!numbers && code && code[1] && strstr(err.text, code + 1))
			fail_msg("%s: its reason tells the code: %s", cases[i].item, err.text);
		test_numbers_free(numbers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_in_their_canonical_spelling),
		cmocka_unit_test(a_day_must_be_named),
		cmocka_unit_test(without_codes_nothing_is_asked),
		cmocka_unit_test(codes_that_are_none_or_simple_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
