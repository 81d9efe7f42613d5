/* SPDX-License-Identifier: Apache-2.0 */
/* One answer as bytes: the head from a few pieces, then the body, in one write where possible. */
#include "http_conn.h"

#include "clock.h"
#include "text.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define HEAD_MAX 384 /* the fixed lines, the longest reason and number included */
#define MAX_PIECES 7

static const struct {
	int status;
	const char *text;
} reasons[] = {
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

struct pieces {
	struct iovec at[MAX_PIECES];
	int n;
	size_t len;
	bool is_last_lent;
};

const char *http_status_text(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Unknown";
}

static const char *date_now(struct http_server *server)
{
	time_t now = (time_t)(clock_now_ms() / 1000);
	struct tm tm;

	if (server->date_s != now) {
		server->date_s = now;
		(void)gmtime_r(&now, &tm);
		(void)strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT",
			       &tm);
	}
	return server->date;
}

static void add_piece(struct pieces *pieces, const char *bytes, size_t len)
{
	if (len == 0)
		return;
	assert(pieces->n < MAX_PIECES);
	pieces->at[pieces->n++] = (struct iovec){ .iov_base = (void *)bytes, .iov_len = len };
	pieces->len += len;
}

static void add_text(struct pieces *pieces, const char *text)
{
	add_piece(pieces, text, strlen(text));
}

static void add_body(struct pieces *pieces, const struct http_answer *answer)
{
	add_piece(pieces, answer->body.ptr, answer->body.len);
	pieces->is_last_lent = answer->is_lasting && answer->body.len > 0;
}

/* Sends at once what the socket takes, so that most answers need no round through the loop. An error is
 * left for the bufferevent to find, which tells us of it. */
static size_t send_now(struct bufferevent *bev, struct pieces *pieces)
{
	struct msghdr message = { .msg_iov = pieces->at, .msg_iovlen = (size_t)pieces->n };
	ssize_t n;

	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return 0;
	n = sendmsg(bufferevent_getfd(bev), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? 0 : (size_t)n;
}

/* The rest of a piece, from skip on. A client that reads slowly holds a copy of what is not lent. */
static bool keep_piece(struct evbuffer *output, const struct iovec *piece, size_t skip,
		       bool is_lent)
{
	const char *rest = (const char *)piece->iov_base + skip;
	size_t len = piece->iov_len - skip;

	if (is_lent)
		return evbuffer_add_reference(output, rest, len, NULL, NULL) == 0;
	return evbuffer_add(output, rest, len) == 0;
}

static void send_pieces(struct http_conn *conn, struct pieces *pieces)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);
	size_t sent = conn->is_tls ? 0 : send_now(conn->bev, pieces);
	size_t lent = pieces->is_last_lent ? pieces->at[pieces->n - 1].iov_len : 0;
	bool ok = true;

	if (sent == pieces->len)
		return;
	/* One stretch of memory is one TLS record. */
	if (sent < pieces->len - lent)
		ok = evbuffer_expand(output, pieces->len - lent - sent) == 0;
	for (int i = 0; i < pieces->n; i++) {
		const struct iovec *piece = &pieces->at[i];
		size_t skip = sent < piece->iov_len ? sent : piece->iov_len;

		sent -= skip;
		if (skip < piece->iov_len)
			ok = keep_piece(output, piece, skip, lent > 0 && i == pieces->n - 1) && ok;
	}
	if (!ok)
		conn->closes =
			true; /* for want of memory; the length that was announced is broken */
}

static const char *connection_line(const struct http_conn *conn, const struct http_head *head)
{
	if (conn->closes)
		return "Connection: close\r\n";
	return head && head->minor == 0 ? "Connection: keep-alive\r\n" : "";
}

static const char *cache_line(const struct http_answer *answer)
{
	if (answer->extra && strcasestr(answer->extra, "cache-control:"))
		return "";
	return "Cache-Control: no-store\r\n";
}

/* RFC 9110 8.6: some statuses have no body and no length; a stream has no length. */
static bool has_length(const struct http_answer *answer)
{
	int status = answer->status;

	return status >= 200 && status != 204 && status != 304 && !answer->take_over;
}

static void put_head(struct text *text, struct http_conn *conn, const struct http_head *head,
		     const struct http_answer *answer)
{
	text_put(text, "HTTP/1.1 ");
	text_put_number(text, (uint64_t)answer->status, 3);
	text_put_byte(text, ' ');
	text_put(text, http_status_text(answer->status));
	text_put(text, "\r\nDate: ");
	text_put(text, date_now(conn->server));
	text_put(text, "\r\nX-Content-Type-Options: nosniff\r\n");
	if (has_length(answer)) {
		text_put(text, "Content-Length: ");
		text_put_number(text, answer->body.len, 1);
		text_put(text, "\r\n");
	}
	text_put(text, connection_line(conn, head));
	text_put(text, cache_line(answer));
	assert(text_fits(text));
}

void answer_send(struct http_conn *conn, const struct http_head *head,
		 const struct http_answer *answer)
{
	char fixed[HEAD_MAX];
	struct text text = { .bytes = fixed, .size = sizeof(fixed) };
	struct pieces pieces = { 0 };

	put_head(&text, conn, head, answer);
	add_piece(&pieces, fixed, text.len);
	if (answer->content_type) {
		add_text(&pieces, "Content-Type: ");
		add_text(&pieces, answer->content_type);
		add_text(&pieces, "\r\n");
	}
	if (answer->extra)
		add_text(&pieces, answer->extra);
	add_text(&pieces, "\r\n");
	if (has_length(answer) && !(head && head->method == HTTP_HEAD))
		add_body(&pieces, answer);
	send_pieces(conn, &pieces);
}

void answer_continue(struct http_conn *conn)
{
	struct pieces pieces = { 0 };

	add_text(&pieces, "HTTP/1.1 100 Continue\r\n\r\n");
	send_pieces(conn, &pieces);
}
