/* SPDX-License-Identifier: Apache-2.0 */
/* What libevent's own HTTP server does with nothing behind it: the anchor of the HTTP rows. */
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>

static void hello(struct evhttp_request *request, void *arg)
{
	(void)arg;
	evhttp_send_reply(request, 200, "OK", NULL);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;

	if (argc != 2 || !http ||
	    evhttp_bind_socket(http, "127.0.0.1", (ev_uint16_t)atoi(argv[1])) != 0) {
		(void)fprintf(stderr, "usage: evhttp_hello PORT\n");
		return 1;
	}
	evhttp_set_gencb(http, hello, NULL);
	return event_base_dispatch(base) < 0;
}
