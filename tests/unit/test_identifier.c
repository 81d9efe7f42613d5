/* SPDX-License-Identifier: Apache-2.0 */
#include "identifier.h"
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct spelling {
	const char *kind, *text, *canonical; /* NULL: refused */
};

static const struct spelling spellings[] = {
	/* One person, spelled in many ways. */
	{ "phone", "13800138000", "+8613800138000" },
	{ "phone", "+8613800138000", "+8613800138000" },
	{ "phone", "8613800138000", "+8613800138000" },
	{ "phone", "008613800138000", "+8613800138000" },
	{ "phone", "+86 138-0013-8000", "+8613800138000" },
	{ "phone", " (+86) 138 0013 8000 ", "+8613800138000" },
	{ "phone", "１３８００１３８０００", "+8613800138000" },
	{ "phone", "＋８６　１３８００１３８０００", "+8613800138000" },
	{ "phone", "（86）138－0013－8000", "+8613800138000" },
	/* Other countries, always with their code. */
	{ "phone", "+85251234567", "+85251234567" },
	{ "phone", "0085366123456", "+85366123456" },
	{ "phone", "+886912345678", "+886912345678" },
	{ "phone", "+1 (415) 555-2671", "+14155552671" },
	{ "phone", "+447911123456", "+447911123456" },
	{ "phone", "+2901234", "+2901234" },
	{ "phone", "+123456789012345", "+123456789012345" },
	/* Not surely anybody's number. */
	{ "phone", NULL, NULL },
	{ "phone", "", NULL },
	{ "phone", "+", NULL },
	{ "phone", "-- ()", NULL },
	{ "phone", "1380013800", NULL },
	{ "phone", "138001380000", NULL },
	{ "phone", "12800138000", NULL },
	{ "phone", "013800138000", NULL },
	{ "phone", "+86013800138000", NULL },
	{ "phone", "+861064812345678", NULL },
	{ "phone", "+861012345678", NULL },
	{ "phone", "4155552671", NULL },
	{ "phone", "+0013800138000", NULL },
	{ "phone", "+01234567890", NULL },
	{ "phone", "++8613800138000", NULL },
	{ "phone", "86+13800138000", NULL },
	{ "phone", "13800138000+", NULL },
	{ "phone", "13800138000x", NULL },
	{ "phone", "1380013800O", NULL },
	{ "phone", "138\t00138000", NULL },
	{ "phone", "13800138000\n", NULL },
	{ "phone", "138\u200d00138000", NULL },
	{ "phone", "\u202e13800138000", NULL },
	{ "phone", "١٣٨٠٠١٣٨٠٠٠", NULL },
	{ "phone",
	  "138\xff"
	  "00138000",
	  NULL },
	{ "phone", "\xef\xbc", NULL },
	{ "phone", "+123456", NULL },
	{ "phone", "+1234567890123456", NULL },
	{ "phone", "0000000000000000000000000000000000000000", NULL },
	{ "phone", "+852512345678", NULL },
	{ "phone", "+8520512345", NULL },
	{ "phone", "+886212345678", NULL },
	{ "phone", "+8860912345678", NULL },

	{ "email", "a@example.com", "a@example.com" },
	{ "email", "Alice.Smith+Tag@EXAMPLE.Co.Uk", "alice.smith+tag@example.co.uk" },
	{ "email", "  a@example.com ", "a@example.com" },
	{ "email", "o'brien_{x}~@xn--fiqs8s.cn", "o'brien_{x}~@xn--fiqs8s.cn" },
	{ "email", "a@1.2.com", "a@1.2.com" },
	{ "email", NULL, NULL },
	{ "email", "", NULL },
	{ "email", "a", NULL },
	{ "email", "@example.com", NULL },
	{ "email", "a@", NULL },
	{ "email", "a@localhost", NULL },
	{ "email", "a@example.com.", NULL },
	{ "email", "a@.example.com", NULL },
	{ "email", "a@example..com", NULL },
	{ "email", "a@-example.com", NULL },
	{ "email", "a@example-.com", NULL },
	{ "email", "a@exam_ple.com", NULL },
	{ "email", "a@[127.0.0.1]", NULL },
	{ "email", "a@127.0.0.1", NULL },
	{ "email", "a@b@example.com", NULL },
	{ "email", ".a@example.com", NULL },
	{ "email", "a.@example.com", NULL },
	{ "email", "a..b@example.com", NULL },
	{ "email", "\"a b\"@example.com", NULL },
	{ "email", "a b@example.com", NULL },
	{ "email", "a,b@example.com", NULL },
	{ "email", "a@example.com\r\nBcc: b@example.com", NULL },
	{ "email", "a@example.com\n", NULL },
	{ "email", "a＠example.com", NULL },
	{ "email", "mıke@example.org", NULL },
	{ "email", "mike@exampleı.org", NULL },
	{ "email", "\u212aate@example.org", NULL },
	{ "email", "jose\u0301@example.org", NULL },
	{ "email", "a\u200d@example.org", NULL },

	{ "username", "alice", "alice" },
	{ "username", " Alice_1.x-Y ", "alice_1.x-y" },
	{ "username", "abc", "abc" },
	{ "username", "a1234567890123456789012345678901", "a1234567890123456789012345678901" },
	{ "username", NULL, NULL },
	{ "username", "", NULL },
	{ "username", "ab", NULL },
	{ "username", "a12345678901234567890123456789012", NULL },
	{ "username", "1abc", NULL },
	{ "username", "13800138000", NULL },
	{ "username", "_abc", NULL },
	{ "username", "a b", NULL },
	{ "username", "a@b", NULL },
	{ "username", "al\u200dice", NULL },
	{ "username", "аlice", NULL }, /* Cyrillic */
	{ "username", "alİce", NULL },
	{ "username", "alice\n", NULL },

	{ "openid", "alice", NULL },
	{ "", "alice", NULL },
};

static void each_spelling_is_canonical_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(spellings); i++) {
		const struct spelling *s = &spellings[i];
		char out[IDENTIFIER_MAX];
		bool is_ok = identifier_canonical(s->kind, s->text, out);

		if (is_ok != (s->canonical != NULL))
			fail_msg("%zu: %s '%s' was %s", i, s->kind, s->text ? s->text : "NULL",
				 is_ok ? "accepted" : "refused");
		if (s->canonical && strcmp(out, s->canonical) != 0)
			fail_msg("%zu: '%s' became '%s', not '%s'", i, s->text, out, s->canonical);
	}
}

/* What is canonical stays as it is: applied twice is applied once. */
static void canonical_is_stable(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(spellings); i++) {
		const char *canonical = spellings[i].canonical;
		char out[IDENTIFIER_MAX];

		if (!canonical)
			continue;
		if (!identifier_canonical(spellings[i].kind, canonical, out) ||
		    strcmp(out, canonical) != 0)
			fail_msg("%zu: '%s' became '%s'", i, canonical, out);
	}
}

static void lengths_of_an_address_are_bounded(void **state)
{
	char text[400], out[IDENTIFIER_MAX];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + 64, "@example.com", 13);
	assert_true(identifier_canonical("email", text, out));
	memset(text, 'a', sizeof(text));
	memcpy(text + 65, "@example.com", 13);
	assert_false(identifier_canonical("email", text, out));

	memset(text, 'a', sizeof(text));
	memcpy(text + 1, "@", 1);
	for (size_t i = 2 + 63; i < 250; i += 64)
		text[i] = '.';
	memcpy(text + 250, ".com", 5);
	assert_int_equal(strlen(text), 254);
	assert_true(identifier_canonical("email", text, out));
	assert_int_equal(strlen(out), 254);
	memcpy(text + 250, ".come", 6);
	assert_false(identifier_canonical("email", text, out));

	memset(text, 'a', sizeof(text));
	memcpy(text, "a@", 2);
	memcpy(text + 2 + 63, ".com", 5);
	assert_true(identifier_canonical("email", text, out));
	memset(text, 'a', sizeof(text));
	memcpy(text, "a@", 2);
	memcpy(text + 2 + 64, ".com", 5);
	assert_false(identifier_canonical("email", text, out));

	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(identifier_canonical("phone", text, out));
	memset(text, ' ', sizeof(text) - 1);
	assert_false(identifier_canonical("phone", text, out));
	assert_false(identifier_canonical("username", text, out));
}

static void kind_is_told_by_the_look(void **state)
{
	static const struct {
		const char *text, *kind;
	} looks[] = {
		{ "13800138000", "phone" },
		{ "+14155552671", "phone" },
		{ "１３８００１３８０００", "phone" },
		{ "A@Example.com", "email" },
		{ "Alice", "username" },
		{ "alice.13800138000", "username" },
		{ "12345", NULL },
		{ "a@b", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < N(looks); i++) {
		const char *kind = identifier_kind(looks[i].text);

		if (kind != looks[i].kind &&
		    (!kind || !looks[i].kind || strcmp(kind, looks[i].kind) != 0))
			fail_msg("%zu: '%s' is '%s'", i, looks[i].text, kind ? kind : "none");
	}
}

static void country_is_the_calling_code(void **state)
{
	static const struct {
		const char *phone, *country;
	} countries[] = {
		{ "+8613800138000", "86" }, { "+85251234567", "852" },  { "+886912345678", "886" },
		{ "+14155552671", "1" },    { "+79161234567", "7" },    { "+447911123456", "44" },
		{ "+351912345678", "351" }, { "+971501234567", "971" },
	};
	char out[4];

	(void)state;
	for (size_t i = 0; i < N(countries); i++) {
		if (strcmp(identifier_country(countries[i].phone, out), countries[i].country) != 0)
			fail_msg("%zu: %s is of %s", i, countries[i].phone, out);
	}
}

typedef void mask_fn(const char *text, char out[IDENTIFIER_MAX]);

static void masks_show_ends_only(void **state)
{
	static const struct {
		mask_fn *mask;
		const char *text, *masked;
	} masks[] = {
		{ mask_phone, "+8613800138000", "138****8000" },
		{ mask_phone, "13800138000", "138****8000" },
		{ mask_phone, "+85251234567", "+852****4567" },
		{ mask_phone, "+14155552671", "+1****2671" },
		{ mask_phone, "+2901234", "+290****34" },
		{ mask_phone, "1234567", "****" },
		{ mask_phone, "", "****" },
		{ mask_email, "alice@example.com", "a***@example.com" },
		{ mask_email, "a@example.com", "a***@example.com" },
		{ mask_email, "王小明@example.com", "王***@example.com" },
		{ mask_email, "nobody", "n*" },
		{ mask_name, "王小明", "王*" },
		{ mask_name, "王", "*" },
		{ mask_name, "欧阳", "欧*" },
		{ mask_name, "𠮷田", "𠮷*" },
		{ mask_name, "", "" },
		{ mask_id_card, "110101199003070011", "1101**********0011" },
		{ mask_id_card, "11010519491231002X", "1101**********002X" },
		{ mask_id_card, "110101900307001", "1101*******7001" },
		{ mask_id_card, "12345678", "********" },
		{ mask_card, "6228480402564890018", "****0018" },
		{ mask_card, "1234567", "****" },
	};
	char out[IDENTIFIER_MAX];

	(void)state;
	for (size_t i = 0; i < N(masks); i++) {
		masks[i].mask(masks[i].text, out);
		if (strcmp(out, masks[i].masked) != 0)
			fail_msg("%zu: '%s' is shown as '%s', not '%s'", i, masks[i].text, out,
				 masks[i].masked);
	}
}

static void subjects_are_masked_by_namespace(void **state)
{
	static const struct {
		const char *ns, *subject, *masked;
	} subjects[] = {
		{ "phone", "+8613800138000", "138****8000" },
		{ "email", "alice@example.com", "a***@example.com" },
		{ "oidc:https://issuer", "1078", "1*" },
		{ "username", "alice", "a*" },
	};
	char out[IDENTIFIER_MAX];

	(void)state;
	for (size_t i = 0; i < N(subjects); i++) {
		mask_subject(subjects[i].ns, subjects[i].subject, out);
		if (strcmp(out, subjects[i].masked) != 0)
			fail_msg("%zu: %s is shown as '%s'", i, subjects[i].subject, out);
	}
}

static void code_points_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int32_t first;
		size_t n_points;
	} texts[] = {
		{ "", 0, 0 },
		{ "a", 'a', 1 },
		{ "é", 0xE9, 1 },
		{ "王a", 0x738B, 2 },
		{ "\U0001F600", 0x1F600, 1 },
		{ "\xc0\x80", UTF8_BAD, 2 },     /* overlong */
		{ "\xe0\x80\x80", UTF8_BAD, 3 }, /* overlong */
		{ "\xed\xa0\x80", UTF8_BAD, 3 }, /* surrogate */
		{ "\xf4\x90\x80\x80", UTF8_BAD, 4 },
		{ "\xe7\x8e", UTF8_BAD, 2 }, /* cut */
		{ "\x80", UTF8_BAD, 1 },
		{ "\xff", UTF8_BAD, 1 },
	};

	(void)state;
	for (size_t i = 0; i < N(texts); i++) {
		const char *at = texts[i].text;
		int32_t first = utf8_next(&at);

		if (first != texts[i].first)
			fail_msg("%zu: begins with %d, not %d", i, first, texts[i].first);
		if (utf8_count(texts[i].text) != texts[i].n_points)
			fail_msg("%zu: has %zu code points", i, utf8_count(texts[i].text));
	}
}

static void a_copy_cuts_no_code_point(void **state)
{
	char out[6];

	(void)state;
	utf8_copy(out, sizeof(out), "王小明");
	assert_string_equal(out, "王");
	utf8_copy(out, sizeof(out), "abcdefg");
	assert_string_equal(out, "abcde");
	utf8_copy(out, sizeof(out), "a\xff\xe7z");
	assert_string_equal(out, "a??z");
	utf8_copy(out, sizeof(out), NULL);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_spelling_is_canonical_or_refused),
		cmocka_unit_test(canonical_is_stable),
		cmocka_unit_test(lengths_of_an_address_are_bounded),
		cmocka_unit_test(kind_is_told_by_the_look),
		cmocka_unit_test(country_is_the_calling_code),
		cmocka_unit_test(masks_show_ends_only),
		cmocka_unit_test(subjects_are_masked_by_namespace),
		cmocka_unit_test(code_points_are_read_strictly),
		cmocka_unit_test(a_copy_cuts_no_code_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
