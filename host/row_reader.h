/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a table in the order of its primary key, in batches so that no query lasts; and what they
 * come to: a SHA-256 over one encoding of the values, the same whichever store they come from. [worker]
 */
#ifndef ROW_READER_H
#define ROW_READER_H

#include "arena.h"
#include "db.h"
#include "tables.h"

#include <openssl/evp.h>

#define ROW_BATCH 500
#define ROW_CHECKSUM_LEN 64 /* in hex */

/* What is lent of table and db must outlive it. */
struct row_reader {
	const struct db *db;
	const struct table *table;
	const char *sql;
	int64_t after, last; /* keys: those behind after, up to last */
	struct arena arena;  /* of the batch */
	struct pintle_value *values;
	size_t n_batch, next;
	int64_t n_given;
	EVP_MD_CTX *digest;
};

/* The SELECT of a batch, for all readers of a table. */
const char *row_select_sql(struct arena *arena, const struct table *table);
/* after INT64_MIN: from the first; last INT64_MAX: to the last. */
void row_reader_init(struct row_reader *reader, const struct db *db, const struct table *table,
		     const char *sql, int64_t after, int64_t last);
void row_reader_fini(struct row_reader *reader);
/* Reads the next batch in the place of the one before: n_batch rows in values, none at the end. */
int32_t row_reader_batch(struct row_reader *reader);
/* The next row, lent until the next call; NULL at the end. Not to be mixed with row_reader_batch. */
int32_t row_reader_next(struct row_reader *reader, const struct pintle_value **row_out);
/* Of the n_given rows that row_reader_next has given. */
void row_reader_checksum(struct row_reader *reader, char out[ROW_CHECKSUM_LEN + 1]);

static inline const struct pintle_value *row_reader_row(const struct row_reader *reader, size_t i)
{
	return &reader->values[i * reader->table->n_columns];
}

/* Of one type, and equal to the bit. */
bool row_value_same(const struct pintle_value *a, const struct pintle_value *b);

#endif
