/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"
#include "request.h"
#include "viewer.h"

#include <event2/bufferevent.h>

/* Of the private range: what there is no code for. */
#define CLOSE_REPLACED 4001

static void answer(struct request *request)
{
	char accept[WEBSOCKET_ACCEPT_LEN + 1];

	(void)websocket_handshake(&request->http->head, accept); /* it has been looked at */
	request->answer.status = 101;
	request->answer.is_empty = true;
	answer_header(request, "Upgrade", "websocket");
	answer_header(request, "Connection", "Upgrade");
	answer_header(request, "Sec-WebSocket-Accept", accept);
}

static void start(struct viewer *viewer)
{
	websocket_init(&viewer->socket, bufferevent_get_input(viewer->bev),
		       bufferevent_get_output(viewer->bev));
}

static bool read_frames(struct viewer *viewer)
{
	return websocket_read(&viewer->socket);
}

static void show(struct viewer *viewer, const char *json, size_t len)
{
	websocket_say(&viewer->socket, json, len);
}

static bool beat(struct viewer *viewer)
{
	if (!viewer->socket.has_pong)
		return false;
	websocket_ping(&viewer->socket);
	return true;
}

static void end(struct viewer *viewer, enum viewer_end why)
{
	if (why == VIEWER_OVER)
		websocket_close(&viewer->socket, 1000, "");
	else if (why == VIEWER_REPLACED)
		websocket_close(&viewer->socket, CLOSE_REPLACED, "replaced");
	else
		websocket_close(&viewer->socket, 1012, "restart");
}

const struct live_kind live_websocket = {
	.answer = answer,
	.start = start,
	.read = read_frames,
	.show = show,
	.beat = beat,
	.end = end,
};
