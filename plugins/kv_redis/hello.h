/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is settled with a server before it is used: who we are, that it is a master of a release we know,
 * which epoch it is in, and the scripts. A server that does not do loses the connection, with the reason.
 *
 * An epoch is one uninterrupted life of the records. A fresh one begins when the process is another one
 * (its run id), and when a replica was promoted in between (the replication id changes, with the former
 * one remembered): what a replica lagged behind, and what returns with an old master, is never seen. The
 * epoch stands in the store itself, so that all workers agree, and each op looks at it.
 */
#ifndef HELLO_H
#define HELLO_H

#include "command.h"
#include "conn.h"

struct hello {
	const struct base *base;
	struct conn *conn;
	void (*done)(void *owner);
	void *owner;
	/* Good when done is called. */
	char epoch[EPOCH_LEN + 1];
	char version[24];
	struct shas shas;
	size_t script;   /* whose answer is awaited */
	bool has_warned; /* about a setting of the server */
};

/* Who we are and which database; for the connection that only listens, too. */
bool hello_log_in(struct conn *conn);
/* On a connection just opened. False: it could not even be asked. */
bool hello_begin(struct hello *hello);

#endif
