/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail server on loopback for what no real one does on request: it takes one conversation and answers
 * as told.
 */
#ifndef FAKE_SMTP_H
#define FAKE_SMTP_H

#include <pthread.h>
#include <stddef.h>

#define FAKE_SMTP_HEARD_MAX 8192

/* A reply that is none. */
#define FAKE_SMTP_SILENCE "silence" /* the conversation is left open */
#define FAKE_SMTP_CLOSE "close"

struct fake_smtp {
	/* At which command another reply than the usual one is given; "." is the end of the mail. */
	const char *at, *reply;
	char heard[FAKE_SMTP_HEARD_MAX]; /* all lines; may be read after stop */
	size_t len;
	int port;
	int listener, quit[2];
	pthread_t thread;
};

/* at and reply must be set; the rest is zero. */
void fake_smtp_start(struct fake_smtp *fake);
void fake_smtp_stop(struct fake_smtp *fake);

#endif
