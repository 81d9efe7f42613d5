/* SPDX-License-Identifier: Apache-2.0 */
#include "row_reader.h"

#include "base64.h"
#include "clock.h"
#include "xalloc.h"

#include <pintle/status.h>
#include <stdlib.h>

#define BATCH_MS 60000

static const char *columns_sql(struct arena *arena, const struct table *table)
{
	const char *list = table->columns[0];

	for (size_t i = 1; i < table->n_columns; i++)
		list = arena_printf(arena, "%s, %s", list, table->columns[i]);
	return list;
}

const char *row_select_sql(struct arena *arena, const struct table *table)
{
	const char *key = table->columns[table->key];

	return arena_printf(arena,
			    "SELECT %s FROM %s WHERE %s > ? AND %s <= ? ORDER BY %s LIMIT %d",
			    columns_sql(arena, table), table->name, key, key, key, ROW_BATCH);
}

void row_reader_init(struct row_reader *reader, const struct db *db, const struct table *table,
		     const char *sql, int64_t after, int64_t last)
{
	*reader = (struct row_reader){
		.db = db, .table = table, .sql = sql, .after = after, .last = last
	};
	reader->digest = EVP_MD_CTX_new();
	if (!reader->digest || EVP_DigestInit_ex(reader->digest, EVP_sha256(), NULL) != 1)
		out_of_memory();
}

void row_reader_fini(struct row_reader *reader)
{
	EVP_MD_CTX_free(reader->digest);
	arena_fini(&reader->arena);
	*reader = (struct row_reader){ 0 };
}

/* ---- Reading ---- */

static bool has_bytes(const struct pintle_value *value)
{
	return value->type == PINTLE_V_TEXT || value->type == PINTLE_V_BLOB;
}

static int32_t take_row(void *ctx, const struct pintle_value *cols, size_t n_cols)
{
	struct row_reader *reader = ctx;
	const struct table *table = reader->table;
	struct pintle_value *row = &reader->values[reader->n_batch * table->n_columns];

	/* Without a number as its key a row has no place in the order. */
	if (n_cols != table->n_columns || reader->n_batch == ROW_BATCH ||
	    cols[table->key].type != PINTLE_V_INT)
		return PINTLE_INTERNAL;
	for (size_t i = 0; i < n_cols; i++) {
		row[i] = cols[i];
		if (has_bytes(&row[i]))
			row[i].ptr = arena_copy(&reader->arena, cols[i].ptr, cols[i].len);
	}
	reader->after = cols[table->key].num;
	reader->n_batch++;
	return PINTLE_OK;
}

int32_t row_reader_batch(struct row_reader *reader)
{
	struct tx tx = { .db = reader->db, .deadline_ms = clock_mono_ms() + BATCH_MS };

	arena_fini(&reader->arena);
	reader->values = arena_alloc(&reader->arena, ROW_BATCH * reader->table->n_columns *
							     sizeof(*reader->values));
	reader->n_batch = 0;
	return db_each(&tx, reader->sql, DB_PARAMS(db_int(reader->after), db_int(reader->last)),
		       take_row, reader);
}

/* ---- What the rows come to ---- */

static void put(EVP_MD_CTX *digest, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(digest, bytes, len) != 1)
		abort(); /* OpenSSL without SHA-256 */
}

static uint64_t bits_of(double real)
{
	uint64_t bits;

	memcpy(&bits, &real, sizeof(bits));
	return bits;
}

/* A byte for the type, eight for the number or the length, then the bytes there are. */
static void put_value(EVP_MD_CTX *digest, const struct pintle_value *value)
{
	static const char types[] = { [PINTLE_V_NULL] = 'N',
				      [PINTLE_V_INT] = 'I',
				      [PINTLE_V_REAL] = 'R',
				      [PINTLE_V_TEXT] = 'T',
				      [PINTLE_V_BLOB] = 'B' };
	uint64_t number = has_bytes(value) ? value->len : 0;
	unsigned char head[9] = { (unsigned char)types[value->type] };

	if (value->type == PINTLE_V_INT)
		number = (uint64_t)value->num;
	else if (value->type == PINTLE_V_REAL)
		number = bits_of(value->real);
	for (int i = 0; i < 8; i++)
		head[1 + i] = (unsigned char)(number >> (8 * i));
	put(digest, head, sizeof(head));
	if (has_bytes(value) && value->len > 0)
		put(digest, value->ptr, value->len);
}

int32_t row_reader_next(struct row_reader *reader, const struct pintle_value **row_out)
{
	const struct pintle_value *row;

	*row_out = NULL;
	if (reader->next == reader->n_batch) {
		int32_t status = row_reader_batch(reader);

		reader->next = 0;
		if (status != PINTLE_OK || reader->n_batch == 0)
			return status;
	}
	row = row_reader_row(reader, reader->next++);
	for (size_t i = 0; i < reader->table->n_columns; i++)
		put_value(reader->digest, &row[i]);
	reader->n_given++;
	*row_out = row;
	return PINTLE_OK;
}

void row_reader_checksum(struct row_reader *reader, char out[ROW_CHECKSUM_LEN + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_DigestFinal_ex(reader->digest, digest, &len) != 1)
		abort(); /* OpenSSL without SHA-256 */
	hex_encode(digest, len, out);
}

bool row_value_same(const struct pintle_value *a, const struct pintle_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case PINTLE_V_INT:
		return a->num == b->num;
	case PINTLE_V_REAL:
		return bits_of(a->real) == bits_of(b->real);
	case PINTLE_V_TEXT:
	case PINTLE_V_BLOB:
		return a->len == b->len && (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
	default:
		return true;
	}
}
