/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fed whole or in steps: all input is worked off while it is open, it says little more than it hears, and
 * ends with a close frame. The two may differ: wslay takes the first two bytes of each piece of a close
 * frame for its code, and so overlooks bad UTF-8 there.
 */
#include "websocket.h"

#include <assert.h>
#include <event2/buffer.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static void check_said(struct evbuffer *said, size_t heard)
{
	size_t len = evbuffer_get_length(said);
	const unsigned char *bytes = evbuffer_pullup(said, -1);
	size_t at = 0;

	assert(len >= 2 && len <= 2 * heard + 4);
	while (at + 2 + bytes[at + 1] < len) {
		assert(bytes[at] == 0x8a); /* pongs, and then the close */
		at += 2 + bytes[at + 1];
	}
	assert(bytes[at] == 0x88 && at + 2 + bytes[at + 1] == len);
}

static void feed(const uint8_t *bytes, size_t len, size_t step)
{
	struct evbuffer *input = evbuffer_new(), *said = evbuffer_new();
	struct websocket socket;
	bool is_open = true;
	size_t at = 0;

	websocket_init(&socket, input, said);
	for (; is_open && at < len; at += step) {
		(void)evbuffer_add(input, bytes + at, len - at < step ? len - at : step);
		is_open = websocket_read(&socket);
		assert(is_open == !socket.is_over);
		assert(!is_open || evbuffer_get_length(input) == 0);
		assert(is_open || !socket.wslay);
	}
	websocket_close(&socket, 1012, "");
	check_said(said, len);
	websocket_fini(&socket);
	evbuffer_free(input);
	evbuffer_free(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	feed(input, len, len > 0 ? len : 1);
	feed(input, len, len > 0 ? 1 + input[len - 1] % 7 : 1);
	return 0;
}
