/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tables a schema has, with their columns and primary keys: read from the text of its steps, since
 * every SQL store tells it in a dialect of its own and the host knows none. Only what makes tables and
 * adds columns is understood; a step that does anything else to a table is refused, so that nothing
 * is overlooked. [any]
 */
#ifndef TABLES_H
#define TABLES_H

#include "arena.h"
#include "err.h"

#include <pintle/plugin.h>

#define TABLE_COLUMNS_MAX 128

struct table {
	const char *owner, *name;
	const char *columns[TABLE_COLUMNS_MAX];
	size_t n_columns;
	size_t key; /* the column that is the primary key; SIZE_MAX: none, or several together */
};

/* In the order in which they were made, so that what a table refers to stands before it. Zeroed: none. */
struct tables {
	struct arena arena; /* of all texts */
	struct table *items;
	size_t n_items;
};

/* Adds those of owner's steps for dialect; owner is lent. */
bool tables_add(struct tables *tables, const char *owner, const struct pintle_migration *steps,
		size_t n_steps, const char *dialect, struct err *err);
/* NULL: there is none of that name. */
const struct table *tables_find(const struct tables *tables, const char *name);
/* Whether both dialects of one schema have the same tables and columns; err says what differs. */
bool tables_same(const struct tables *a, const struct tables *b, struct err *err);
void tables_fini(struct tables *tables);

#endif
