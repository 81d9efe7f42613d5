/* SPDX-License-Identifier: Apache-2.0 */
/* Fed whole or in steps, a socket says the same; between frames it keeps nothing of wslay's. */
#include "websocket.h"

#include <assert.h>
#include <event2/buffer.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

struct fed {
	struct evbuffer *said;
	bool is_open;
};

static struct fed feed(const uint8_t *bytes, size_t len, size_t step)
{
	struct evbuffer *input = evbuffer_new();
	struct fed fed = { .said = evbuffer_new(), .is_open = true };
	struct websocket socket;

	websocket_init(&socket, input, fed.said);
	for (size_t at = 0; fed.is_open && at < len; at += step) {
		(void)evbuffer_add(input, bytes + at, len - at < step ? len - at : step);
		fed.is_open = websocket_read(&socket);
		assert(!fed.is_open || evbuffer_get_length(input) == 0);
	}
	assert(fed.is_open == !socket.is_over);
	websocket_close(&socket, 1012, "");
	websocket_fini(&socket);
	evbuffer_free(input);
	return fed;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	size_t step = len > 0 ? 1 + input[len - 1] % 7 : 1;
	struct fed whole = feed(input, len, len > 0 ? len : 1);
	struct fed stepped = feed(input, len, step);
	size_t said_len = evbuffer_get_length(whole.said);

	assert(whole.is_open == stepped.is_open);
	assert(said_len >= 2 && said_len <= 2 * len + 8);
	(void)stepped;
	evbuffer_free(whole.said);
	evbuffer_free(stepped.said);
	return 0;
}
