/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <stdint.h>
#include <stdlib.h>

#define MAX_COLUMNS 128
#define BINARY_CHARSET 63 /* the servers' number of it: what has none is bytes */
#define NUMBER_LEN 64     /* a decimal as text */

struct column {
	int32_t type;
	int64_t num;
	double real;
	client_bool is_null;
	unsigned long len;
};

struct fetch {
	unsigned n;
	struct column columns[MAX_COLUMNS];
	MYSQL_BIND binds[MAX_COLUMNS];
	struct pintle_value values[MAX_COLUMNS];
	char *bytes; /* for the texts of one row */
};

static int32_t type_of(const MYSQL_FIELD *field)
{
	switch (field->type) {
	case MYSQL_TYPE_NULL:
		return PINTLE_V_NULL;
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
		return PINTLE_V_INT;
	case MYSQL_TYPE_FLOAT:
	case MYSQL_TYPE_DOUBLE:
		return PINTLE_V_REAL;
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL: /* a sum of integers is one */
		return field->decimals == 0 ? PINTLE_V_INT : PINTLE_V_REAL;
	case MYSQL_TYPE_STRING:
	case MYSQL_TYPE_VAR_STRING:
	case MYSQL_TYPE_VARCHAR:
	case MYSQL_TYPE_TINY_BLOB:
	case MYSQL_TYPE_MEDIUM_BLOB:
	case MYSQL_TYPE_LONG_BLOB:
	case MYSQL_TYPE_BLOB:
		return field->charsetnr == BINARY_CHARSET ? PINTLE_V_BLOB : PINTLE_V_TEXT;
	default: /* dates, which the library writes as text */
		return PINTLE_V_TEXT;
	}
}

/* What one row's value needs; one more for the NUL. */
static size_t room_of(const struct column *column, const MYSQL_FIELD *field)
{
	bool is_text = column->type == PINTLE_V_TEXT || column->type == PINTLE_V_BLOB;
	size_t len = field->max_length > NUMBER_LEN ? field->max_length : NUMBER_LEN;

	return is_text ? len + 1 : 0;
}

static void bind_column(struct column *column, MYSQL_BIND *bind, char *bytes, size_t room)
{
	*bind = (MYSQL_BIND){ .is_null = &column->is_null, .length = &column->len };
	switch (column->type) {
	case PINTLE_V_INT:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = &column->num;
		break;
	case PINTLE_V_REAL:
		bind->buffer_type = MYSQL_TYPE_DOUBLE;
		bind->buffer = &column->real;
		break;
	case PINTLE_V_NULL:
		bind->buffer_type = MYSQL_TYPE_NULL;
		break;
	default:
		bind->buffer_type =
			column->type == PINTLE_V_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
		bind->buffer = bytes;
		bind->buffer_length = (unsigned long)(room - 1);
	}
}

static bool bind_columns(MYSQL_STMT *stmt, struct fetch *fetch)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
	const MYSQL_FIELD *fields = meta ? mysql_fetch_fields(meta) : NULL;
	size_t total = 0, at = 0;

	for (unsigned i = 0; fields && i < fetch->n; i++) {
		fetch->columns[i].type = type_of(&fields[i]);
		total += room_of(&fetch->columns[i], &fields[i]);
	}
	fetch->bytes = fields ? malloc(total + 1) : NULL;
	for (unsigned i = 0; fetch->bytes && i < fetch->n; i++) {
		size_t room = room_of(&fetch->columns[i], &fields[i]);

		bind_column(&fetch->columns[i], &fetch->binds[i], fetch->bytes + at, room);
		at += room;
	}
	mysql_free_result(meta);
	return fetch->bytes && mysql_stmt_bind_result(stmt, fetch->binds) == 0;
}

static struct pintle_value value_of(const struct column *column, const MYSQL_BIND *bind)
{
	struct pintle_value value = { column->type, 0, 0, 0, NULL, 0 };

	if (column->type == PINTLE_V_NULL || column->is_null)
		return (struct pintle_value){ PINTLE_V_NULL, 0, 0, 0, NULL, 0 };
	value.num = column->type == PINTLE_V_INT ? column->num : 0;
	value.real = column->type == PINTLE_V_REAL ? column->real : 0;
	if (column->type == PINTLE_V_TEXT || column->type == PINTLE_V_BLOB) {
		char *bytes = bind->buffer;

		value.ptr = bytes;
		value.len = column->len;
		bytes[column->len] = '\0';
	}
	return value;
}

static int32_t hand_one(struct fetch *fetch, const struct pintle_query *query)
{
	for (unsigned i = 0; i < fetch->n; i++)
		fetch->values[i] = value_of(&fetch->columns[i], &fetch->binds[i]);
	return query->row(query->ctx, fetch->values, fetch->n);
}

static int32_t hand_all(MYSQL_STMT *stmt, struct fetch *fetch, const struct pintle_query *query)
{
	int32_t status = PINTLE_OK;

	while (status == PINTLE_OK) {
		int rc = mysql_stmt_fetch(stmt);

		if (rc == MYSQL_NO_DATA)
			break;
		/* Truncated can only be a number that does not fit in 64 bits. */
		status = rc == 0 ? hand_one(fetch, query) : PINTLE_INTERNAL;
	}
	return status;
}

int32_t rows_hand(MYSQL_STMT *stmt, const struct pintle_query *query)
{
	unsigned n = mysql_stmt_field_count(stmt);
	struct fetch *fetch;
	int32_t status = PINTLE_INTERNAL;

	if (!query->row)
		return PINTLE_OK;
	fetch = n <= MAX_COLUMNS ? calloc(1, sizeof(*fetch)) : NULL;
	if (!fetch)
		return status;
	fetch->n = n;
	if (bind_columns(stmt, fetch))
		status = hand_all(stmt, fetch, query);
	free(fetch->bytes);
	free(fetch);
	return status;
}
