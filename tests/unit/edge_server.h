/* SPDX-License-Identifier: Apache-2.0 */
/* A real HTTP edge on a loopback port, its loop in a thread of its own, and a raw client for it. */
#ifndef EDGE_SERVER_H
#define EDGE_SERVER_H

#include "http.h"
#include "loop.h"

#include <pthread.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define EDGE_BIG_BODY 4000000 /* more than socket buffers hold */

/*
 * What the handler does, by path: /echo answers with the body; /big with EDGE_BIG_BODY bytes; /later when
 * edge_answer_held is called (on_gone is counted); /drop frees without one; /switch takes the connection over and writes
 * back what it reads; anything else is answered with the path.
 */
struct edge {
	struct loop *loop;
	struct http_server *server;
	struct http_request *held;
	int listen_fd, port;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	int n_held, n_gone, n_looks;
	struct http_stats stats;
	bool is_idle;
};

extern const struct http_limits edge_limits; /* generous */

struct edge *edge_new(const struct http_limits *limits, struct tls *tls,
		      const struct network_list *uncounted);
void edge_free(struct edge *edge);
void edge_wait_held(struct edge *edge, int n); /* until n requests in all were held */
void edge_wait_gone(struct edge *edge, int n);
void edge_answer_held(struct edge *edge);
void edge_drain(struct edge *edge);
struct http_stats edge_stats(struct edge *edge);
/* Waits until no connection is open and no request is held. */
void edge_wait_idle(struct edge *edge);
bool edge_is_idle(struct edge *edge);

int edge_connect(const struct edge *edge);
/* From another address of 127.0.0.0/8. */
int edge_connect_from(const struct edge *edge, const char *address);
void edge_send(int fd, const char *text);
/* Reads until the peer closes, at most size - 1 bytes, NUL-terminated; -1 on reset. */
ssize_t edge_read_all(int fd, char *out, size_t size);
/* Reads one answer with its Content-Length (none for HEAD). */
void edge_read_answer(int fd, bool is_head, char *out, size_t size);

#endif
