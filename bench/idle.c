/* SPDX-License-Identifier: Apache-2.0 */
/* Opens connections that make one request each and then stay, until its standard input ends. */
#include "client.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PER_ADDRESS 500

static void ask_once(struct client *client, const char *request)
{
	struct pollfd answer = { .fd = client->fd, .events = POLLIN };
	const char *body;
	int status = 0;

	client_send(client, request, strlen(request));
	while (status == 0) {
		if (poll(&answer, 1, 5000) != 1)
			client_die("no answer");
		status = client_read(client, &body);
	}
	if (status != 200)
		client_die("refused");
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	char *request;
	int n;

	if (argc != 5 ||
	    asprintf(&request,
		     "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
		     argv[2], argv[3]) < 0) {
		(void)fprintf(stderr, "usage: idle PORT PATH TOKEN CONNECTIONS\n");
		return 2;
	}
	n = atoi(argv[4]);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	for (int i = 0; i < n; i++) {
		struct client client;

		client_connect(&client, 1 + i / PER_ADDRESS, atoi(argv[1]));
		ask_once(&client, request);
	}
	printf("{\"n\": %d}\n", n);
	(void)fflush(stdout);
	(void)!read(STDIN_FILENO, &limit, 1); /* its end is all that matters */
	return 0;
}
