/* SPDX-License-Identifier: Apache-2.0 */
/* Fed whole or in steps, the outcome is the same, and the body is never longer than what came in. */
#include "http_chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

struct fed {
	enum http_chunk_result result;
	char *body;
	size_t body_len, consumed;
};

static struct fed feed(const char *in, size_t len, size_t step)
{
	struct fed fed = { .result = HTTP_CHUNK_MORE, .body = malloc(len + 1) };
	struct http_chunk chunk = { 0 };

	while (fed.result == HTTP_CHUNK_MORE && fed.consumed < len) {
		size_t n = len - fed.consumed < step ? len - fed.consumed : step;

		fed.result = http_chunk_feed(&chunk, in + fed.consumed, &n, fed.body + fed.body_len,
					     &fed.body_len);
		fed.consumed += n;
	}
	return fed;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	size_t step = len > 0 ? 1 + input[len - 1] % 7 : 1;
	struct fed whole = feed((const char *)input, len, len);
	struct fed stepped = feed((const char *)input, len, step);

	assert(whole.result == stepped.result && whole.consumed == stepped.consumed);
	assert(whole.body_len == stepped.body_len && whole.body_len <= whole.consumed);
	assert(memcmp(whole.body, stepped.body, whole.body_len) == 0);
	free(whole.body);
	free(stepped.body);
	return 0;
}
