/* SPDX-License-Identifier: Apache-2.0 */
#include "http_chunk.h"

#include "ascii.h"

#include <stdbool.h>
#include <string.h>

#define MAX_DIGITS 16 /* of a 64-bit number */

enum state { SIZE, SIZE_LF, BODY, BODY_CR, BODY_LF, LAST_CR, LAST_LF, BAD };

static enum state read_size(struct http_chunk *chunk, char c)
{
	int digit = ascii_hex(c);

	if (c == '\r' && chunk->n_digits > 0)
		return SIZE_LF;
	if (digit < 0 || chunk->n_digits == MAX_DIGITS)
		return BAD;
	chunk->n_digits++;
	chunk->left = chunk->left * 16 + (uint64_t)digit;
	return SIZE;
}

static enum state next_state(struct http_chunk *chunk, char c)
{
	switch ((enum state)chunk->state) {
	case SIZE:
		return read_size(chunk, c);
	case SIZE_LF:
		chunk->n_digits = 0;
		if (c != '\n')
			return BAD;
		return chunk->left > 0 ? BODY : LAST_CR;
	case BODY_CR:
		return c == '\r' ? BODY_LF : BAD;
	case BODY_LF:
		return c == '\n' ? SIZE : BAD;
	case LAST_CR:
		return c == '\r' ? LAST_LF : BAD;
	default:
		return BAD;
	}
}

static size_t copy_body(struct http_chunk *chunk, const char *in, size_t len, char *out)
{
	size_t n = chunk->left < len ? (size_t)chunk->left : len;

	memcpy(out, in, n);
	chunk->left -= n;
	if (chunk->left == 0)
		chunk->state = BODY_CR;
	return n;
}

enum http_chunk_result http_chunk_feed(struct http_chunk *chunk, const char *in, size_t *len,
				       char *out, size_t *out_len)
{
	size_t at = 0, n_out = 0;
	bool is_end = false;

	while (at < *len && chunk->state != BAD && !is_end) {
		if (chunk->state == BODY) {
			size_t n = copy_body(chunk, in + at, *len - at, out + n_out);

			at += n;
			n_out += n;
		} else if (chunk->state == LAST_LF) {
			is_end = in[at++] == '\n';
			chunk->state = is_end ? SIZE : BAD;
		} else {
			chunk->state = next_state(chunk, in[at++]);
		}
	}
	*len = at;
	*out_len += n_out;
	if (chunk->state == BAD)
		return HTTP_CHUNK_BAD;
	return is_end ? HTTP_CHUNK_END : HTTP_CHUNK_MORE;
}
