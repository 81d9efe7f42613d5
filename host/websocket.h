/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket of a server (RFC 6455): the handshake, and frames from one evbuffer to another by wslay. It
 * knows no socket and no time. What clients say is checked and thrown away: they have nothing to say here.
 * [loop]
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "http_head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBSOCKET_ACCEPT_LEN 28
#define WEBSOCKET_MESSAGE_MAX 4096 /* bytes, all fragments together */

/* Returns 101, or the status to refuse with: 400, or 426 when the client did not ask for version 13 of the
 * protocol. accept_out: the value of Sec-WebSocket-Accept. */
int websocket_handshake(const struct http_head *head, char accept_out[WEBSOCKET_ACCEPT_LEN + 1]);

struct wslay_event_context;
struct evbuffer;

struct websocket {
	struct evbuffer *input, *output; /* lent */
	/* A context has buffers of 8 KiB: it is there while a frame, a message or the end is under way only. */
	struct wslay_event_context *wslay;
	int64_t n_unexplained; /* bytes taken that are of no frame yet; negative in the midst of one */
	size_t message_len;
	int32_t n_frames_left; /* that the client may send before websocket_allow */
	uint16_t verdict;   /* close code of a rule of ours that the client has broken; 0: none */
	bool is_in_message; /* fragments follow */
	bool has_pong;      /* since websocket_ping */
	bool is_over;       /* the close frame is in the output; nothing more is read or said */
};

void websocket_init(struct websocket *socket, struct evbuffer *input, struct evbuffer *output);
void websocket_fini(struct websocket *socket);
/* Works off the input. False when the socket is over: the client has closed, or broken a rule. */
bool websocket_read(struct websocket *socket);
void websocket_say(struct websocket *socket, const char *text, size_t len); /* UTF-8 */
void websocket_ping(struct websocket *socket);
/* Ends it. reason is at most 123 bytes. Nobody waits for the client's own close frame. */
void websocket_close(struct websocket *socket, uint16_t code, const char *reason);
/* Lets the client send n frames more, up to a burst. */
void websocket_allow(struct websocket *socket, int32_t n);

#endif
