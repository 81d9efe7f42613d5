/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"
#include "conf_line.h"
#include "conf_text.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define TEXT(literal) (literal), sizeof(literal) - 1

static char dir[SCRATCH_MAX];

static int make_dir(void **state)
{
	(void)state;
	scratch_make(dir);
	return setenv("PINTLE_UNIT", "from env", 1) || setenv("PINTLE_EMPTY", "", 1) ||
	       unsetenv("PINTLE_NONE");
}

static int remove_dir(void **state)
{
	(void)state;
	scratch_remove(dir);
	return 0;
}

static void write_file(const char *name, const char *bytes, size_t len)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static const char *value(const struct conf *conf, const char *section, const char *key)
{
	const struct conf_section *found = conf_section(conf, section);
	const struct conf_key *at = found ? conf_key(found, key) : NULL;

	return at ? at->value : NULL;
}

struct good {
	const char *text, *value; /* of [s] k */
};

static const struct good good[] = {
	{ "[s]\nk = v\n", "v" },
	{ "[s]\nk=v", "v" },
	{ "\xEF\xBB\xBF[s]\r\nk = v\r\n", "v" },
	{ "  [ s ]  ; comment\n\tk\t=\tv w \n", "v w" },
	{ "[s]\nk : v\n", "v" },
	{ "[s]\nk = a=b:c\n", "a=b:c" },
	{ "[s]\nk = v ; comment\n", "v" },
	{ "[s]\nk = v;w # x\n", "v;w # x" },
	{ "[s]\nk = \"q\"\n", "\"q\"" },
	{ "[s]\nk =\n", "" },
	{ "[s]\na = 1\n   k = 2\n", "2" },
	{ "# c\n; c\n\n[s]\n#k = 1\nk = 2\n", "2" },
	{ "[other]\nk = 1\n[s]\nk = 2\n", "2" },
	{ "[s]\nk = \xE4\xB8\xAD\n", "\xE4\xB8\xAD" },
	{ "[s]\nk = a${PINTLE_UNIT}b${PINTLE_EMPTY}\n", "afrom envb" },
	{ "[s]\nk = $${PINTLE_UNIT} $ $$\n", "${PINTLE_UNIT} $ $$" },
	{ "[s]\nk = @@x\n", "@x" },
	{ "[s]\nk = x@y\n", "x@y" },
};

static void reads_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct conf conf;
		struct err err = { "" };
		const char *got;

		if (!conf_text_read(&conf, good[i].text, strlen(good[i].text), &err))
			fail_msg("row %zu: %s", i, err.text);
		got = value(&conf, "s", "k");
		if (!got || strcmp(got, good[i].value) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, got, good[i].value);
		conf_fini(&conf);
	}
}

static const struct {
	const char *text;
	size_t len;
	const char *err;
} bad[] = {
	{ TEXT("k = v\n"), "x.ini:1: a key before any [section]" },
	{ TEXT("[s\nk = v\n"), "x.ini:1: missing ']'" },
	{ TEXT("[s] x\n"), "x.ini:1: text after ']'" },
	{ TEXT("[]\n"), "x.ini:1: an empty name" },
	{ TEXT("[s]\nk\n"), "x.ini:2: [s]: missing '='" },
	{ TEXT("[s]\nk ; = v\n"), "x.ini:2: [s]: missing '='" },
	{ TEXT("[s]\n= v\n"), "x.ini:2: [s]: an empty name" },
	{ TEXT("[s]\nk = 1\n\nk = 2\n"), "x.ini:4: [s] k: already set in x.ini:2" },
	{ TEXT("[s]\n[t]\n[s]\n"), "x.ini:3: [s]: this section already stands in x.ini:1" },
	{ TEXT("[s]\nk = a\0b\n"), "x.ini:2: [s]: a NUL byte" },
	{ TEXT("[s]\nk = \xC3(\n"), "x.ini:2: [s] k: not valid UTF-8" },
	{ TEXT("[s]\nk\xC3 = 1\n"), "x.ini:2: [s]: a name may not contain byte 0xc3" },
	{ TEXT("[s]\n\xEF\xBB\xBFk = 1\n"), "x.ini:2: [s]: a name may not contain byte 0xef" },
	{ TEXT("[s]\nk = a\x1b[m\n"), "x.ini:2: [s]: a control character" },
	{ TEXT("[s]\nk = ${PINTLE_NONE}\n"), "x.ini:2: [s] k: the environment has no PINTLE_NONE" },
	{ TEXT("[s]\nk = ${PINTLE_UNIT\n"), "x.ini:2: [s] k: after \"${\"" },
	{ TEXT("[s]\nk = ${}\n"), "x.ini:2: [s] k: after \"${\"" },
	{ TEXT("[s]\nk = @/nowhere/at/all\n"),
	  "x.ini:2: [s] k: /nowhere/at/all: No such file or directory" },
	{ TEXT("[s]\nk = @/\n"), "x.ini:2: [s] k: /: not a regular file" },
	{ TEXT("[s]\n0123456789012345678901234567890123456789012345678 = 1\n"),
	  "x.ini:2: [s]: a name is longer than 48 bytes" },
	{ TEXT("[0123456789012345678901234567890123456789012345678]\n"),
	  "x.ini:1: a name is longer than 48 bytes" },
};

static void refuses_with_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct conf conf;
		struct err err = { "" };

		if (conf_text_read(&conf, bad[i].text, bad[i].len, &err))
			fail_msg("row %zu was taken", i);
		if (strncmp(err.text, bad[i].err, strlen(bad[i].err)) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, bad[i].err);
	}
}

/* Both readers of a key line must agree: the same line, short and made long behind a comment. */
static void long_lines_follow_the_same_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char text[1024], comment[300];
		struct conf conf;
		struct err err = { "" };
		size_t len = strcspn(good[i].text, "\r");

		memset(comment, 'x', sizeof(comment));
		if (good[i].text[len] == '\r')
			continue;
		while (len > 0 && good[i].text[len - 1] == '\n')
			len--;
		(void)snprintf(text, sizeof(text), "%.*s ; %.*s\n", (int)len, good[i].text,
			       (int)sizeof(comment), comment);
		if (!conf_text_read(&conf, text, strlen(text), &err))
			fail_msg("row %zu: %s", i, err.text);
		if (strcmp(value(&conf, "s", "k"), good[i].value) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, value(&conf, "s", "k"),
				 good[i].value);
		conf_fini(&conf);
	}
}

static void cuts_no_value(void **state)
{
	static const size_t lens[] = { 1, 190, 193, 194, 195, 196, 199, 200, 201, 4096, 8187 };

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		char text[9000] = "[s]\nk = ";
		struct conf conf;
		size_t start = strlen(text);

		memset(text + start, 'v', lens[i]);
		memcpy(text + start + lens[i], "\nl = 2\n", 8);
		conf_text_need(&conf, text);
		if (strlen(value(&conf, "s", "k")) != lens[i])
			fail_msg("row %zu: %zu bytes became %zu", i, lens[i],
				 strlen(value(&conf, "s", "k")));
		assert_string_equal(value(&conf, "s", "l"), "2");
		conf_fini(&conf);
	}
}

static void refuses_a_line_beyond_the_limit(void **state)
{
	char text[CONF_LINE_MAX + 32] = "[s]\nk = ";
	struct conf conf;
	struct err err;

	(void)state;
	memset(text + 8, 'v', CONF_LINE_MAX);
	assert_false(conf_text_read(&conf, text, strlen(text), &err));
	assert_non_null(strstr(err.text, "x.ini:2: [s]: a line longer than 8192 bytes"));
}

static void reads_files_in_byte_order(void **state)
{
	struct conf conf;
	struct err err = { "" };

	(void)state;
	write_file("10-b.ini", TEXT("[b]\nk = 1\n"));
	write_file("9-c.ini", TEXT("[c]\nk = 1\n"));
	write_file("Z.ini", TEXT("[z]\n"));
	write_file("a.ini", TEXT("[a]\n"));
	write_file(".hidden.ini", TEXT("junk"));
	write_file("README", TEXT("junk"));
	if (!conf_read(&conf, dir, NULL, 0, &err))
		fail_msg("%s", err.text);
	assert_int_equal(conf.n_sections, 4);
	assert_string_equal(conf.sections[0].name, "b");
	assert_string_equal(conf.sections[1].name, "c");
	assert_string_equal(conf.sections[2].name, "z");
	assert_string_equal(conf.sections[3].name, "a");
	conf_fini(&conf);
}

static void names_both_files_of_a_double_section(void **state)
{
	struct conf conf;
	struct err err = { "" };
	char expected[256];

	(void)state;
	write_file("1.ini", TEXT("[s]\n"));
	write_file("2.ini", TEXT("\n[s]\n"));
	(void)snprintf(expected, sizeof(expected),
		       "%s/2.ini:2: [s]: this section already stands in %s/1.ini:1", dir, dir);
	assert_false(conf_read(&conf, dir, NULL, 0, &err));
	assert_string_equal(err.text, expected);
	assert_int_equal(conf.n_sections, 0);
}

static void refuses_an_unreadable_folder_or_file(void **state)
{
	struct conf conf;
	struct err err = { "" };
	char path[256];

	(void)state;
	assert_false(conf_read(&conf, dir, NULL, 0, &err));
	assert_non_null(strstr(err.text, "no file ends in .ini"));
	assert_false(conf_read(&conf, "/nowhere/at/all", NULL, 0, &err));
	assert_string_equal(err.text, "/nowhere/at/all: No such file or directory");
	(void)snprintf(path, sizeof(path), "%s/1.ini", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(conf_read(&conf, dir, NULL, 0, &err));
	assert_non_null(strstr(err.text, "1.ini: not a regular file"));
}

static void takes_a_value_from_a_file(void **state)
{
	static char pem[6000];
	struct conf conf;
	struct err err = { "" };

	(void)state;
	memset(pem, 'p', sizeof(pem));
	pem[64] = '\n';
	pem[sizeof(pem) - 1] = '\n';
	write_file("pem", pem, sizeof(pem));
	write_file("1.ini", TEXT("[s]\nk = @pem\n"));
	if (!conf_read(&conf, dir, NULL, 0, &err))
		fail_msg("%s", err.text);
	assert_int_equal(strlen(value(&conf, "s", "k")), sizeof(pem) - 1);
	assert_memory_equal(value(&conf, "s", "k"), pem, sizeof(pem) - 1);
	conf_fini(&conf);

	write_file("pem", TEXT("${PINTLE_NONE}\r\n")); /* a content is not looked at again */
	if (!conf_read(&conf, dir, NULL, 0, &err))
		fail_msg("%s", err.text);
	assert_string_equal(value(&conf, "s", "k"), "${PINTLE_NONE}");
	conf_fini(&conf);

	write_file("pem", TEXT("a\0b"));
	assert_false(conf_read(&conf, dir, NULL, 0, &err));
	assert_non_null(strstr(err.text, "pem: a NUL byte"));
	write_file("pem", TEXT("\xff"));
	assert_false(conf_read(&conf, dir, NULL, 0, &err));
	assert_non_null(strstr(err.text, "[s] k: not valid UTF-8"));
}

static void overrides_win_and_make(void **state)
{
	const struct conf_override overrides[] = {
		{ "s.k=2" }, { "s.new= x ; y" },       { "group one.a=1" },
		{ "t.k=1" }, { "t.k=${PINTLE_UNIT}" }, { "a.b.k=3" },
	};
	struct conf conf;
	struct err err = { "" };

	(void)state;
	write_file("1.ini", TEXT("[s]\nk = 1\n"));
	if (!conf_read(&conf, dir, overrides, 6, &err))
		fail_msg("%s", err.text);
	assert_string_equal(value(&conf, "s", "k"), "2");
	assert_string_equal(conf_key(conf_section(&conf, "s"), "k")->file, "-o");
	assert_string_equal(value(&conf, "s", "new"), " x ; y");
	assert_string_equal(value(&conf, "group one", "a"), "1");
	assert_string_equal(value(&conf, "t", "k"), "from env");
	assert_string_equal(value(&conf, "a.b", "k"), "3");
	conf_fini(&conf);
}

static void refuses_a_bad_override(void **state)
{
	static char long_name[3000];
	static const struct {
		const char *text, *err;
	} rows[] = {
		{ "", "-o: \"\" is not section.key=value" },
		{ "s.k", "-o: \"s.k\" is not section.key=value" },
		{ "k=1", "-o: \"k\" is not section.key=value" },
		{ ".k=1", "-o: \".k\" is not section.key=value" },
		{ "s.=1", "-o: \"s.\" is not section.key=value" },
		{ "s.k\x1b=1", "-o: [s]: a name may not contain byte 0x1b" },
		{ long_name, "-o: a name is longer than 48 bytes" },
		{ "s.k=${PINTLE_NONE}", "-o: [s] k: the environment has no PINTLE_NONE" },
		{ "s.k=\xff", "-o: [s] k: not valid UTF-8" },
	};

	(void)state;
	memset(long_name, 's', sizeof(long_name) - 1);
	memcpy(long_name + sizeof(long_name) - 5, ".k=1", 4);
	write_file("1.ini", TEXT("[s]\nk = 1\n"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct conf_override override = { rows[i].text };
		struct conf conf;
		struct err err = { "" };

		if (conf_read(&conf, dir, &override, 1, &err))
			fail_msg("row %zu was taken", i);
		if (strcmp(err.text, rows[i].err) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, rows[i].err);
	}
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(reads_values),
		WITH_DIR(refuses_with_place),
		WITH_DIR(long_lines_follow_the_same_rules),
		WITH_DIR(cuts_no_value),
		WITH_DIR(refuses_a_line_beyond_the_limit),
		WITH_DIR(reads_files_in_byte_order),
		WITH_DIR(names_both_files_of_a_double_section),
		WITH_DIR(refuses_an_unreadable_folder_or_file),
		WITH_DIR(takes_a_value_from_a_file),
		WITH_DIR(overrides_win_and_make),
		WITH_DIR(refuses_a_bad_override),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
