/* SPDX-License-Identifier: Apache-2.0 */
/* Strict chunked decoding (RFC 9112 7.1): hex digits only, CRLF only, no extensions, no trailers. */
#ifndef HTTP_CHUNK_H
#define HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

struct http_chunk {
	int state;
	uint64_t left; /* of the current chunk */
	size_t n_digits;
};

enum http_chunk_result { HTTP_CHUNK_MORE, HTTP_CHUNK_END, HTTP_CHUNK_BAD };

/* Zeroed is the start. Consumes up to *len bytes of in, appends body bytes to out (at least *len long)
 * and adds their number to *out_len; *len becomes what was consumed. After END the rest of in belongs
 * to the next request. */
enum http_chunk_result http_chunk_feed(struct http_chunk *chunk, const char *in, size_t *len,
				       char *out, size_t *out_len);

#endif
