/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a Redis. What is asked in one turn of the loop goes out in one write at its end, and
 * answers come in the order asked, each within its time or the connection is dead. hiredis connects,
 * buffers and parses; its asynchronous layer is left out, for it knows no time-outs and takes memory for
 * each command. [loop] all.
 */
#ifndef CONN_H
#define CONN_H

#include "base.h"

/* The answer is lent; NULL: the connection died, and whether it happened is not known. */
typedef void conn_answer(void *ctx, const redisReply *answer);
typedef void conn_ended(void *owner, const char *why);
typedef void conn_sending(void *owner);

struct conn_asked {
	conn_answer *fn;
	void *ctx;
	int64_t until_ms;
};

/* Zeroed is closed. */
struct conn {
	const struct base *base;
	conn_ended *ended;
	conn_answer *push; /* NULL: messages are not expected */
	conn_sending
		*sending; /* called before each write, for what is to go along; NULL: nothing is */
	void *owner;
	redisContext *redis; /* NULL: closed */
	bool is_connected, is_flush_due, is_write_armed;
	bool is_silent; /* it ends, or has ended, for want of an answer */
	int64_t connect_until_ms;
	struct conn_asked *asked; /* a ring of size places */
	size_t first, n_asked, size;
	uint64_t n_given; /* answers and messages */
};

/* ended is called when the connection dies, before what was asked gets its NULL; push with each message
 * of a channel. Both get owner. False: no memory. */
bool conn_init(struct conn *conn, const struct base *base, size_t size, conn_ended *ended,
	       conn_answer *push, void *owner);
/* What was asked gets its NULL; ended is not called. */
void conn_fini(struct conn *conn);
/* Begins to connect; commands may be asked at once. False with a reason. */
bool conn_open(struct conn *conn, const struct spot *spot, char *why, size_t why_len);
bool conn_is_open(const struct conn *conn);
/* Whether no more ops should be taken; a few commands still find room. */
bool conn_is_full(const struct conn *conn);
/* command is in the wire's format. False when the connection is closed, or there is no room or memory. */
bool conn_ask(struct conn *conn, const char *command, size_t len, conn_answer *fn, void *ctx);
/* The same for words in their places. */
bool conn_ask_words(struct conn *conn, const char *const *words, size_t n_words, conn_answer *fn,
		    void *ctx);
void conn_end(struct conn *conn, const char *why);
/* Ends the connection when something is overdue. */
void conn_look_at_clock(struct conn *conn);

#endif
