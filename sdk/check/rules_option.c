/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options, and what open says to each key at its ends. */
#include "instance_table.h"
#include "opt_parse.h"
#include "rules.h"
#include "xalloc.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536

/* ---- The table itself; read without the loader, which would refuse it ---- */

static const struct pintle_plugin *descriptor(const char *path)
{
	const struct pintle_plugin *(*entry)(void) = NULL;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (!handle)
		return NULL;
	*(void **)&entry = dlsym(handle, "pintle_plugin_entry");
	(void)dlclose(handle);
	return entry ? entry() : NULL;
}

static void look_for_overlaps(const struct opt_table *table)
{
	for (size_t i = 0; i < table->n_opts; i++) {
		const struct pintle_opt *a = &table->opts[i];

		for (size_t j = i + 1; j < table->n_opts; j++) {
			const struct pintle_opt *b = &table->opts[j];

			if (a->offset < b->offset + opt_type_size(b->type) &&
			    b->offset < a->offset + opt_type_size(a->type))
				report_fail("O01", "options %s and %s fill the same member",
					    a->name, b->name);
		}
	}
}

void rule_options(void *ctx)
{
	const struct check *check = ctx;
	const struct pintle_plugin *desc = descriptor(check->path);
	struct opt_table table;
	struct err err;

	if (!desc || desc->abi != PINTLE_ABI || desc->size < offsetof(struct pintle_plugin, open) ||
	    (desc->n_opts > 0 && desc->opt_size != sizeof(struct pintle_opt)))
		report_skip("it does not load");
	table = (struct opt_table){ desc->opts, desc->n_opts, desc->conf_size };
	if (!opt_table_ok(&table, &err) || !instance_table_is_apart(&table, &err)) {
		report_fail("O01", "%s", err.text);
		return;
	}
	look_for_overlaps(&table);
	for (size_t i = 0; i < table.n_opts; i++) {
		const struct pintle_opt *opt = &table.opts[i];

		if (opt->type == PINTLE_SECRET && opt->fallback && *opt->fallback)
			report_fail("O01",
				    "option %s: a secret with a default is known to everybody",
				    opt->name);
	}
}

/* ---- What open makes of it ---- */

/* Whether open may be asked at all with this key changed; a value of NULL leaves it out. */
static bool open_with(struct check *check, const struct pintle_opt *opt, const char *value,
		      const char *rule, const char *what)
{
	struct pairs conf = rules_conf(check, NULL);
	struct pintle_inst inst;
	struct err err;
	int32_t status;
	bool is_bound;

	if (value)
		pairs_put(&conf, opt->name, value);
	else
		pairs_drop(&conf, opt->name);
	is_bound = inst_bind(&inst, &check->plugin, check->name, &conf, &err);
	pairs_fini(&conf);
	if (is_bound) {
		report_at("open with %s %s", opt->name, what);
		status = inst_open(&inst, &err);
		if (status != PINTLE_OK && status != PINTLE_INVALID && !PINTLE_IS_FAULT(status))
			report_fail(rule, "%s %s: open answers %d", opt->name, what, status);
		if (status == PINTLE_INVALID && !err.text[0])
			report_fail(rule, "%s %s: open refuses without a reason", opt->name, what);
		inst_fini(&inst);
	}
	return is_bound;
}

void rule_keys(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	for (size_t i = 0; i < check->plugin.desc.n_opts; i++) {
		const struct pintle_opt *opt = &check->plugin.opts[i];
		bool is_bound = open_with(check, opt, NULL, "O02", "left out");

		if (!opt->fallback && is_bound)
			report_fail("O02", "%s is required and may be left out", opt->name);
	}
}

/* Text of an option with n bytes, or n items. */
static void fill(const struct pintle_opt *opt, int64_t n, char out[TEXT_MAX])
{
	int64_t at = 0;

	if (opt->type != PINTLE_LIST) {
		memset(out, 'a', (size_t)n);
		out[n] = '\0';
		return;
	}
	*out = '\0';
	for (; at < n && 2 * at + 3 < TEXT_MAX; at++)
		memcpy(out + 2 * at, at + 1 < n ? "a," : "a", at + 1 < n ? 3 : 2);
}

static void write_value(const struct pintle_opt *opt, int64_t value, char out[TEXT_MAX])
{
	bool is_text = opt->type == PINTLE_STRING || opt->type == PINTLE_SECRET ||
		       opt->type == PINTLE_LIST;

	if (is_text)
		fill(opt, value < TEXT_MAX - 1 ? value : TEXT_MAX - 1, out);
	else
		(void)snprintf(out, TEXT_MAX, "%" PRId64 "%s", value,
			       opt->type == PINTLE_DURATION ? "ms" : "");
}

static void try_bounds(struct check *check, const struct pintle_opt *opt)
{
	char *text = xcalloc(1, TEXT_MAX);

	write_value(opt, opt->min, text);
	(void)open_with(check, opt, text, "O03", "at its least");
	write_value(opt, opt->max, text);
	(void)open_with(check, opt, text, "O03", "at its most");
	write_value(opt, opt->max + 1, text);
	if (open_with(check, opt, text, "O03", "beyond its most"))
		report_fail("O03", "%s may be beyond its most", opt->name);
	free(text);
}

static void try_choices(struct check *check, const struct pintle_opt *opt)
{
	char *copy = xstrdup(opt->choices), *rest = copy, *word;

	while ((word = strsep(&rest, " ")))
		(void)open_with(check, opt, word, "O03", "as one of its choices");
	free(copy);
}

void rule_bounds(void *ctx)
{
	struct check *check = ctx;

	rules_begin(check);
	for (size_t i = 0; i < check->plugin.desc.n_opts; i++) {
		const struct pintle_opt *opt = &check->plugin.opts[i];

		if (opt->type == PINTLE_CHOICE)
			try_choices(check, opt);
		else if (opt->type == PINTLE_FLAG)
			(void)(open_with(check, opt, "yes", "O03", "on"),
			       open_with(check, opt, "no", "O03", "off"));
		else if (opt->max != 0 && opt->max < INT64_MAX)
			try_bounds(check, opt);
	}
}
