/* SPDX-License-Identifier: Apache-2.0 */
/* The least a server on bufferevents can do: a fixed answer at each end of a head, nothing parsed. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	struct evbuffer_ptr end;

	(void)arg;
	for (;;) {
		end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
		if (end.pos < 0)
			return;
		(void)evbuffer_drain(input, (size_t)end.pos + 4);
		(void)bufferevent_write(bev, answer, sizeof(answer) - 1);
	}
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(bev);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
		      int peer_len, void *arg)
{
	struct bufferevent *bev = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
							 BEV_OPT_CLOSE_ON_FREE);

	(void)peer;
	(void)peer_len;
	(void)arg;
	bufferevent_setcb(bev, on_read, NULL, on_event, NULL);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct event_base *base = event_base_new();

	if (argc != 2 || !base)
		return 1;
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!evconnlistener_new_bind(base, on_accept, NULL,
				     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
				     (struct sockaddr *)&at, sizeof(at))) {
		perror("bev_hello");
		return 1;
	}
	return event_base_dispatch(base) < 0;
}
