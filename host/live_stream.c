/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events (HTML Living Standard 9.2): states are messages, the end is an event "end". */
#include "live.h"
#include "request.h"
#include "viewer.h"
#include "xalloc.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

/* Clients that come back after a restart shall not all come at once. */
#define RETRY_MIN_MS 500
#define RETRY_SPREAD_MS 3000

static void answer(struct request *request)
{
	request->answer.status = 200;
	request->answer.text_type = "text/event-stream";
	answer_header(request, "X-Accel-Buffering", "no"); /* nginx would hold it back */
}

static struct evbuffer *output(const struct viewer *viewer)
{
	return bufferevent_get_output(viewer->bev);
}

static void say(struct viewer *viewer, const char *text)
{
	if (evbuffer_add_printf(output(viewer), "%s", text) < 0)
		out_of_memory();
}

static void start(struct viewer *viewer)
{
	(void)viewer; /* the head has said it all */
}

/* Nothing may follow the request. */
static bool read_nothing(struct viewer *viewer)
{
	return evbuffer_get_length(bufferevent_get_input(viewer->bev)) == 0;
}

static void show(struct viewer *viewer, const char *json, size_t len)
{
	if (evbuffer_add_printf(output(viewer), "data: %.*s\n\n", (int)len, json) < 0)
		out_of_memory();
}

/* A comment; TCP says whether it arrives. */
static bool beat(struct viewer *viewer)
{
	say(viewer, ":\n\n");
	return true;
}

static void end(struct viewer *viewer, enum viewer_end why)
{
	uint64_t wait_ms = RETRY_MIN_MS + viewer->stamp.random % RETRY_SPREAD_MS;

	if (why == VIEWER_OVER)
		say(viewer, "event: end\ndata: {\"reason\":\"over\"}\n\n");
	else if (why == VIEWER_REPLACED)
		say(viewer, "event: end\ndata: {\"reason\":\"replaced\"}\n\n");
	else if (evbuffer_add_printf(output(viewer), "retry: %llu\n\n",
				     (unsigned long long)wait_ms) < 0)
		out_of_memory();
}

const struct live_kind live_stream = {
	.answer = answer,
	.start = start,
	.read = read_nothing,
	.show = show,
	.beat = beat,
	.end = end,
};
