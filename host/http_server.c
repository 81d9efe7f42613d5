/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets and who may connect: caps, the reserve of descriptors, drain. */
#include "http_conn.h"

#include "loop.h"
#include "tls.h"
#include "xalloc.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_PER_WAKE 8     /* the rest is left to the other processes on the same socket */
#define RESERVE 128            /* descriptors for stores, upstreams and logs */
#define ACCEPT_PAUSE_US 100000 /* when descriptors have run out all the same */
#define DRAIN_GRACE_MS 500
/* Bytes of answers that the kernel takes beyond what is on its way; it would take megabytes for a client
 * that reads nothing. */
#define UNSENT_MAX 16384

struct listener {
	SLIST_ENTRY(listener) link;
	struct http_server *server;
	struct event *acceptable;
	struct tls *tls;
	void *tag;
};

static bool is_counted(const struct http_server *server, const struct address *peer)
{
	static const struct address unix_peer;

	if (memcmp(peer, &unix_peer, sizeof(unix_peer)) == 0)
		return false;
	return !server->conf.uncounted || !network_list_has(server->conf.uncounted, peer);
}

void server_conn_gone(struct http_server *server, struct http_conn *conn)
{
	LIST_REMOVE(conn, link);
	server->stats.n_open--;
	if (is_counted(server, &conn->peer))
		address_count_out(&server->by_address, &conn->peer);
}

static bool has_room(struct http_server *server)
{
	struct http_conn *idle = TAILQ_FIRST(&server->deadlines.queues[DEADLINE_IDLE]);
	uint64_t max = (uint64_t)server->conf.limits.max_connections;

	if (server->stats.n_open >= max && idle)
		conn_close(idle);
	return server->stats.n_open < max;
}

/* The cap of the address comes first: who has used it up must not push others out. */
static bool may_enter(struct http_server *server, const struct address *peer)
{
	bool counts = is_counted(server, peer);

	if (counts &&
	    !address_count_in(&server->by_address, peer, server->conf.limits.max_per_address))
		return false;
	if (has_room(server))
		return true;
	if (counts)
		address_count_out(&server->by_address, peer);
	return false;
}

static void welcome(struct listener *listener, int fd, const struct sockaddr *sa)
{
	struct http_server *server = listener->server;
	struct conn_origin origin = { .tag = listener->tag, .is_tls = listener->tls != NULL };
	struct bufferevent *bev;

	address_from_socket(&origin.peer, sa);
	if (!may_enter(server, &origin.peer)) {
		server->stats.n_refused++;
		close(fd);
		return;
	}
	bev = listener->tls ? tls_accept(listener->tls, server->base, fd)
			    : bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		out_of_memory();
	server->stats.n_open++;
	conn_new(server, bev, &origin);
}

static void set_accepting(struct http_server *server, bool accepts)
{
	struct listener *listener;

	SLIST_FOREACH(listener, &server->listeners, link)
		(void)(accepts ? event_add(listener->acceptable, NULL)
			       : event_del(listener->acceptable));
}

static void accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;

	(void)fd;
	(void)what;
	if (!server->is_draining)
		set_accepting(server, true);
}

/* A readable socket that cannot be accepted from would spin the loop. */
static void pause_accepting(struct http_server *server)
{
	static const struct timeval pause = { .tv_usec = ACCEPT_PAUSE_US };

	set_accepting(server, false);
	if (evtimer_add(server->accept_again, &pause) != 0)
		out_of_memory();
}

static void on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS_PER_WAKE; i++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);
		int fd = accept4(listen_fd, (struct sockaddr *)&ss, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			listener->server->stats.n_accepted++;
			welcome(listener, fd, (const struct sockaddr *)&ss);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			pause_accepting(listener->server);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

/* Raises the soft limit as far as needed and allowed; what it does not cover is no connection. */
static int64_t cap_connections(int64_t max_connections)
{
	struct rlimit limit;
	rlim_t want = (rlim_t)max_connections + RESERVE;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
		return max_connections;
	limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* the next line sees what came of it */
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
		return max_connections;
	return limit.rlim_cur > 2 * RESERVE ? (int64_t)limit.rlim_cur - RESERVE
					    : (int64_t)limit.rlim_cur / 2;
}

struct http_server *http_server_new(struct loop *loop, const struct http_server_conf *conf)
{
	struct http_server *server = xcalloc(1, sizeof(*server));

	server->conf = *conf;
	server->conf.limits.max_connections = cap_connections(conf->limits.max_connections);
	server->base = loop_base(loop);
	LIST_INIT(&server->conns);
	SLIST_INIT(&server->listeners);
	SLIST_INIT(&server->spares);
	deadlines_init(&server->deadlines, server->base, &conf->limits);
	server->accept_again = evtimer_new(server->base, accept_again, server);
	if (!server->accept_again)
		out_of_memory();
	return server;
}

bool http_server_listen(struct http_server *server, int fd, struct tls *tls, void *tag)
{
	struct listener *listener = xcalloc(1, sizeof(*listener));
	const int one = 1, unsent_max = UNSENT_MAX;

	/* Inherited by what is accepted; fails on a Unix socket, which does not need it. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, sizeof(unsent_max));
	listener->server = server;
	listener->tls = tls;
	listener->tag = tag;
	listener->acceptable =
		event_new(server->base, fd, EV_READ | EV_PERSIST, on_acceptable, listener);
	if (!listener->acceptable)
		out_of_memory();
	SLIST_INSERT_HEAD(&server->listeners, listener, link);
	return event_add(listener->acceptable, NULL) == 0;
}

void http_server_stats(const struct http_server *server, struct http_stats *out)
{
	*out = server->stats;
}

void http_server_drain(struct http_server *server)
{
	server->is_draining = true;
	set_accepting(server, false);
	deadlines_shorten(&server->deadlines, DEADLINE_IDLE, DRAIN_GRACE_MS);
	deadlines_shorten(&server->deadlines, DEADLINE_FIRST, DRAIN_GRACE_MS);
}

bool http_server_is_idle(const struct http_server *server)
{
	return server->stats.n_open == 0 && server->n_exchanges == 0;
}

void server_release(struct http_server *server)
{
	if (server->is_freed && server->n_exchanges == 0)
		free(server);
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	while (!LIST_EMPTY(&server->conns))
		conn_close(LIST_FIRST(&server->conns));
	while (!SLIST_EMPTY(&server->listeners)) {
		struct listener *listener = SLIST_FIRST(&server->listeners);

		SLIST_REMOVE_HEAD(&server->listeners, link);
		event_free(listener->acceptable);
		free(listener);
	}
	event_free(server->accept_again);
	deadlines_fini(&server->deadlines);
	exchanges_fini(server);
	server->is_freed = true;
	server_release(server);
}
