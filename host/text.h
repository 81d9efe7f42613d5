/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text put together piece by piece in a buffer of the caller's: the hot path's printf, at a tenth of its
 * cost. A piece that does not fit is left out and still counted, so only text_fits tells. [any]
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *bytes;
	size_t size, len; /* len > size: it did not fit */
};

static inline void text_put_bytes(struct text *text, const void *bytes, size_t len)
{
	if (text->len <= text->size && len <= text->size - text->len)
		memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static inline void text_put(struct text *text, const char *piece)
{
	text_put_bytes(text, piece, strlen(piece));
}

static inline void text_put_byte(struct text *text, char byte)
{
	text_put_bytes(text, &byte, 1);
}

static inline bool text_fits(const struct text *text)
{
	return text->len <= text->size;
}

/* Decimal, with zeros before it up to n_digits. */
void text_put_number(struct text *text, uint64_t number, int n_digits);
/* Upper case, likewise. */
void text_put_hex(struct text *text, uint64_t number, int n_digits);

#endif
