/* SPDX-License-Identifier: Apache-2.0 */
#include "form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_good(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "", "{}" },
		{ "&", "{}" },
		{ "a=b", "{\"a\":\"b\"}" },
		{ "a=b&c=d", "{\"a\":\"b\",\"c\":\"d\"}" },
		{ "&a=b&&c=d&", "{\"a\":\"b\",\"c\":\"d\"}" },
		{ "a", "{\"a\":\"\"}" },
		{ "a=", "{\"a\":\"\"}" },
		{ "a=b=c", "{\"a\":\"b=c\"}" },
		{ "a=b+c%2B%26%3d", "{\"a\":\"b c+&=\"}" },
		{ "a%3Db=c", "{\"a=b\":\"c\"}" },
		{ "a=%E5%BE%ae", "{\"a\":\"\xe5\xbe\xae\"}" },
		{ "a=\xe5\xbe\xae", "{\"a\":\"\xe5\xbe\xae\"}" },
		{ "a=%0a%0D", "{\"a\":\"\\n\\r\"}" },
		{ "a=1&A=2", "{\"a\":\"1\",\"A\":\"2\"}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *form = form_parse(slice_of(cases[i].text));
		char *json = form ? json_dumps(form, JSON_COMPACT) : NULL;

		if (!json || strcmp(json, cases[i].json) != 0)
			fail_msg("case %zu: got %s, want %s", i, json ? json : "NULL",
				 cases[i].json);
		free(json);
		json_decref(form);
	}
}

static void test_bad(void **state)
{
	static const char *const cases[] = {
		"a=%",       "a=%2",  "a=%2&b=c", "a=%zz",  "a=%2g",    "a=%+1",       "a=%00",
		"%00=a",     "a=%ff", "%ff=a",    "a=\xff", "a=%c0%ae", "a=%ed%a0%80", "a=1&a=2",
		"a=1&%61=2", "=a",    "=",        "a=\n",   "a=\x7f",   "a&a",         "a=\x01",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *form = form_parse(slice_of(cases[i]));

		if (form)
			fail_msg("case %zu was taken: %s", i, cases[i]);
	}
	assert_null(form_parse(SLICE("a=b\0c")));
}

static void test_pairs(void **state)
{
	char text[1024] = "";

	(void)state;
	for (int i = 0; i < 65; i++) {
		json_t *form;

		(void)sprintf(text + strlen(text), "&k%d=v", i);
		form = form_parse(slice_of(text));
		if ((form != NULL) != (i < 64))
			fail_msg("%d pairs: %s", i + 1, form ? "taken" : "refused");
		json_decref(form);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
