/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void good_documents_parse(void **state)
{
	static const char *const good[] = {
		"{}",
		"[]",
		" {\"a\": 1} \n",
		"\"text\"",
		"true",
		"-1",
		"1e2",
		"{\"a\":{\"b\":1},\"b\":{\"a\":1}}", /* the same key at two places is no duplicate */
		"{\"A\":1,\"a\":2}",
		"\"\\u738b\\ud83d\\ude00\"",
		"\"[[[[[[[[[[[[[[[[[[[[{{{{{{::::\"", /* brackets in a string have no depth */
		"\"\\\"[[[[[[[[[[[[[[[[[[[[\"",
		"9223372036854775807",
		"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *why = "";
		json_t *json = json_parse(good[i], strlen(good[i]), &why);

		if (!json)
			fail_msg("%zu: %s: %s", i, good[i], why);
		json_decref(json);
	}
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "", "not JSON" },
	{ " ", "not JSON" },
	{ "{", "not JSON" },
	{ "{} {}", "not JSON" },
	{ "{}x", "not JSON" },
	{ "{\"a\":1,}", "not JSON" },
	{ "{'a':1}", "not JSON" },
	{ "{a:1}", "not JSON" },
	{ "\"open", "not JSON" },
	{ "\"open\\", "not JSON" },
	{ "\"\\u0000\"", "not JSON" },
	{ "{\"\\u0000\":1}", "not JSON" },
	{ "\"\xff\"", "not JSON" },
	{ "\"\xc0\x80\"", "not JSON" },     /* overlong */
	{ "\"\xed\xa0\x80\"", "not JSON" }, /* surrogate */
	{ "\"\\ud83d\"", "not JSON" },
	{ "\xef\xbb\xbf{}", "not JSON" },
	{ "NaN", "not JSON" },
	{ "01", "not JSON" },
	{ "9223372036854775808", "not JSON" },
	{ "// c\n1", "not JSON" },
	{ "{\"a\":1,\"a\":1}", "duplicate key" },
	{ "{\"a\":1,\"\\u0061\":2}", "duplicate key" },
	{ "[{\"a\":{\"b\":1,\"b\":2}}]", "duplicate key" },
	{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "too deep" },
	{ "{\"a\":[[[[[[[[[[[[[[[[", "too deep" },
	{ "]]]]]][[[[[[[[[[[[[[[[[", "too deep" },
};

static void bad_documents_say_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = "parsed";

		if (json_parse(bad[i].text, strlen(bad[i].text), &why) ||
		    strcmp(why, bad[i].why) != 0)
			fail_msg("%zu: %s: %s, not %s", i, bad[i].text, why, bad[i].why);
	}
}

static void a_raw_nul_is_refused(void **state)
{
	const char *why = "";

	(void)state;
	assert_null(json_parse("\"a\0b\"", 5, &why));
	assert_null(json_parse("{}\0", 3, &why));
}

/* An object of n members, or an array of n objects of one. */
static const char *many_keys(char *out, size_t max, int n, bool is_nested)
{
	size_t len = (size_t)snprintf(out, max, is_nested ? "[" : "{");

	for (int i = 0; i < n; i++)
		len += (size_t)snprintf(out + len, max - len,
					is_nested ? "%s{\"k%d\":0}" : "%s\"k%d\":0",
					i > 0 ? "," : "", i);
	(void)snprintf(out + len, max - len, is_nested ? "]" : "}");
	return out;
}

static void keys_are_counted_over_all(void **state)
{
	char text[8192];

	(void)state;
	for (int is_nested = 0; is_nested < 2; is_nested++) {
		const char *why = "";
		json_t *json;

		many_keys(text, sizeof(text), JSON_MAX_KEYS, is_nested);
		json = json_parse(text, strlen(text), &why);
		assert_non_null(json);
		json_decref(json);
		many_keys(text, sizeof(text), JSON_MAX_KEYS + 1, is_nested);
		assert_null(json_parse(text, strlen(text), &why));
		assert_string_equal(why, "too many keys");
	}
}

static void text_is_compact(void **state)
{
	struct arena arena = { 0 };
	const char *why;
	static const char loose[] = "{ \"a\" : [ 1, \"\xe7\x8e\x8b\" ] }";
	json_t *json = json_parse(loose, strlen(loose), &why);

	(void)state;
	assert_non_null(json);
	assert_string_equal(json_text(&arena, json), "{\"a\":[1,\"\xe7\x8e\x8b\"]}");
	json_decref(json);
	json = json_true();
	assert_string_equal(json_text(&arena, json), "true");
	arena_fini(&arena);
}

static void members_are_texts_without_nul(void **state)
{
	json_t *object = json_pack("{s:s, s:i, s:s%}", "text", "value", "number", 1, "nul", "a\0b",
				   (size_t)3);

	(void)state;
	assert_string_equal(json_text_member(object, "text"), "value");
	assert_null(json_text_member(object, "number"));
	assert_null(json_text_member(object, "nul"));
	assert_null(json_text_member(object, "absent"));
	assert_null(json_text_member(NULL, "text"));
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_documents_parse),
		cmocka_unit_test(bad_documents_say_why),
		cmocka_unit_test(a_raw_nul_is_refused),
		cmocka_unit_test(keys_are_counted_over_all),
		cmocka_unit_test(text_is_compact),
		cmocka_unit_test(members_are_texts_without_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
