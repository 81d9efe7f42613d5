/* SPDX-License-Identifier: Apache-2.0 */
#include "return_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE "https://auth.example"

static const char *const allowed[] = { "https://app.example/done", "https://app.example:8443/a?b=c",
				       NULL };

static void assert_leads_to(const char *text, const char *url)
{
	struct arena arena = { 0 };
	const char *found = return_url_find(&arena, allowed, BASE, text);

	if (!found || strcmp(found, url) != 0)
		fail_msg("%s leads to %s", text ? text : "nothing", found ? found : "nothing");
	arena_fini(&arena);
}

static void what_is_listed_and_own_paths_are_taken(void **state)
{
	(void)state;
	assert_leads_to(NULL, BASE "/login");
	assert_leads_to("https://app.example/done", "https://app.example/done");
	assert_leads_to("https://app.example:8443/a?b=c", "https://app.example:8443/a?b=c");
	assert_leads_to("/", BASE "/");
	assert_leads_to("/login", BASE "/login");
	assert_leads_to("/account?tab=2&next=%2Fx", BASE "/account?tab=2&next=%2Fx");
	assert_leads_to("/a/b/../c", BASE "/a/b/../c");
	assert_leads_to("/x?u=https://evil.example", BASE "/x?u=https://evil.example");
}

/* Each is taken for evil.example, or for a script, by some browser or library. */
static const char *const elsewhere[] = {
	"",
	" ",
	"//evil.example",
	"///evil.example",
	"////evil.example",
	"\\\\evil.example",
	"\\/evil.example",
	"/\\evil.example",
	"/\\/evil.example",
	"/\\\\evil.example",
	"/./\\evil.example",
	"/..//evil.example",
	"/.//evil.example",
	"/a/..//evil.example",
	"/a//evil.example",
	"/%2e%2e//evil.example",
	"/\t/evil.example",
	"/\n/evil.example",
	"/\r/evil.example",
	"/\r\nLocation: https://evil.example",
	"/a\r\nSet-Cookie: a=b",
	"/a#//evil.example",
	"/#",
	"\t//evil.example",
	" //evil.example",
	"/ /evil.example",
	"evil.example",
	"login",
	"./login",
	"../login",
	"?next=/login",
	"#login",
	"https:evil.example",
	"https:/evil.example",
	"https:///evil.example",
	"https:\\\\evil.example",
	"http://evil.example",
	"https://evil.example",
	"HTTPS://app.example/done",
	"http://app.example/done",
	"https://APP.example/done",
	"https://app.example/Done",
	"https://app.example/done/",
	"https://app.example/done?",
	"https://app.example/done?x=1",
	"https://app.example/done#x",
	"https://app.example/done#",
	"https://app.example/done%00",
	"https://app.example/done/../..",
	"https://app.example/done\\@evil.example",
	"https://app.example/done ",
	" https://app.example/done",
	"\thttps://app.example/done",
	"https://app.example/done\n",
	"ht\ntps://app.example/done",
	"https://app.example.evil.example/done",
	"https://evilapp.example/done",
	"https://app.example@evil.example/done",
	"https://app.example:443/done",
	"https://app.example:8443@evil.example/done",
	"https://app.example.:/done",
	"https://user@app.example/done",
	"https://evil.example#https://app.example/done",
	"https://evil.example/https://app.example/done",
	"https://evil.example?https://app.example/done",
	"https://evil.example\\.app.example/done",
	"https://[::1]/done",
	"https://[::ffff:127.0.0.1]/done",
	"https://2130706433/done",
	"https://\xd0\xb0pp.example/done",
	"https://xn--pp-8cd.example/done",
	"https://app\xe3\x80\x82"
	"example/done",
	"https://app%2eexample/done",
	"https%3a%2f%2fapp.example%2fdone",
	"%2f%2fevil.example",
	"%2Fevil",
	"/\xe2\x88\x95"
	"evil.example",
	"javascript:alert(1)",
	"JaVaScRiPt:alert(1)",
	"java\nscript:alert(1)",
	"javascript://app.example/%0aalert(1)",
	"vbscript:x",
	"data:text/html,<script>alert(1)</script>",
	"blob:https://app.example/done",
	"file:///etc/passwd",
	"about:blank",
	"//",
};

static void nothing_else_is(void **state)
{
	struct arena arena = { 0 };
	char long_path[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (return_url_find(&arena, allowed, BASE, elsewhere[i]))
			fail_msg("%zu: %s", i, elsewhere[i]);
	memset(long_path, 'a', sizeof(long_path));
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	assert_null(return_url_find(&arena, allowed, BASE, long_path));
	assert_true(sizeof(elsewhere) / sizeof(elsewhere[0]) >= 60);
	arena_fini(&arena);
}

static void a_location_is_plain(void **state)
{
	static const char *const good[] = { "https://a.example/x?y=z#w", "http://a", "/", "/x",
					    "/x?y=//z" };
	static const char *const bad[] = { "",
					   "//a",
					   "/\\a",
					   "a",
					   "javascript:x",
					   "ftp://a",
					   "https://a b",
					   "https://a\r\nX: y",
					   "https://\xc3\xa9",
					   "/\x7f" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!return_url_is_plain(good[i]))
			fail_msg("good %zu: %s", i, good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (return_url_is_plain(bad[i]))
			fail_msg("bad %zu: %s", i, bad[i]);
}

/* What a client asks for, with its state behind it in three letters each. */
static void a_way_back_has_room_for_what_the_page_gets(void **state)
{
	char text[3074];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '/';
	text[3073] = '\0';
	assert_false(return_url_is_plain(text));
	text[3072] = '\0';
	assert_true(return_url_is_plain(text));
	text[2049] = '\0';
	assert_false(return_url_is_path(text));
	text[2048] = '\0';
	assert_true(return_url_is_path(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_listed_and_own_paths_are_taken),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(a_location_is_plain),
		cmocka_unit_test(a_way_back_has_room_for_what_the_page_gets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
