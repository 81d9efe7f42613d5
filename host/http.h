/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP edge as the rest of the host sees it: requests come in whole and in order, one at a time a
 * connection; each is answered once. Everything here is [loop] unless marked.
 */
#ifndef HTTP_H
#define HTTP_H

#include "address.h"
#include "http_head.h"

#include <stddef.h>
#include <stdint.h>

struct bufferevent;
struct http_conn;
struct loop;
struct http_server;
struct tls;

/*
 * A request and all its bytes. The handler owns it: it may be kept, and read on one other thread at a
 * time, until http_request_free, also after the answer and after the client has gone.
 */
struct http_request {
	struct http_head head;
	struct slice body;
	struct address peer;
	void *listener_tag; /* what the listener was opened with */
	bool is_tls;
	/* [loop] The client has gone, or has at least ended its side; then an answer is still tried. */
	bool is_gone;
	void (*on_gone)(
		void *ctx);     /* [loop] called once when it goes before the answer; may be NULL */
	void *ctx;              /* the handler's */
	int64_t start_us;       /* monotonic, when the first byte of the head came */
	struct http_conn *conn; /* the edge's */
};

struct http_answer {
	int status;
	const char *content_type; /* NULL: no Content-Type */
	struct slice body;        /* for HEAD only its length is sent */
	bool is_lasting;          /* body stays where it is for ever: it is lent, not copied */
	const char *extra;        /* more header lines, each ended by CRLF, or NULL; copied */
	const char *error;        /* its stable name, for the log; NULL: none */
	bool must_close;
	/* What follows the head is somebody else's: a 101 or a stream. Called once, when the head is in the
	 * output, with nothing of the request read any further; conn is NULL when the client has gone. */
	void (*take_over)(void *ctx, struct http_conn *conn);
	void *ctx; /* of take_over */
};

typedef void http_handler(void *ctx, struct http_request *request);

struct http_limits {
	int64_t max_head, max_body;
	int64_t head_timeout_ms, body_timeout_ms, write_timeout_ms, idle_timeout_ms;
	int64_t max_connections, max_per_address;
};

struct http_stats {
	uint64_t n_open, n_accepted;
	uint64_t n_refused; /* closed right after accept: over a cap */
};

/* At max_connections the connection that has been idle longest makes room; when none is, the new one is
 * refused. refuse builds the answer for what the edge itself turns away (status as http_head_parse, 408, 413). */
struct http_server_conf {
	struct http_limits limits;
	http_handler *handler;
	void (*refuse)(void *ctx, int status, struct http_answer *out);
	void *ctx;
	/* Addresses that max_per_address does not count: proxies. NULL: none. Unix sockets never are. */
	const struct network_list *uncounted;
};

/* SIGPIPE must be ignored. max_connections is lowered to what descriptors allow, with some in reserve. */
struct http_server *http_server_new(struct loop *loop, const struct http_server_conf *conf);
/* fd is a listening socket, inherited and not closed by the server. tls is NULL or a tls.h context.
 * A Unix socket's peer address is ::. */
bool http_server_listen(struct http_server *server, int fd, struct tls *tls, void *tag);
void http_server_stats(const struct http_server *server, struct http_stats *out);
/* Accepts no more; keep-alive connections leave with their next answer, idle ones once they have been
 * idle for half a second, so that a request already on its way is still served. */
void http_server_drain(struct http_server *server);
/* No connection is open and no request is held. */
bool http_server_is_idle(const struct http_server *server);
/* Closes all connections at once. Requests still held stay valid until http_request_free. */
void http_server_free(struct http_server *server);

/* Answers once; the request stays the handler's until http_request_free, which without an answer cuts
 * the client off. Default headers: nosniff, and Cache-Control: no-store unless extra has its own. */
void http_answer(struct http_request *request, const struct http_answer *answer);
void http_request_free(struct http_request *request);
/*
 * A connection that was taken over. It goes on counting among the server's, until it is given back or
 * cut, which ends it for who took it. bufferevent: the input holds what the client has sent already;
 * there are no callbacks, no deadlines, and reading is disabled.
 */
struct bufferevent *http_taken_bufferevent(const struct http_conn *conn);
/* What is in the output is sent within the time for answers; then the connection is closed as after one. */
void http_taken_give_back(struct http_conn *conn);
void http_taken_cut(struct http_conn *conn); /* by a reset, at once */
const char *http_status_text(int status);

#endif
