/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of one request: taken piece by piece, wiped and freed at once. One thread at a time. */
#ifndef ARENA_H
#define ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

/* Zeroed is a valid empty arena. */
struct arena {
	struct arena_block *blocks;
};

/* Zeroed memory, aligned for anything. Never NULL: without memory the process ends. */
void *arena_alloc(struct arena *arena, size_t len);
/* NULL when there is no memory; for what a plugin asks. */
void *arena_try_alloc(struct arena *arena, size_t len);
char *arena_copy(struct arena *arena, const void *bytes, size_t len); /* adds a NUL */
char *arena_strdup(struct arena *arena, const char *text);            /* NULL gives NULL */
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Wipes and frees everything; the arena is empty again. */
void arena_fini(struct arena *arena);

#endif
