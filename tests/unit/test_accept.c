/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *accept, *type;
	int q;
} rows[] = {
	{ "", "text/html", 0 },
	{ "text/html", "text/html", 1000 },
	{ "TEXT/Html", "text/html", 1000 },
	{ "text/html,application/xhtml+xml,*/*;q=0.8", "text/html", 1000 },
	{ "text/html,application/xhtml+xml,*/*;q=0.8", "application/json", 0 },
	{ "application/json, text/html;q=0.5", "text/html", 500 },
	{ "application/json, text/html ; level=1 ; Q=0.25", "text/html", 250 },
	{ "text/html;q=1.000", "text/html", 1000 },
	{ "text/html;q=0.123", "text/html", 123 },
	{ "text/html;q=0", "text/html", 0 },
	{ "text/html;q=2", "text/html", 0 },
	{ "text/html;q=0.1234", "text/html", 0 },
	{ "text/html;q=x", "text/html", 0 },
	{ "text/html;q=", "text/html", 1000 },
	{ "*/*", "text/html", 0 },
	{ "text/*", "text/html", 0 },
	{ "text/htmlx", "text/html", 0 },
	{ ",,;,text/html", "text/html", 1000 },
};

static void a_type_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int q = accept_q(slice_of(rows[i].accept), rows[i].type);

		if (q != rows[i].q)
			fail_msg("%zu: %s: %d, not %d", i, rows[i].accept, q, rows[i].q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_type_is_found_by_its_name) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
