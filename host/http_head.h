/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One strict pass over a request head (RFC 9112): CRLF only, token names, no folding, one Host,
 * origin-form target that is already canonical, HTTP/1.0 or 1.1, one digits-only Content-Length or
 * exactly "chunked", never both. What is not plainly right is refused; nothing is repaired.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_MAX_HEADERS 100

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER
};

struct http_header {
	struct slice name; /* lower-cased in place */
	struct slice value;
};

struct http_head {
	enum http_method method;
	struct slice method_name, path, query; /* path starts with '/'; query without '?' */
	int minor;                             /* HTTP/1.minor */
	struct http_header headers[HTTP_MAX_HEADERS];
	size_t n_headers;
	int64_t content_length; /* 0 when none */
	bool has_length, is_chunked;
	bool keep_alive, expect_continue, wants_upgrade;
};

/* Returns 0, or the status to refuse with: 400, 417, 431, 501, 505. bytes is the whole head with its
 * empty line; slices of head point into it. */
int http_head_parse(struct http_head *head, char *bytes, size_t len);
/* The one value of a header (name in lower case); NULL slice when absent or given more than once. */
struct slice http_head_get(const struct http_head *head, const char *name);
size_t http_head_count(const struct http_head *head, const char *name);

#endif
