/* SPDX-License-Identifier: Apache-2.0 */
/* From sections to structs. Single values are opt_parse.c's, the tables themselves opt_table.c's. */
#include "opt.h"

#include "log.h"
#include "opt_parse.h"

#include <string.h>

#define MAX_DISTANCE 3 /* further away a name is no slip of the keys */

static void warn_once(struct conf_key *key, const struct conf_place *place)
{
	struct err why;

	if (!key->is_exposed)
		return;
	key->is_exposed = false;
	(void)conf_fail(&why, place, "everybody on this machine can read the file of this secret");
	log_warn("%s", why.text);
}

static bool bind_one(const struct pintle_opt *opt, struct conf_section *section,
		     const char *section_name, void *out, struct err *err)
{
	struct conf_key *key = section ? conf_key(section, opt->name) : NULL;
	struct conf_place place = conf_place_of(section, section_name, opt->name);
	const char *text = key ? key->value : opt->fallback;
	char reason[OPT_REASON_MAX];

	if (key)
		key->is_used = true;
	if (!text)
		return conf_fail(err, &place, "this key is required (%s)", opt->help);
	if (!opt_parse(opt, text, out, reason))
		return conf_fail(err, &place, "%s (%s)", reason, opt->help);
	if (key && opt->type == PINTLE_SECRET)
		warn_once(key, &place);
	return true;
}

bool opt_bind(const struct opt_table *table, struct conf_section *section, const char *section_name,
	      void *out, struct err *err)
{
	for (size_t i = 0; i < table->n_opts; i++) {
		if (!bind_one(&table->opts[i], section, section_name, out, err)) {
			opt_fini(table, out);
			return false;
		}
	}
	return true;
}

void opt_fini(const struct opt_table *table, void *out)
{
	for (size_t i = 0; i < table->n_opts; i++)
		opt_parse_undo(&table->opts[i], out);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein, one row. Names are at most CONF_NAME_MAX bytes. */
static size_t distance(const char *a, const char *b)
{
	size_t row[CONF_NAME_MAX + 1], len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t replaced = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = least(least(row[j], row[j + 1]) + 1, replaced);
		}
	}
	return row[len];
}

static const struct pintle_opt *nearest(const char *name, const struct opt_table *const *tables,
					size_t n_tables)
{
	const struct pintle_opt *best = NULL;
	size_t best_distance = least(MAX_DISTANCE, strlen(name) / 2) + 1;

	for (size_t t = 0; t < n_tables; t++) {
		for (size_t i = 0; i < tables[t]->n_opts; i++) {
			size_t d = distance(name, tables[t]->opts[i].name);

			if (d < best_distance) {
				best_distance = d;
				best = &tables[t]->opts[i];
			}
		}
	}
	return best;
}

bool opt_check_all_used(const struct conf_section *section, const struct opt_table *const *tables,
			size_t n_tables, struct err *err)
{
	for (size_t i = 0; i < section->n_keys; i++) {
		const struct conf_key *key = &section->keys[i];
		struct conf_place place = conf_place_of(section, section->name, key->name);
		const struct pintle_opt *near;

		if (key->is_used)
			continue;
		near = nearest(key->name, tables, n_tables);
		if (!near)
			return conf_fail(err, &place, "unknown key");
		return conf_fail(err, &place, "unknown key; did you mean \"%s\"? (%s)", near->name,
				 near->help);
	}
	return true;
}
