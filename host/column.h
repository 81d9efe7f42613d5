/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one column of a row. [any] */
#ifndef COLUMN_H
#define COLUMN_H

#include <pintle/store.h>

/* Lent as the column is; NULL for a NULL. */
static inline const char *column_text(const struct pintle_value *col)
{
	return col->type == PINTLE_V_TEXT ? col->ptr : NULL;
}

/* 0 for a NULL. */
static inline int64_t column_int(const struct pintle_value *col)
{
	return col->type == PINTLE_V_INT ? col->num : 0;
}

#endif
