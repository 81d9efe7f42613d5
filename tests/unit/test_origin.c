/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include "host.h"
#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct asked {
	struct settings settings;
	struct host host;
	struct http_request http;
	struct request request;
};

/* more: header lines besides Host. */
static void ask(struct asked *asked, const char *public_url, bool is_tls, const char *more)
{
	static const char *const listed[] = { "https://app.example.com", NULL };
	static char text[1024];
	int len = snprintf(text, sizeof(text),
			   "POST / HTTP/1.1\r\nHost: auth.example.com:8080\r\n%s\r\n", more);

	*asked = (struct asked){ .http.is_tls = is_tls };
	asked->settings.server.public_url = public_url;
	asked->settings.server.cors_origins = listed;
	asked->host.settings = &asked->settings;
	asked->request.host = &asked->host;
	asked->request.http = &asked->http;
	assert_int_equal(http_head_parse(&asked->http.head, text, (size_t)len), 0);
}

static void own_is_the_public_url(void **state)
{
	static const struct {
		const char *headers;
		bool is_own;
	} cases[] = {
		{ "Origin: https://auth.example.com\r\n", true },
		{ "Origin: HTTPS://AUTH.example.com\r\n", true },
		{ "", false },
		{ "Origin: null\r\n", false },
		{ "Origin: https://auth.example.com:8080\r\n", false },
		{ "Origin: http://auth.example.com\r\n", false },
		{ "Origin: https://auth.example.com.evil.org\r\n", false },
		{ "Origin: https://evil.auth.example.com\r\n", false },
	};
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(&asked, "https://auth.example.com/sign-in", true, cases[i].headers);
		assert_int_equal(origin_is_own(&asked.request), cases[i].is_own);
	}
}

static void own_is_where_it_was_sent(void **state)
{
	struct asked asked;

	(void)state;
	ask(&asked, "", false, "Origin: http://auth.example.com:8080\r\n");
	assert_true(origin_is_own(&asked.request));
	ask(&asked, "", true, "Origin: http://auth.example.com:8080\r\n");
	assert_false(origin_is_own(&asked.request));
	ask(&asked, "", false, "Origin: http://auth.example.com\r\n");
	assert_false(origin_is_own(&asked.request));
}

static void listed_is_exact(void **state)
{
	struct asked asked;

	(void)state;
	ask(&asked, "", false, "Origin: https://app.example.com\r\n");
	assert_string_equal(origin_listed(&asked.request), "https://app.example.com");
	ask(&asked, "", false, "Origin: https://app.example.com:444\r\n");
	assert_null(origin_listed(&asked.request));
	ask(&asked, "", false, "");
	assert_null(origin_listed(&asked.request));
}

/* What the browser says of itself wins over Origin. */
static void own_pages(void **state)
{
	static const struct {
		const char *headers;
		bool is_own;
	} cases[] = {
		{ "Sec-Fetch-Site: same-origin\r\n", true },
		{ "Origin: https://auth.example.com\r\n", true },
		{ "Sec-Fetch-Site: same-origin\r\nOrigin: null\r\n", true },
		{ "Sec-Fetch-Site: same-site\r\nOrigin: https://auth.example.com\r\n", false },
		{ "Sec-Fetch-Site: cross-site\r\n", false },
		{ "Sec-Fetch-Site: none\r\n", false },
		{ "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: same-origin\r\n", false },
		{ "", false },
	};
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(&asked, "https://auth.example.com", true, cases[i].headers);
		assert_int_equal(origin_is_own_page(&asked.request), cases[i].is_own);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_is_the_public_url),
		cmocka_unit_test(own_is_where_it_was_sent),
		cmocka_unit_test(listed_is_exact),
		cmocka_unit_test(own_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
