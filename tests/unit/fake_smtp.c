/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_smtp.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whether fd has something to read before the test wants an end. */
static bool has_more(struct fake_smtp *fake, int fd)
{
	struct pollfd fds[] = { { fd, POLLIN, 0 }, { fake->quit[0], POLLIN, 0 } };

	return poll(fds, 2, -1) > 0 && fds[1].revents == 0;
}

/* The next line, kept among those heard; NULL when there is no other. */
static const char *hear(struct fake_smtp *fake, int fd)
{
	char *line = fake->heard + fake->len;

	while (fake->len + 1 < sizeof(fake->heard)) {
		if (!has_more(fake, fd) || read(fd, fake->heard + fake->len, 1) != 1)
			return NULL;
		if (fake->heard[fake->len++] == '\n')
			return line;
	}
	return NULL;
}

static const char *usual(const char *command)
{
	if (strncmp(command, "EHLO", 4) == 0)
		return "250-fake\r\n250 SIZE 1000000";
	if (strncmp(command, "DATA", 4) == 0)
		return "354 go on";
	return strcmp(command, "greeting") == 0 ? "220 fake" : "250 2.0.0 fine";
}

/* False when the conversation is over. */
static bool answer(struct fake_smtp *fake, int fd, const char *command)
{
	bool is_it = strncmp(command, fake->at, strlen(fake->at)) == 0;
	const char *reply = is_it ? fake->reply : usual(command);

	if (strcmp(reply, FAKE_SMTP_CLOSE) == 0)
		return false;
	if (strcmp(reply, FAKE_SMTP_SILENCE) == 0) {
		while (has_more(fake, fd) && hear(fake, fd))
			;
		return false;
	}
	(void)dprintf(fd, "%s\r\n", reply);
	return strncmp(command, "QUIT", 4) != 0;
}

static void converse(struct fake_smtp *fake, int fd)
{
	bool is_mail = false;
	const char *line;

	if (!answer(fake, fd, "greeting"))
		return;
	while ((line = hear(fake, fd))) {
		if (is_mail && strcmp(line, ".\r\n") != 0)
			continue;
		if (!answer(fake, fd, line))
			return;
		is_mail = !is_mail && strncmp(line, "DATA", 4) == 0 &&
			  strncmp(fake->at, "DATA", 4) != 0;
	}
}

static void *run(void *arg)
{
	struct fake_smtp *fake = arg;
	int fd;

	if (!has_more(fake, fake->listener))
		return NULL;
	fd = accept(fake->listener, NULL, NULL);
	if (fd >= 0) {
		converse(fake, fd);
		(void)close(fd);
	}
	return NULL;
}

void fake_smtp_start(struct fake_smtp *fake)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int rc;

	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = bind(fake->listener, (struct sockaddr *)&address, sizeof(address));
	assert(rc == 0);
	rc = listen(fake->listener, 1);
	assert(rc == 0);
	rc = getsockname(fake->listener, (struct sockaddr *)&address, &len);
	assert(rc == 0);
	fake->port = ntohs(address.sin_port);
	rc = pipe(fake->quit);
	assert(rc == 0);
	rc = pthread_create(&fake->thread, NULL, run, fake);
	assert(rc == 0);
}

void fake_smtp_stop(struct fake_smtp *fake)
{
	(void)close(fake->quit[1]); /* which makes the other end readable */
	(void)pthread_join(fake->thread, NULL);
	(void)close(fake->quit[0]);
	(void)close(fake->listener);
}
