/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table on its way from one SQL store to another. What the target has already must be the source's
 * first rows, to the bit; so a copy that was broken off goes on where it stopped, and what is something
 * else is never written over. Rows go in batches, one transaction each, in the order of the key. [worker]
 */
#ifndef TABLE_COPY_H
#define TABLE_COPY_H

#include "db.h"
#include "err.h"
#include "row_reader.h"
#include "tables.h"

/* A store of the copy: the section's name, for errors, and the store. */
struct copy_side {
	const char *name;
	struct db db;
};

struct table_copy {
	const struct table *table;
	const struct copy_side *from, *to;
	const char *select, *insert;
	int64_t n_rows;   /* of the source */
	int64_t n_before; /* of them in the target at the start */
	int64_t n_done;   /* now */
	int64_t last;     /* key of the last that is there; INT64_MIN: none */
	int64_t spent_us;
	char checksum[ROW_CHECKSUM_LEN + 1];
};

/* Told of each batch. */
typedef void table_copy_progress(void *ctx, const struct table_copy *copy);

/* Looks at both sides; false, and why, when the target holds what is not of the source, or the source
 * what this release does not know. Writes nothing. SQL goes into arena. */
bool table_copy_begin(struct table_copy *copy, struct arena *arena, struct err *err);
/* Writes the rows that are missing. False at the first that does not fit: those before it are there. */
bool table_copy_run(struct table_copy *copy, table_copy_progress *progress, void *ctx,
		    struct err *err);
/* Reads both sides anew and compares every value; fills checksum. */
bool table_copy_verify(struct table_copy *copy, struct err *err);

#endif
