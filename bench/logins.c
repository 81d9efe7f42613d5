/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign-in by code, begin and verify, over keep-alive connections, each with a new number. The codes come
 * as datagrams from probe_sms. Access tokens go to TOKENS, one a line.
 */
#include "client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CLIENTS 256
#define ID_MAX 64
#define STALL_MS 10000

struct visitor {
	struct client client;
	char flow[ID_MAX]; /* empty: not begun yet */
	char code[16];     /* empty: not come yet */
	bool verifies;
};

static struct visitor visitors[MAX_CLIENTS];
static long first_number, n_begun, n_done, n_wanted;
static long number_of[MAX_CLIENTS];
static int n_visitors;
static FILE *tokens;

static void post(struct visitor *visitor, const char *path, const char *body)
{
	char text[1024];
	int len =
		snprintf(text, sizeof(text),
			 "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 path, strlen(body), body);

	client_send(&visitor->client, text, (size_t)len);
}

/* Copies the text member of a JSON answer of ours, which has no escapes in these. */
static void member(const char *json, const char *name, char *out, size_t size)
{
	char key[32];
	const char *at;

	(void)snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(json, key);
	if (!at || strcspn(at + strlen(key), "\"") >= size) {
		(void)fprintf(stderr, "no %s in %s\n", name, json);
		exit(1);
	}
	at += strlen(key);
	(void)snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void begin(int i)
{
	struct visitor *visitor = &visitors[i];
	char body[64];

	if (n_begun == n_wanted)
		return;
	visitor->flow[0] = visitor->code[0] = '\0';
	visitor->verifies = false;
	number_of[i] = first_number + n_begun++;
	(void)snprintf(body, sizeof(body), "{\"phone\":\"+8613%09ld\"}", number_of[i]);
	post(visitor, "/api/v1/auth/phone_sms/begin", body);
}

static void verify_when_both(struct visitor *visitor)
{
	char body[256];

	if (visitor->verifies || !visitor->flow[0] || !visitor->code[0])
		return;
	visitor->verifies = true;
	(void)snprintf(body, sizeof(body), "{\"flow_id\":\"%s\",\"code\":\"%s\"}", visitor->flow,
		       visitor->code);
	post(visitor, "/api/v1/auth/phone_sms/verify", body);
}

static void take_answer(int i)
{
	struct visitor *visitor = &visitors[i];
	const char *body;
	char token[4096];
	int status = client_read(&visitor->client, &body);

	if (status == 0)
		return;
	if (status != 200) {
		(void)fprintf(stderr, "%d %s\n", status, body);
		exit(1);
	}
	if (!visitor->verifies) {
		member(body, "flow_id", visitor->flow, sizeof(visitor->flow));
		verify_when_both(visitor);
		return;
	}
	member(body, "access_token", token, sizeof(token));
	(void)fprintf(tokens, "%s\n", token);
	n_done++;
	begin(i);
}

static void take_code(int fd)
{
	char text[64], code[16];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
	long number;

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "+8613%ld %15s", &number, code) != 2)
		return;
	for (int i = 0; i < n_visitors; i++) {
		if (number_of[i] != number)
			continue;
		memcpy(visitors[i].code, code, sizeof(code));
		verify_when_both(&visitors[i]);
	}
}

static int listen_for_codes(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path); /* of the run before */
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		client_die(path);
	return fd;
}

static void watch(int epoll, int fd, int index)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)index };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		client_die("epoll");
}

static void run(int epoll, int codes)
{
	struct epoll_event events[64];

	while (n_done < n_wanted) {
		int n = epoll_wait(epoll, events, 64, STALL_MS);

		if (n <= 0)
			client_die("stalled");
		for (int i = 0; i < n; i++) {
			int index = (int)events[i].data.u32;

			if (index == MAX_CLIENTS)
				take_code(codes);
			else
				take_answer(index);
		}
	}
}

int main(int argc, char **argv)
{
	int64_t began_us;
	int epoll, codes;

	if (argc != 7) {
		(void)fprintf(stderr,
			      "usage: logins PORT SOCKET FIRST_NUMBER N CONNECTIONS TOKENS\n");
		return 2;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	codes = listen_for_codes(argv[2]);
	watch(epoll, codes, MAX_CLIENTS);
	first_number = atol(argv[3]);
	n_wanted = atol(argv[4]);
	n_visitors = atoi(argv[5]) < MAX_CLIENTS ? atoi(argv[5]) : MAX_CLIENTS;
	tokens = fopen(argv[6], "we");
	if (!tokens)
		client_die(argv[6]);
	began_us = client_now_us();
	for (int i = 0; i < n_visitors; i++) {
		client_connect(&visitors[i].client, 1, atoi(argv[1]));
		watch(epoll, visitors[i].client.fd, i);
		begin(i);
	}
	run(epoll, codes);
	printf("{\"n\": %ld, \"seconds\": %.4f}\n", n_done,
	       (double)(client_now_us() - began_us) / 1e6);
	return fclose(tokens) != 0;
}
