/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is accepted keeps the promises of http_head.h. */
#include "http_head.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static void check_slice(struct slice slice, const char *bytes, size_t len)
{
	assert(slice.len == 0 || (slice.ptr >= bytes && slice.ptr + slice.len <= bytes + len));
	assert(slice.len == 0 || !memchr(slice.ptr, '\n', slice.len));
	assert(slice.len == 0 || !memchr(slice.ptr, '\0', slice.len));
}

static void check_head(const struct http_head *head, const char *bytes, size_t len)
{
	check_slice(head->method_name, bytes, len);
	check_slice(head->path, bytes, len);
	check_slice(head->query, bytes, len);
	for (size_t i = 0; i < head->n_headers; i++) {
		check_slice(head->headers[i].name, bytes, len);
		check_slice(head->headers[i].value, bytes, len);
	}
	assert(head->path.len > 0 && head->path.ptr[0] == '/');
	assert(!memmem(head->path.ptr, head->path.len, "//", 2));
	assert(!memmem(head->path.ptr, head->path.len, "/../", 4));
	assert(!memchr(head->path.ptr, '%', head->path.len));
	assert(head->n_headers <= HTTP_MAX_HEADERS && (head->minor == 0 || head->minor == 1));
	assert(!(head->has_length && head->is_chunked) && head->content_length >= 0);
	assert(http_head_count(head, "content-length") == head->has_length);
	assert(http_head_count(head, "transfer-encoding") == head->is_chunked);
	assert(http_head_count(head, "host") == 1 || head->minor == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	struct http_head head;
	ssize_t head_len = http_head_length((const char *)input, len, 0);
	char *bytes = malloc(len + 1);
	int status;

	memcpy(bytes, input, len);
	status = http_head_parse(&head, bytes, len);
	assert(status == 0 || (status >= 400 && status <= 505));
	if (status == 0) {
		assert(head_len == (ssize_t)len);
		check_head(&head, bytes, len);
	}
	free(bytes);
	return 0;
}
