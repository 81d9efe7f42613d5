/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One strict pass over a request head (RFC 9112): CRLF only, token names, no folding, one Host,
 * origin-form target that is already canonical, HTTP/1.0 or 1.1, one digits-only Content-Length or
 * exactly "chunked", never both. What is not plainly right is refused; nothing is repaired. A path has
 * no percent-encoding at all: every byte of it has one spelling.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

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
	struct slice name;  /* lower-cased in place */
	struct slice value; /* no controls but tab; bytes over 127 as they came, maybe not UTF-8 */
};

struct http_head {
	enum http_method method;
	struct slice method_name, path, query; /* path starts with '/'; query without '?' */
	int minor;                             /* HTTP/1.minor */
	struct http_header headers[HTTP_MAX_HEADERS];
	size_t n_headers;
	int64_t content_length; /* 0 when none; INT64_MAX when it is larger than that */
	bool has_length, is_chunked;
	bool keep_alive, expect_continue, wants_upgrade;
};

/* The length of the head that bytes start with; 0 when its empty line has not come yet; -1 when it
 * cannot become one: a line ended by LF alone or an empty first line. The first searched bytes are known
 * to hold no end. */
ssize_t http_head_length(const char *bytes, size_t len, size_t searched);
/* Returns 0, or the status to refuse with: 400, 417, 431, 501, 505. bytes is the whole head with its
 * empty line; slices of head point into it. */
int http_head_parse(struct http_head *head, char *bytes, size_t len);
/* The one value of a header (name in lower case); NULL slice when absent or given more than once. */
struct slice http_head_get(const struct http_head *head, const char *name);
size_t http_head_count(const struct http_head *head, const char *name);
/* All values of a list header (X-Forwarded-For) in order, joined by commas, in out; false when they do
 * not fit. Proxies may add a line of their own instead of extending the client's. */
bool http_head_join(const struct http_head *head, const char *name, char *out, size_t out_max,
		    size_t *len_out);

#endif
