/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the HTTP edge share among themselves; nobody else includes it. All [loop]. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "address_count.h"
#include "http.h"
#include "http_chunk.h"

#include <event2/event.h>
#include <sys/queue.h>

/* ---- Deadlines (http_deadline.c): per kind all wait equally long, so each queue is in order ---- */

enum deadline_kind {
	DEADLINE_FIRST, /* a new connection has sent nothing yet */
	DEADLINE_HEAD,
	DEADLINE_BODY,
	DEADLINE_WRITE,
	DEADLINE_IDLE,
	DEADLINE_LINGER, /* answered and shut down; what the client still sends is thrown away */
	N_DEADLINES,
	DEADLINE_NONE = N_DEADLINES
};

TAILQ_HEAD(conn_queue, http_conn);

struct deadlines {
	struct conn_queue queues[N_DEADLINES];
	int64_t timeouts_us[N_DEADLINES];
	struct event *timer;
	int64_t armed_us; /* when timer fires; 0: not armed */
};

void deadlines_init(struct deadlines *deadlines, struct event_base *base,
		    const struct http_limits *limits);
void deadlines_fini(struct deadlines *deadlines);
/* Starts the wait of one kind, ending any other. At its end conn_expire is called. */
void deadline_set(struct http_conn *conn, enum deadline_kind kind);
void deadline_clear(struct http_conn *conn);
/* For those already waiting, too. Must not be longer than it was. */
void deadlines_shorten(struct deadlines *deadlines, enum deadline_kind kind, int64_t timeout_ms);

/* ---- Requests (http_request.c): recycled, so that a request in the steady state allocates nothing ---- */

#define INLINE_HEAD 2048 /* bytes; larger heads and bodies are on the heap */
#define INLINE_BODY 2048

struct exchange {
	struct http_request request; /* first: what the handler sees */
	struct http_server *server;
	SLIST_ENTRY(exchange) spare;
	char *head, *body; /* the inline buffers or heap */
	size_t head_len, body_len, body_size;
	char inline_head[INLINE_HEAD], inline_body[INLINE_BODY];
};

SLIST_HEAD(exchange_list, exchange);

/* With a head buffer of head_len bytes, yet to be filled and parsed. */
struct exchange *exchange_new(struct http_server *server, size_t head_len);
/* Wipes it and keeps it for the next request. Accepts NULL. */
void exchange_free(struct exchange *exchange);
/* Once, to the handler that has the request. */
void exchange_tell_gone(struct exchange *exchange);
/* Room for len more bytes of body. */
char *exchange_room(struct exchange *exchange, size_t len);
void exchanges_fini(struct http_server *server);

/* ---- Connections (http_conn.c) ---- */

enum conn_state {
	CONN_IDLE, /* nothing of the next request has come */
	CONN_HEAD,
	CONN_BODY,
	CONN_HANDLER, /* the handler has the request */
	CONN_WRITING,
	CONN_TAKEN, /* somebody took it over */
	CONN_LINGER,
	CONN_CLOSED
};

struct http_conn {
	TAILQ_ENTRY(http_conn) waiting; /* in the queue of deadline */
	LIST_ENTRY(http_conn) link;     /* of the server's connections */
	struct http_server *server;
	struct bufferevent *bev;
	struct exchange *exchange; /* from the end of its head to the answer */
	enum conn_state state;
	enum deadline_kind deadline;
	int64_t since_us; /* when the deadline began to run */
	int64_t start_us; /* when the first byte of the head came */
	size_t searched;  /* bytes of the input known to hold no end of a head */
	struct http_chunk chunk;
	struct address peer;
	void *tag;
	bool is_tls;
	bool is_advancing;   /* conn_advance is at work on it and will free it */
	bool is_half_closed; /* the client sends nothing more */
	bool closes;         /* after the answer being written */
	bool has_unread;     /* more of the refused request may come */
};

struct conn_origin {
	struct address peer;
	void *tag;
	bool is_tls;
};

/* Takes bev over. */
void conn_new(struct http_server *server, struct bufferevent *bev,
	      const struct conn_origin *origin);
/* Tells a handler that has a request of it. */
void conn_close(struct http_conn *conn);
void conn_expire(struct http_conn *conn);

/* ---- Answers (http_answer.c) ---- */

#define HTTP_DATE_MAX 32

/* Assembles the answer to head (NULL: to what was no request) and sends what the socket takes at once;
 * the rest waits in the bufferevent. */
void answer_send(struct http_conn *conn, const struct http_head *head,
		 const struct http_answer *answer);
void answer_continue(struct http_conn *conn);

/* ---- The server (http_server.c) ---- */

struct http_server {
	struct http_server_conf conf;
	struct event_base *base;
	LIST_HEAD(conn_list, http_conn) conns;
	SLIST_HEAD(listener_list, listener) listeners;
	struct event *accept_again;
	struct deadlines deadlines;
	struct exchange_list spares;
	size_t n_spares, n_exchanges; /* kept for reuse; in use */
	struct address_counts by_address;
	struct http_stats stats;
	int64_t date_s; /* the second that date says */
	char date[HTTP_DATE_MAX];
	bool is_draining, is_freed;
};

void server_conn_gone(struct http_server *server, struct http_conn *conn);
/* Frees what is left once http_server_free was called and the last request is back. */
void server_release(struct http_server *server);

#endif
