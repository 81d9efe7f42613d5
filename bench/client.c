/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t client_now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

double client_cpu_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void client_die(const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

void client_connect(struct client *client, int host, int port)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = from;
	const int one = 1;

	from.sin_addr.s_addr = htonl(0x7f000000u | (uint32_t)host);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	client->len = 0;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || bind(client->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(client->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		client_die("connect");
	(void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)fcntl(client->fd, F_SETFL, O_NONBLOCK);
}

void client_send(struct client *client, const char *request, size_t len)
{
	if (send(client->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		client_die("send");
}

int client_read(struct client *client, const char **body_out)
{
	size_t room = sizeof(client->bytes) - 1 - client->len, whole;
	ssize_t n = recv(client->fd, client->bytes + client->len, room, 0);
	const char *end, *length;

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		client_die("the server hung up");
	client->len += (size_t)n;
	client->bytes[client->len] = '\0';
	end = strstr(client->bytes, "\r\n\r\n");
	length = strcasestr(client->bytes, "content-length:");
	if (!end || !length)
		return 0;
	whole = (size_t)(end + 4 - client->bytes) + strtoul(length + 15, NULL, 10);
	if (client->len < whole)
		return 0;
	client->len = 0;
	*body_out = end + 4;
	return atoi(client->bytes + sizeof("HTTP/1.1 ") - 1);
}
