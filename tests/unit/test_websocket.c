/* SPDX-License-Identifier: Apache-2.0 */
#include "websocket.h"

#include <event2/buffer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct world {
	struct websocket socket;
	struct evbuffer *input, *output;
};

static int start(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->input = evbuffer_new();
	world->output = evbuffer_new();
	websocket_init(&world->socket, world->input, world->output);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	websocket_fini(&world->socket);
	evbuffer_free(world->input);
	evbuffer_free(world->output);
	free(world);
	return 0;
}

/* ---- Frames of a client ---- */

/* The mask is zero, so that the payload stands as it is. */
static void frame(struct evbuffer *out, uint8_t first, const void *payload, size_t len)
{
	uint8_t head[4] = { first, (uint8_t)(0x80 | (len < 126 ? len : 126)) };
	size_t n = 2;

	if (len >= 126) {
		head[n++] = (uint8_t)(len >> 8);
		head[n++] = (uint8_t)len;
	}
	(void)evbuffer_add(out, head, n);
	(void)evbuffer_add(out, "\0\0\0\0", 4);
	(void)evbuffer_add(out, payload, len);
}

static void frames(struct evbuffer *out, uint8_t first, size_t n, size_t len)
{
	char payload[8192] = "";

	memset(payload, 'x', sizeof(payload));
	for (size_t i = 0; i < n; i++)
		frame(out, i == 0 ? first : (uint8_t)(first & 0x80), payload, len);
}

/* The close code of the last frame in the output; 0: it is no close frame. */
static int close_code(struct world *world)
{
	uint8_t bytes[256];
	size_t len = evbuffer_get_length(world->output), at = 0;

	assert_true(len <= sizeof(bytes));
	(void)evbuffer_remove(world->output, bytes, len);
	while (at + 2 + (bytes[at + 1] & 0x7f) < len)
		at += 2 + (bytes[at + 1] & 0x7f);
	if (len < at + 4 || bytes[at] != 0x88)
		return 0;
	return bytes[at + 2] << 8 | bytes[at + 3];
}

static void expect_output(struct world *world, const char *bytes, size_t len)
{
	assert_int_equal(evbuffer_get_length(world->output), len);
	assert_memory_equal(evbuffer_pullup(world->output, -1), bytes, len);
	(void)evbuffer_drain(world->output, len);
}

static void what_is_said_is_framed(void **state)
{
	struct world *world = *state;

	websocket_say(&world->socket, "hello", 5);
	expect_output(world, "\x81\x05hello", 7);
	websocket_ping(&world->socket);
	expect_output(world, "\x89\x00", 2);
	assert_null(world->socket.wslay);
	websocket_close(&world->socket, 1012, "bye");
	expect_output(world,
		      "\x88\x05\x03\xf4"
		      "bye",
		      7);
	websocket_say(&world->socket, "more", 4);
	websocket_close(&world->socket, 1000, "");
	expect_output(world, "", 0);
	assert_false(websocket_read(&world->socket));
}

static void a_ping_is_answered_and_a_pong_is_noted(void **state)
{
	struct world *world = *state;

	frame(world->input, 0x89, "are you there", 13);
	assert_true(websocket_read(&world->socket));
	expect_output(world,
		      "\x8a\x0d"
		      "are you there",
		      15);
	websocket_ping(&world->socket);
	assert_false(world->socket.has_pong);
	frame(world->input, 0x8a, "", 0);
	assert_true(websocket_read(&world->socket));
	assert_true(world->socket.has_pong);
}

static void a_close_is_echoed(void **state)
{
	struct world *world = *state;

	frame(world->input, 0x88, "\x03\xe8", 2);
	assert_false(websocket_read(&world->socket));
	assert_int_equal(close_code(world), 1000);
}

/* The buffers of wslay are there for as long as they hold something. */
static void it_rests_between_frames_only(void **state)
{
	struct world *world = *state;
	uint8_t bytes[16];
	size_t len;

	frame(world->input, 0x89, "abc", 3);
	len = evbuffer_get_length(world->input);
	(void)evbuffer_remove(world->input, bytes, len);
	for (size_t i = 0; i < len; i++) {
		(void)evbuffer_add(world->input, bytes + i, 1);
		assert_true(websocket_read(&world->socket));
		if (i + 1 < len)
			assert_non_null(world->socket.wslay);
	}
	assert_null(world->socket.wslay);
	expect_output(world,
		      "\x8a\x03"
		      "abc",
		      5);
	frame(world->input, 0x01, "first", 5);
	assert_true(websocket_read(&world->socket));
	assert_non_null(world->socket.wslay);
	frame(world->input, 0x80, "last", 4);
	assert_true(websocket_read(&world->socket));
	assert_null(world->socket.wslay);
}

/* ---- Abuse ---- */

struct bytes_case {
	const char *name, *bytes;
	size_t len;
	int code;
};

#define BYTES(text) (text), sizeof(text) - 1

static const struct bytes_case bytes_cases[] = {
	{ "unmasked", BYTES("\x81\x02hi"), 1002 },
	{ "reserved bit 1", BYTES("\xc1\x80\0\0\0\0"), 1002 },
	{ "reserved bit 2", BYTES("\xa1\x80\0\0\0\0"), 1002 },
	{ "reserved bit 3", BYTES("\x91\x80\0\0\0\0"), 1002 },
	{ "reserved opcode", BYTES("\x83\x80\0\0\0\0"), 1002 },
	{ "reserved control opcode", BYTES("\x8b\x80\0\0\0\0"), 1002 },
	{ "length with its highest bit", BYTES("\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0x"), 1002 },
	{ "length of 2^63 - 1", BYTES("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x"), 1009 },
	{ "length in more bytes than it needs", BYTES("\x81\xfe\0\x01\0\0\0\0x"), 1002 },
	{ "ping of 126", BYTES("\x89\xfe\0\x7e\0\0\0\0x"), 1002 },
	{ "ping in fragments", BYTES("\x09\x80\0\0\0\0"), 1002 },
	{ "continuation of nothing", BYTES("\x80\x81\0\0\0\0x"), 1002 },
	{ "text in a text", BYTES("\x01\x81\0\0\0\0x\x81\x81\0\0\0\0x"), 1002 },
	{ "no UTF-8", BYTES("\x81\x82\0\0\0\0\xc3\x28"), 1007 },
	{ "half a character", BYTES("\x81\x81\0\0\0\0\xc3"), 1007 },
	{ "a surrogate", BYTES("\x81\x83\0\0\0\0\xed\xa0\x80"), 1007 },
	{ "close code 1005", BYTES("\x88\x82\0\0\0\0\x03\xed"), 1002 },
	{ "close code 999", BYTES("\x88\x82\0\0\0\0\x03\xe7"), 1002 },
	{ "close of one byte", BYTES("\x88\x81\0\0\0\0\x03"), 1002 },
	{ "close reason no UTF-8", BYTES("\x88\x83\0\0\0\0\x03\xe8\xff"), 1007 },
};

static void broken_frames_end_it(void **state)
{
	for (size_t i = 0; i < COUNT(bytes_cases); i++) {
		const struct bytes_case *one = &bytes_cases[i];
		struct world *world;
		int code;

		(void)start(state);
		world = *state;
		(void)evbuffer_add(world->input, one->bytes, one->len);
		assert_false(websocket_read(&world->socket));
		code = close_code(world);
		(void)end(state);
		if (code != one->code)
			fail_msg("%s: %d, not %d", one->name, code, one->code);
	}
}

struct flood_case {
	const char *name;
	uint8_t first;
	size_t n, len;
	int code; /* 0: it is let be */
};

static const struct flood_case flood_cases[] = {
	{ "a message of 4 KiB", 0x81, 1, 4096, 0 },
	{ "a longer one", 0x81, 1, 4097, 1009 },
	{ "fragments of 4 KiB in all", 0x01, 64, 64, 0 },
	{ "fragments of more", 0x01, 66, 64, 1009 },
	{ "as many pings as there may be", 0x89, 1, 125, 0 },
	{ "fragments of one byte", 0x01, 1000, 1, 1008 },
	{ "empty fragments", 0x01, 1000, 0, 1008 },
	{ "binary is as good", 0x82, 1, 4096, 0 },
};

static void floods_end_it(void **state)
{
	for (size_t i = 0; i < COUNT(flood_cases); i++) {
		const struct flood_case *one = &flood_cases[i];
		struct world *world;
		bool is_open;
		int code;

		(void)start(state);
		world = *state;
		frames(world->input, one->first, one->n, one->len);
		is_open = websocket_read(&world->socket);
		code = close_code(world);
		(void)end(state);
		if (code != one->code || is_open != (one->code == 0))
			fail_msg("%s: %d, not %d", one->name, code, one->code);
	}
}

static void pings_are_rationed(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 100; i++)
		frame(world->input, 0x89, "", 0);
	assert_true(websocket_read(&world->socket));
	websocket_allow(&world->socket, 10);
	(void)evbuffer_drain(world->output, evbuffer_get_length(world->output));
	for (int i = 0; i < 10; i++)
		frame(world->input, 0x89, "", 0);
	assert_true(websocket_read(&world->socket));
	websocket_allow(&world->socket, 1000);
	(void)evbuffer_drain(world->output, evbuffer_get_length(world->output));
	for (int i = 0; i < 101; i++)
		frame(world->input, 0x89, "", 0);
	assert_false(websocket_read(&world->socket));
	assert_int_equal(close_code(world), 1008);
}

/* ---- Handshake ---- */

struct handshake_case {
	const char *name, *headers;
	int status;
};

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static const struct handshake_case handshake_cases[] = {
	{ "as in RFC 6455", UPGRADE KEY VERSION, 101 },
	{ "lists and case",
	  "Connection: keep-alive, upgrade\r\nUpgrade: h2c, WebSocket\r\n" KEY VERSION, 101 },
	{ "no upgrade", KEY VERSION, 426 },
	{ "upgrade to something else", "Connection: Upgrade\r\nUpgrade: h2c\r\n" KEY VERSION, 426 },
	{ "upgrade without Connection", "Upgrade: websocket\r\n" KEY VERSION, 426 },
	{ "no key", UPGRADE VERSION, 400 },
	{ "two keys", UPGRADE KEY KEY VERSION, 400 },
	{ "a key of 15 bytes", UPGRADE "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n" VERSION, 400 },
	{ "a key that is no base64",
	  UPGRADE "Sec-WebSocket-Key: !GhlIHNhbXBsZSBub25jZQ==\r\n" VERSION, 400 },
	{ "no version", UPGRADE KEY, 400 },
	{ "version 8", UPGRADE KEY "Sec-WebSocket-Version: 8\r\n", 426 },
};

static void handshakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(handshake_cases); i++) {
		const struct handshake_case *one = &handshake_cases[i];
		char text[1024], accept[WEBSOCKET_ACCEPT_LEN + 1] = "";
		struct http_head head;
		int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
				   one->headers);
		int status;

		assert_int_equal(http_head_parse(&head, text, (size_t)len), 0);
		status = websocket_handshake(&head, accept);
		if (status != one->status)
			fail_msg("%s: %d, not %d", one->name, status, one->status);
		if (status == 101)
			assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	}
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_said_is_framed),
		STORY(a_ping_is_answered_and_a_pong_is_noted),
		STORY(a_close_is_echoed),
		STORY(it_rests_between_frames_only),
		cmocka_unit_test(broken_frames_end_it),
		cmocka_unit_test(floods_end_it),
		STORY(pings_are_rationed),
		cmocka_unit_test(handshakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
