/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows wslay. Its faults that have no close code become 1002. */
#include "websocket.h"

#include "ascii.h"
#include "base64.h"
#include "xalloc.h"

#include <assert.h>
#include <event2/buffer.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <wslay/wslay.h>

#define KEY_LEN 16       /* bytes of Sec-WebSocket-Key */
#define LIST_MAX 256     /* bytes of an Upgrade header; it says one word */
#define FRAMES_BURST 100 /* frames at once; an honest client answers a ping now and then */
#define SHA1_LEN 20

/* ---- Handshake ---- */

static bool list_has(const struct http_head *head, const char *name, const char *word)
{
	char list[LIST_MAX];
	struct slice rest = { list, 0 };

	if (!http_head_join(head, name, list, sizeof(list), &rest.len))
		return false;
	while (rest.len > 0) {
		const char *comma = memchr(rest.ptr, ',', rest.len);
		size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;
		struct slice one = ascii_trim((struct slice){ rest.ptr, len });

		if (one.len == strlen(word) && strncasecmp(one.ptr, word, one.len) == 0)
			return true;
		len += comma ? 1 : 0;
		rest = (struct slice){ rest.ptr + len, rest.len - len };
	}
	return false;
}

static bool key_is_valid(struct slice key)
{
	uint8_t bytes[KEY_LEN];
	size_t len = 0;

	return key.ptr && base64_decode(key.ptr, key.len, bytes, sizeof(bytes), &len) &&
	       len == KEY_LEN;
}

static void answer_key(struct slice key, char accept_out[WEBSOCKET_ACCEPT_LEN + 1])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[2 * KEY_LEN + sizeof(guid)];
	uint8_t digest[SHA1_LEN];
	int n;

	assert(key.len + sizeof(guid) <= sizeof(text));
	memcpy(text, key.ptr, key.len);
	memcpy(text + key.len, guid, sizeof(guid) - 1);
	if (!EVP_Q_digest(NULL, "SHA1", NULL, text, key.len + sizeof(guid) - 1, digest, NULL))
		out_of_memory();
	n = EVP_EncodeBlock((unsigned char *)accept_out, digest, SHA1_LEN);
	assert(n == WEBSOCKET_ACCEPT_LEN);
}

int websocket_handshake(const struct http_head *head, char accept_out[WEBSOCKET_ACCEPT_LEN + 1])
{
	struct slice key = http_head_get(head, "sec-websocket-key");
	struct slice version = http_head_get(head, "sec-websocket-version");

	if (!head->wants_upgrade || !list_has(head, "upgrade", "websocket"))
		return 426;
	if (!key_is_valid(key) || !version.ptr)
		return 400;
	if (!slice_is(version, "13"))
		return 426;
	answer_key(key, accept_out);
	return 101;
}

/* ---- Frames ---- */

static ssize_t take(wslay_event_context_ptr wslay, uint8_t *bytes, size_t size, int flags,
		    void *arg)
{
	struct websocket *socket = arg;
	int n = evbuffer_remove(socket->input, bytes, size);

	(void)flags;
	if (n <= 0) {
		wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	socket->n_unexplained += n;
	return n;
}

static ssize_t give(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t len, int flags,
		    void *arg)
{
	const struct websocket *socket = arg;

	(void)wslay;
	(void)flags;
	if (evbuffer_add(socket->output, bytes, len) != 0)
		out_of_memory();
	return (ssize_t)len;
}

/* Of a client's frame, which is masked; wslay refuses lengths that could be shorter. */
static int64_t header_len(uint64_t payload_len)
{
	if (payload_len < 126)
		return 6;
	return payload_len < 65536 ? 8 : 14;
}

static void count_data(struct websocket *socket,
		       const struct wslay_event_on_frame_recv_start_arg *frame)
{
	if (frame->opcode != WSLAY_CONTINUATION_FRAME)
		socket->message_len = 0;
	socket->message_len += frame->payload_length;
	socket->is_in_message = !frame->fin;
	if (socket->message_len > WEBSOCKET_MESSAGE_MAX)
		socket->verdict = WSLAY_CODE_MESSAGE_TOO_BIG;
}

static void start_frame(wslay_event_context_ptr wslay,
			const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
	struct websocket *socket = arg;

	socket->n_unexplained -= header_len(frame->payload_length) + (int64_t)frame->payload_length;
	if (!wslay_is_ctrl_frame(frame->opcode))
		count_data(socket, frame);
	if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1)
		socket->verdict = WSLAY_CODE_PROTOCOL_ERROR; /* half a code; wslay lets it pass */
	if (--socket->n_frames_left < 0)
		socket->verdict = WSLAY_CODE_POLICY_VIOLATION;
	if (socket->verdict != 0)
		wslay_event_shutdown_read(wslay);
}

static void end_message(wslay_event_context_ptr wslay,
			const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
	struct websocket *socket = arg;

	(void)wslay;
	if (message->opcode == WSLAY_PONG)
		socket->has_pong = true;
}

/* Messages are not kept, so a socket never holds more of one than wslay's own buffer. */
static void need_wslay(struct websocket *socket)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = take,
		.send_callback = give,
		.on_frame_recv_start_callback = start_frame,
		.on_msg_recv_callback = end_message,
	};

	if (socket->wslay)
		return;
	if (wslay_event_context_server_init(&socket->wslay, &callbacks, socket) != 0)
		out_of_memory();
	wslay_event_config_set_no_buffering(socket->wslay, 1);
	wslay_event_config_set_max_recv_msg_length(socket->wslay, WEBSOCKET_MESSAGE_MAX);
}

static void drop_wslay(struct websocket *socket)
{
	if (socket->wslay)
		wslay_event_context_free(socket->wslay);
	socket->wslay = NULL;
}

static void rest(struct websocket *socket)
{
	if (socket->n_unexplained == 0 && !socket->is_in_message)
		drop_wslay(socket);
}

/* The output takes everything, so nothing is ever left in wslay. */
static void flush(struct websocket *socket)
{
	if (wslay_event_send(socket->wslay) != 0)
		out_of_memory();
}

static void queue(struct websocket *socket, uint8_t opcode, const char *bytes, size_t len)
{
	const struct wslay_event_msg message = { opcode, (const uint8_t *)bytes, len };

	if (socket->is_over)
		return;
	need_wslay(socket);
	if (wslay_event_queue_msg(socket->wslay, &message) != 0)
		out_of_memory();
	flush(socket);
	rest(socket);
}

static void end(struct websocket *socket)
{
	socket->is_over = true;
	drop_wslay(socket);
}

/* A context of its own: the one that found the fault may have said something about it already. */
void websocket_close(struct websocket *socket, uint16_t code, const char *reason)
{
	if (socket->is_over)
		return;
	drop_wslay(socket);
	need_wslay(socket);
	if (wslay_event_queue_close(socket->wslay, code, (const uint8_t *)reason, strlen(reason)) !=
	    0)
		out_of_memory();
	flush(socket);
	end(socket);
}

bool websocket_read(struct websocket *socket)
{
	int rc;

	if (socket->is_over || evbuffer_get_length(socket->input) == 0)
		return !socket->is_over;
	need_wslay(socket);
	rc = wslay_event_recv(socket->wslay);
	if (rc == WSLAY_ERR_NOMEM)
		out_of_memory();
	if (socket->verdict != 0 || rc != 0) {
		websocket_close(socket,
				socket->verdict ? socket->verdict : WSLAY_CODE_PROTOCOL_ERROR, "");
		return false;
	}
	flush(socket);
	if (wslay_event_want_read(socket->wslay))
		rest(socket);
	else
		end(socket);
	return !socket->is_over;
}

void websocket_say(struct websocket *socket, const char *text, size_t len)
{
	queue(socket, WSLAY_TEXT_FRAME, text, len);
}

void websocket_ping(struct websocket *socket)
{
	socket->has_pong = false;
	queue(socket, WSLAY_PING, NULL, 0);
}

void websocket_allow(struct websocket *socket, int32_t n)
{
	socket->n_frames_left += n;
	if (socket->n_frames_left > FRAMES_BURST)
		socket->n_frames_left = FRAMES_BURST;
}

void websocket_init(struct websocket *socket, struct evbuffer *input, struct evbuffer *output)
{
	*socket = (struct websocket){
		.input = input,
		.output = output,
		.n_frames_left = FRAMES_BURST,
		.has_pong = true,
	};
}

void websocket_fini(struct websocket *socket)
{
	drop_wslay(socket);
}
