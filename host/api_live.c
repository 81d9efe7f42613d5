/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows as they change. The flow's id in the path is the secret of who opened it, so it is the permission,
 * too; no token ever goes this way. What a page of another origin may not open is refused all the same.
 */
#include "host.h"
#include "live.h"
#include "origin.h"
#include "request.h"
#include "routes.h"
#include "websocket.h"

/* What it was sent to says something about an origin only where no foreign name leads. */
static bool is_origin_allowed(const struct request *request)
{
	const struct settings *settings = request->host->settings;

	if (origin_listed(request))
		return true;
	return origin_is_own(request) &&
	       (*settings->server.public_url || settings_is_loopback(settings));
}

static void refuse(struct request *request, const char *error)
{
	answer_error(request, error);
	dispatch_finish(request);
}

/* ---- WebSockets ---- */

static void open_socket(void *arg)
{
	struct request *request = arg;

	live_open(request->host->live, request, &live_websocket);
}

static void ask_for_upgrade(struct request *request)
{
	answer_header(request, "Upgrade", "websocket");
	answer_header(request, "Connection", "Upgrade");
	answer_header(request, "Sec-WebSocket-Version", "13");
	refuse(request, "upgrade_required");
}

/* Every browser says where the page is from, and who is no browser can say so, too. */
void api_flow_socket(struct request *request)
{
	char accept[WEBSOCKET_ACCEPT_LEN + 1];
	int status = websocket_handshake(&request->http->head, accept);

	if (status == 426) {
		ask_for_upgrade(request);
	} else if (status != 101) {
		refuse(request, "bad_request");
	} else if (!is_origin_allowed(request)) {
		refuse(request, "forbidden");
	} else {
		loop_post(request->host->loop, open_socket, request);
	}
}

/* ---- Server-sent events ---- */

static void open_stream(void *arg)
{
	struct request *request = arg;

	live_open(request->host->live, request, &live_stream);
}

/* Browsers leave Origin away for a page of the same origin. */
void api_flow_events(struct request *request)
{
	const struct http_head *head = &request->http->head;

	if (http_head_count(head, "origin") > 0 && !is_origin_allowed(request))
		refuse(request, "forbidden");
	else
		loop_post(request->host->loop, open_stream, request);
}
