/* SPDX-License-Identifier: Apache-2.0 */
/* Options: binding a section's keys to a struct by a table of pintle_opt, and explaining the table. */
#ifndef OPT_H
#define OPT_H

#include "conf.h"

#include <pintle/option.h>
#include <stdio.h>

/* A table of options for the host's own sections or a plugin's. */
struct opt_table {
	const struct pintle_opt *opts;
	size_t n_opts;
	size_t conf_size;
};

/*
 * Fills out (zeroed, conf_size bytes) from section (may be NULL: all defaults) and marks the keys used.
 * Pointers inside out belong to it. Errors: "file:line: [section] key: reason (help)". A text or list
 * that equals its fallback is not held to the bounds, so that "" can mean "not set".
 */
bool opt_bind(const struct opt_table *table, struct conf_section *section, const char *section_name,
	      void *out, struct err *err);
void opt_fini(const struct opt_table *table, void *out); /* wipes texts */
/* The first key nobody bound, as an error with the nearest known name. */
bool opt_check_all_used(const struct conf_section *section, const struct opt_table *const *tables,
			size_t n_tables, struct err *err);
/* Whether the table itself is sane: names, types, offsets in bounds, fallbacks that parse. */
bool opt_table_ok(const struct opt_table *table, struct err *err);
/* The manual of a table as plain text; secrets show no value. */
void opt_explain(const struct opt_table *table, FILE *out);

#endif
