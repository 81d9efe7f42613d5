/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include "xalloc.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 4096

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *block_new(struct arena *arena, size_t len)
{
	size_t size = len > BLOCK_SIZE ? len : BLOCK_SIZE;
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	block->used = 0;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_try_alloc(struct arena *arena, size_t len)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	size_t need;
	void *ptr;

	if (len > SIZE_MAX - align)
		return NULL;
	need = (len + align - 1) / align * align;
	if (!block || block->size - block->used < need) {
		block = block_new(arena, need);
		if (!block)
			return NULL;
	}
	ptr = block->bytes + block->used;
	block->used += need;
	return memset(ptr, 0, need); /* most of a block is never used: it is zeroed as it goes */
}

void *arena_alloc(struct arena *arena, size_t len)
{
	void *ptr = arena_try_alloc(arena, len);

	if (!ptr)
		out_of_memory();
	return ptr;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	char small[64], *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(small, sizeof(small), fmt, args);
	va_end(args);
	assert(len >= 0);
	if ((size_t)len < sizeof(small))
		return arena_copy(arena, small, (size_t)len);
	text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, fmt);
	(void)vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}

void arena_fini(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block) {
		struct arena_block *next = block->next;

		explicit_bzero(block->bytes, block->used);
		free(block);
		block = next;
	}
	arena->blocks = NULL;
}
