/* SPDX-License-Identifier: Apache-2.0 */
#include "cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const none[] = { NULL };
static const char *const loopback[] = { "127.0.0.1:8080", "[::1]:8080", NULL };
static const char *const network[] = { "127.0.0.1:8080", "192.0.2.1:8080", NULL };
static const char *const tls[] = { "192.0.2.1:8443", NULL };

static void it_never_crosses_a_network_in_the_clear(void **state)
{
	static const struct {
		const char *const *listen, *const *listen_tls;
		const char *public_url;
		int32_t mode;
		bool is_secure, is_allowed;
	} cases[] = {
		{ loopback, none, "", MODE_PRODUCTION, false, true },
		{ network, none, "", MODE_PRODUCTION, false, false },
		{ network, none, "http://auth.example.com", MODE_PRODUCTION, false, false },
		{ network, none, "", MODE_DEVELOPMENT, false, true },
		{ network, none, "https://auth.example.com", MODE_PRODUCTION, true, true },
		{ network, none, "HTTPS://auth.example.com", MODE_PRODUCTION, true, true },
		{ loopback, tls, "", MODE_PRODUCTION, true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings settings = { .server = { .listen = cases[i].listen,
							 .listen_tls = cases[i].listen_tls,
							 .public_url = cases[i].public_url,
							 .mode = cases[i].mode } };
		struct cookie_rules rules;

		cookie_rules_make(&rules, &settings);
		assert_int_equal(rules.is_secure, cases[i].is_secure);
		assert_int_equal(rules.is_allowed, cases[i].is_allowed);
		assert_string_equal(rules.name, cases[i].is_secure ? "__Host-pintle" : "pintle");
	}
}

static void what_is_remembered_needs_no_quotes(void **state)
{
	static const struct {
		const char *text;
		bool is_taken;
	} cases[] = {
		{ "aZ09-_.", true }, { "", false },       { "a b", false },   { "a;b", false },
		{ "a=b", false },    { "a\r\nb", false }, { "\"a\"", false }, { "\xc3\xa4", false },
	};
	char longest[COOKIE_TEXT_MAX + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (cookie_is_text(cases[i].text, strlen(cases[i].text)) != cases[i].is_taken)
			fail_msg("row %zu: \"%s\"", i, cases[i].text);
	assert_true(cookie_is_text(longest, COOKIE_TEXT_MAX));
	assert_false(cookie_is_text(longest, COOKIE_TEXT_MAX + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_never_crosses_a_network_in_the_clear),
		cmocka_unit_test(what_is_remembered_needs_no_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
