/* SPDX-License-Identifier: Apache-2.0 */
#include "conf_text.h"
#include "opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample {
	const char *text, *secret;
	int64_t number, size, time_ms;
	int32_t flag, choice;
	const char *const *list;
};

#define AT(member) PINTLE_OPT(struct sample, member)

static const struct pintle_opt opts[] = {
	{ "text", PINTLE_STRING, AT(text), "none", 2, 5, NULL, "Help of text." },
	{ "secret", PINTLE_SECRET, AT(secret), "", 4, 8, NULL, "Help of secret." },
	{ "number", PINTLE_INT, AT(number), "7", -5, 10, NULL, "Help of number." },
	{ "size", PINTLE_BYTES, AT(size), "1K", 1, 1048576, NULL, "Help of size." },
	{ "time", PINTLE_DURATION, AT(time_ms), "1s", 1000, 172800000, NULL, "Help of time." },
	{ "flag", PINTLE_FLAG, AT(flag), "no", 0, 0, NULL, "Help of flag." },
	{ "choice", PINTLE_CHOICE, AT(choice), "b", 0, 0, "a b cc", "Help of choice." },
	{ "list", PINTLE_LIST, AT(list), "", 2, 3, NULL, "Help of list." },
};

static const struct opt_table table = { opts, sizeof(opts) / sizeof(opts[0]),
					sizeof(struct sample) };

/* Binds one section [s] with a single line. */
static bool bind_line(const char *line, struct sample *out, struct err *err)
{
	struct conf conf;
	char text[256];
	bool ok;

	(void)snprintf(text, sizeof(text), "[s]\n%s\n", line);
	conf_text_need(&conf, text);
	*out = (struct sample){ 0 };
	ok = opt_bind(&table, conf_section(&conf, "s"), "s", out, err);
	conf_fini(&conf);
	return ok;
}

static void binds_defaults_without_a_section(void **state)
{
	struct sample sample = { 0 };
	struct err err = { "" };

	(void)state;
	if (!opt_bind(&table, NULL, "s", &sample, &err))
		fail_msg("%s", err.text);
	assert_string_equal(sample.text, "none");
	assert_string_equal(sample.secret, "");
	assert_int_equal(sample.number, 7);
	assert_int_equal(sample.size, 1024);
	assert_int_equal(sample.time_ms, 1000);
	assert_int_equal(sample.flag, 0);
	assert_int_equal(sample.choice, 1);
	assert_null(sample.list[0]);
	opt_fini(&table, &sample);
	assert_null(sample.text);
	assert_null(sample.list);
}

static void binds_numbers(void **state)
{
	static const struct {
		const char *line;
		size_t offset;
		int64_t value;
	} rows[] = {
		{ "number = -5", AT(number), -5 },
		{ "number = 10", AT(number), 10 },
		{ "size = 1", AT(size), 1 },
		{ "size = 64K", AT(size), 65536 },
		{ "size = 1M", AT(size), 1048576 },
		{ "time = 1000ms", AT(time_ms), 1000 },
		{ "time = 90s", AT(time_ms), 90000 },
		{ "time = 2m", AT(time_ms), 120000 },
		{ "time = 24h", AT(time_ms), 86400000 },
		{ "time = 2d", AT(time_ms), 172800000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample;
		struct err err = { "" };
		int64_t value;

		if (!bind_line(rows[i].line, &sample, &err))
			fail_msg("row %zu: %s", i, err.text);
		memcpy(&value, (char *)&sample + rows[i].offset, sizeof(value));
		if (value != rows[i].value)
			fail_msg("row %zu: %lld, not %lld", i, (long long)value,
				 (long long)rows[i].value);
		opt_fini(&table, &sample);
	}
}

static void binds_words(void **state)
{
	static const struct {
		const char *line;
		size_t offset;
		int32_t value;
	} rows[] = {
		{ "flag = yes", AT(flag), 1 },   { "flag = no", AT(flag), 0 },
		{ "flag = true", AT(flag), 1 },  { "flag = false", AT(flag), 0 },
		{ "flag = on", AT(flag), 1 },    { "flag = off", AT(flag), 0 },
		{ "choice = a", AT(choice), 0 }, { "choice = cc", AT(choice), 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample;
		struct err err = { "" };
		int32_t value;

		if (!bind_line(rows[i].line, &sample, &err))
			fail_msg("row %zu: %s", i, err.text);
		memcpy(&value, (char *)&sample + rows[i].offset, sizeof(value));
		if (value != rows[i].value)
			fail_msg("row %zu: %d, not %d", i, value, rows[i].value);
		opt_fini(&table, &sample);
	}
}

static void binds_texts_and_lists(void **state)
{
	struct sample sample;
	struct err err = { "" };

	(void)state;
	if (!bind_line("text = 12345\nsecret = 1234\nlist = a,  b c ,d", &sample, &err))
		fail_msg("%s", err.text);
	assert_string_equal(sample.text, "12345");
	assert_string_equal(sample.secret, "1234");
	assert_string_equal(sample.list[0], "a");
	assert_string_equal(sample.list[1], "b c");
	assert_string_equal(sample.list[2], "d");
	assert_null(sample.list[3]);
	opt_fini(&table, &sample);
	if (!bind_line("secret =\nlist =", &sample, &err)) /* as the defaults: not set */
		fail_msg("%s", err.text);
	opt_fini(&table, &sample);
}

static void refuses_bad_values(void **state)
{
	static const struct {
		const char *line, *err;
	} rows[] = {
		{ "text = 1", "text: must have 2 to 5 bytes, has 1 (Help of text.)" },
		{ "text = 123456", "text: must have 2 to 5 bytes, has 6 (Help of text.)" },
		{ "text =", "text: must have 2 to 5 bytes, has 0 (Help of text.)" },
		{ "secret = abc", "secret: must have 4 to 8 bytes, has 3 (Help of secret.)" },
		{ "number = 11", "number: must be from -5 to 10 (Help of number.)" },
		{ "number = -6", "number: must be from -5 to 10 (Help of number.)" },
		{ "number =", "number: must be a whole number (Help of number.)" },
		{ "number = -", "number: must be a whole number (Help of number.)" },
		{ "number = 1x", "number: must be a whole number (Help of number.)" },
		{ "number = +1", "number: must be a whole number (Help of number.)" },
		{ "number = 1.5", "number: must be a whole number (Help of number.)" },
		{ "number = 9223372036854775808", "number: must be a whole number" },
		{ "size = 0", "size: must be from 1 to 1M (Help of size.)" },
		{ "size = 2M", "size: must be from 1 to 1M (Help of size.)" },
		{ "size = 1k", "size: must be a size such as 64K" },
		{ "size = 9223372036854775807G", "size: must be a size such as 64K" },
		{ "time = 10", "time: must be a time with its unit" },
		{ "time = -1s", "time: must be a time with its unit" },
		{ "time = 1w", "time: must be a time with its unit" },
		{ "time = 0s", "time: must be from 1s to 2d (Help of time.)" },
		{ "time = 3d", "time: must be from 1s to 2d (Help of time.)" },
		{ "flag = 1", "flag: must be yes or no (Help of flag.)" },
		{ "flag = YES", "flag: must be yes or no (Help of flag.)" },
		{ "choice = c", "choice: must be one of: a b cc (Help of choice.)" },
		{ "choice =", "choice: must be one of: a b cc (Help of choice.)" },
		{ "choice = a b", "choice: must be one of: a b cc (Help of choice.)" },
		{ "list = a", "list: must have 2 to 3 items, has 1 (Help of list.)" },
		{ "list = a,b,c,d", "list: must have 2 to 3 items, has 4 (Help of list.)" },
		{ "list = a,,b", "list: has an empty item" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample;
		struct err err = { "" };
		char expected[256];

		(void)snprintf(expected, sizeof(expected), "x.ini:2: [s] %s", rows[i].err);
		if (bind_line(rows[i].line, &sample, &err))
			fail_msg("row %zu was taken", i);
		if (strncmp(err.text, expected, strlen(expected)) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, expected);
	}
}

static void demands_required_keys(void **state)
{
	static const struct pintle_opt required[] = {
		{ "text", PINTLE_STRING, AT(text), NULL, 0, 0, NULL, "Help of text." },
	};
	const struct opt_table needs = { required, 1, sizeof(struct sample) };
	struct sample sample = { 0 };
	struct conf conf;
	struct err err = { "" };

	(void)state;
	assert_false(opt_bind(&needs, NULL, "s", &sample, &err));
	assert_string_equal(err.text, "[s] text: this key is required (Help of text.)");
	conf_text_need(&conf, "\n[s]\n[t]\ntext =\n[u]\ntext = x\n");
	assert_false(opt_bind(&needs, conf_section(&conf, "s"), "s", &sample, &err));
	assert_string_equal(err.text, "x.ini:2: [s] text: this key is required (Help of text.)");
	assert_false(opt_bind(&needs, conf_section(&conf, "t"), "t", &sample, &err));
	assert_string_equal(err.text, "x.ini:4: [t] text: must not be empty (Help of text.)");
	assert_true(opt_bind(&needs, conf_section(&conf, "u"), "u", &sample, &err));
	opt_fini(&needs, &sample);
	conf_fini(&conf);
}

static void names_the_nearest_key(void **state)
{
	static const struct {
		const char *line, *err; /* NULL: no error */
	} rows[] = {
		{ "text = 123", NULL },
		{ "tetx = 123", "unknown key; did you mean \"text\"? (Help of text.)" },
		{ "secrets = 1234", "unknown key; did you mean \"secret\"? (Help of secret.)" },
		{ "nunber = 1", "unknown key; did you mean \"number\"? (Help of number.)" },
		{ "something = 1", "unknown key" },
		{ "x = 1", "unknown key" },
	};
	const struct opt_table *tables[] = { &table };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample = { 0 };
		struct conf conf;
		struct err err = { "" };
		char text[128];
		const char *reason;
		bool ok;

		(void)snprintf(text, sizeof(text), "[s]\n%s\n", rows[i].line);
		conf_text_need(&conf, text);
		assert_true(opt_bind(&table, conf_section(&conf, "s"), "s", &sample, &err));
		ok = opt_check_all_used(conf_section(&conf, "s"), tables, 1, &err);
		reason = ok ? NULL : strstr(err.text, "unknown");
		if (ok != !rows[i].err || (!ok && strcmp(reason, rows[i].err) != 0))
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, rows[i].err);
		opt_fini(&table, &sample);
		conf_fini(&conf);
	}
}

static void judges_tables(void **state)
{
	static const struct {
		struct pintle_opt opt;
		const char *err;
	} rows[] = {
		{ { NULL, PINTLE_INT, 0, "1", 0, 0, NULL, "h" }, "option 0: a name" },
		{ { "", PINTLE_INT, 0, "1", 0, 0, NULL, "h" }, "option 0: a name" },
		{ { "A", PINTLE_INT, 0, "1", 0, 0, NULL, "h" }, "option 0: a name" },
		{ { "a", 99, 0, "1", 0, 0, NULL, "h" }, "option a has a type" },
		{ { "a", -1, 0, "1", 0, 0, NULL, "h" }, "option a has a type" },
		{ { "a", PINTLE_INT, 4, "1", 0, 0, NULL, "h" }, "option a has an offset" },
		{ { "a", PINTLE_INT, sizeof(struct sample), "1", 0, 0, NULL, "h" },
		  "option a has an offset" },
		{ { "a", PINTLE_INT, UINT32_MAX - 7, "1", 0, 0, NULL, "h" },
		  "option a has an offset" },
		{ { "a", PINTLE_INT, 0, "1", 5, 4, NULL, "h" }, "option a has bounds" },
		{ { "a", PINTLE_INT, 0, "1", 5, 6, NULL, "h" },
		  "option a: its default must be from 5 to 6" },
		{ { "a", PINTLE_INT, 0, "x", 0, 0, NULL, "h" }, "option a: its default" },
		{ { "a", PINTLE_CHOICE, 0, "x", 0, 0, NULL, "h" }, "option a has choices" },
		{ { "a", PINTLE_CHOICE, 0, "x", 0, 0, "x  y", "h" }, "option a has choices" },
		{ { "a", PINTLE_CHOICE, 0, "z", 0, 0, "x y", "h" }, "option a: its default" },
		{ { "a", PINTLE_INT, 0, "1", 0, 0, NULL, NULL }, "option a has no help" },
		{ { "a", PINTLE_INT, 0, "1", 0, 0, NULL, "h" }, NULL },
	};
	const struct pintle_opt twice[] = { opts[0], opts[0] };
	struct err err = { "" };

	(void)state;
	assert_true(opt_table_ok(&table, &err));
	assert_false(opt_table_ok(&(struct opt_table){ twice, 2, sizeof(struct sample) }, &err));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct opt_table one = { &rows[i].opt, 1, sizeof(struct sample) };
		bool ok = opt_table_ok(&one, &err);

		if (ok != !rows[i].err ||
		    (!ok && strncmp(err.text, rows[i].err, strlen(rows[i].err)) != 0))
			fail_msg("row %zu: %d \"%s\", not \"%s\"", i, ok, err.text, rows[i].err);
	}
}

static void explains_without_secrets(void **state)
{
	static const struct pintle_opt rows[] = {
		{ "a", PINTLE_SECRET, AT(secret), "hidden", 0, 0, NULL, "A secret." },
		{ "b", PINTLE_CHOICE, AT(choice), "x", 0, 0, "x y", "A choice." },
		{ "c", PINTLE_STRING, AT(text), NULL, 0, 0, NULL, "A text." },
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	opt_explain(&(struct opt_table){ rows, 3, sizeof(struct sample) }, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "a (secret)\n\tA secret.\n"
				  "b (choice: x y, default x)\n\tA choice.\n"
				  "c (text, required)\n\tA text.\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_defaults_without_a_section),
		cmocka_unit_test(binds_numbers),
		cmocka_unit_test(binds_words),
		cmocka_unit_test(binds_texts_and_lists),
		cmocka_unit_test(refuses_bad_values),
		cmocka_unit_test(demands_required_keys),
		cmocka_unit_test(names_the_nearest_key),
		cmocka_unit_test(judges_tables),
		cmocka_unit_test(explains_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
