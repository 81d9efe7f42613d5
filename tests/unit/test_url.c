/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_call.h"

#include <pintle/url.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *base;
	char separator;
	const char *pairs[7];
	const char *url;
} rows[] = {
	{ "https://a/b", '?', { NULL }, "https://a/b" },
	{ "https://a/b", '#', { "grant", "x1", NULL }, "https://a/b#grant=x1" },
	{ "https://a/b",
	  '#',
	  { "grant", "x1", "state", "a b&c=d#e%", NULL },
	  "https://a/b#grant=x1&state=a%20b%26c%3Dd%23e%25" },
	{ "https://a/b", '#', { "grant", "x1", "state", NULL, NULL }, "https://a/b#grant=x1" },
	{ "https://a/b", '#', { "error", NULL, "state", "s", NULL }, "https://a/b#state=s" },
	{ "/x", '?', { "a", "", "b", "-._~", NULL }, "/x?a=&b=-._~" },
	{ "/x", '?', { "n", "\xe7\x8e\x8b\r\n", NULL }, "/x?n=%E7%8E%8B%0D%0A" },
};

static void parameters_stand_behind_it(void **state)
{
	struct pintle_call call = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *url = pintle_url(fake_call_table(), &call, rows[i].base,
					     rows[i].separator, rows[i].pairs);

		if (!url || strcmp(url, rows[i].url) != 0)
			fail_msg("%zu: %s", i, url ? url : "nothing");
	}
	fake_call_fini(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parameters_stand_behind_it) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
