/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes lent from somebody else's memory; not NUL-terminated unless said. */
#ifndef SLICE_H
#define SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static inline bool slice_is(struct slice slice, const char *text)
{
	size_t len = strlen(text);

	return slice.len == len && memcmp(slice.ptr, text, len) == 0;
}

#endif
