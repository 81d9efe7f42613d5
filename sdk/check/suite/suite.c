/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka.h"

#include "report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

static jmp_buf end_of_test;
static const char *running;

void suite_fail(const char *file, int line, const char *fmt, ...)
{
	const char *name = strrchr(file, '/');
	char text[256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report_fail(strncmp(name ? name + 1 : file, "kv", 2) == 0 ? "K01" : "B01", "%s, %s:%d: %s",
		    running, name ? name + 1 : file, line, text);
	longjmp(end_of_test, 1);
}

static int run_one(const struct CMUnitTest *test)
{
	void *state = test->state;

	running = test->name;
	report_at("%s", test->name);
	if (setjmp(end_of_test) != 0)
		return 1;
	if (test->setup && test->setup(&state) != 0)
		return 1;
	test->test(&state);
	if (test->teardown)
		(void)test->teardown(&state);
	return 0;
}

int suite_run(const char *name, const struct CMUnitTest *tests, size_t n_tests)
{
	int n_failed = 0;

	(void)name;
	/* A test that fails may leave locks behind: the next would only wait. */
	for (size_t i = 0; i < n_tests && n_failed == 0; i++)
		n_failed += run_one(&tests[i]);
	return n_failed;
}
