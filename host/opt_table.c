/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of options seen as tables: whether one can be used, and its manual. */
#include "opt.h"
#include "opt_parse.h"
#include "xalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define CONF_SIZE_MAX (64 * 1024)

static bool is_name(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	return len > 0 && len <= CONF_NAME_MAX && strspn(name, NAME_CHARS) == len;
}

static bool is_word_list(const char *choices)
{
	size_t len = choices ? strlen(choices) : 0;

	return len > 0 && choices[0] != ' ' && choices[len - 1] != ' ' && !strstr(choices, "  ");
}

static const char *why_not_ok(const struct opt_table *table, const struct pintle_opt *opt)
{
	size_t size = opt_type_size(opt->type);

	if (size == 0)
		return "a type this host does not know";
	if (opt->offset % size != 0 || size > table->conf_size ||
	    opt->offset > table->conf_size - size)
		return "an offset outside of the struct";
	if (opt->min > opt->max)
		return "bounds that nothing meets";
	if (opt->type == PINTLE_CHOICE && !is_word_list(opt->choices))
		return "choices that are no words";
	if (!opt->help || *opt->help == '\0')
		return "no help";
	return NULL;
}

static bool check_fallback(const struct opt_table *table, const struct pintle_opt *opt,
			   struct err *err)
{
	void *out = xcalloc(1, table->conf_size);
	char reason[OPT_REASON_MAX];
	bool ok = opt_parse(opt, opt->fallback, out, reason);

	opt_parse_undo(opt, out);
	free(out);
	return ok || err_set(err, "option %s: its default %s", opt->name, reason);
}

bool opt_table_ok(const struct opt_table *table, struct err *err)
{
	if (table->conf_size > CONF_SIZE_MAX)
		return err_set(err, "a conf_size of %zu bytes", table->conf_size);
	for (size_t i = 0; i < table->n_opts; i++) {
		const struct pintle_opt *opt = &table->opts[i];
		const char *why;

		if (!is_name(opt->name))
			return err_set(err, "option %zu: a name must be 1 to %d of a-z, 0-9, _", i,
				       CONF_NAME_MAX);
		why = why_not_ok(table, opt);
		if (why)
			return err_set(err, "option %s has %s", opt->name, why);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(table->opts[j].name, opt->name) == 0)
				return err_set(err, "option %s stands in it twice", opt->name);
		}
		if (opt->fallback && !check_fallback(table, opt, err))
			return false;
	}
	return true;
}

/* value in the largest unit that divides it, as it is written in a file. */
static void print_bound(int32_t type, int64_t value, FILE *out)
{
	static const struct {
		int32_t type;
		int64_t size;
		const char *name;
	} units[] = {
		{ PINTLE_DURATION, 86400000, "d" }, { PINTLE_DURATION, 3600000, "h" },
		{ PINTLE_DURATION, 60000, "m" },    { PINTLE_DURATION, 1000, "s" },
		{ PINTLE_DURATION, 1, "ms" },       { PINTLE_BYTES, 1 << 30, "G" },
		{ PINTLE_BYTES, 1 << 20, "M" },     { PINTLE_BYTES, 1 << 10, "K" },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].type == type && value != 0 && value % units[i].size == 0) {
			(void)fprintf(out, "%" PRId64 "%s", value / units[i].size, units[i].name);
			return;
		}
	}
	(void)fprintf(out, "%" PRId64, value);
}

/* Of what is counted; how long a text may be goes without saying. */
static void print_bounds(const struct pintle_opt *opt, FILE *out)
{
	bool is_counted = opt->type == PINTLE_INT || opt->type == PINTLE_BYTES ||
			  opt->type == PINTLE_DURATION;

	if (!is_counted || (opt->min == 0 && opt->max == 0))
		return;
	(void)fputs(" From ", out);
	print_bound(opt->type, opt->min, out);
	(void)fputs(" to ", out);
	print_bound(opt->type, opt->max, out);
	(void)fputc('.', out);
}

void opt_explain(const struct opt_table *table, FILE *out)
{
	for (size_t i = 0; i < table->n_opts; i++) {
		const struct pintle_opt *opt = &table->opts[i];

		(void)fprintf(out, "%s (%s", opt->name, opt_type_name(opt->type));
		if (opt->type == PINTLE_CHOICE)
			(void)fprintf(out, ": %s", opt->choices);
		if (!opt->fallback)
			(void)fputs(", required", out);
		else if (opt->type != PINTLE_SECRET && *opt->fallback)
			(void)fprintf(out, ", default %s", opt->fallback);
		(void)fprintf(out, ")\n\t%s", opt->help);
		print_bounds(opt, out);
		(void)fputc('\n', out);
	}
}
