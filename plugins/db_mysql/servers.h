/* SPDX-License-Identifier: Apache-2.0 */
/* The servers of the option host, in order of preference, and which of them to leave alone for now. */
#ifndef SERVERS_H
#define SERVERS_H

#include "site.h"

#define SERVERS_MAX 16
#define SERVER_NAME_MAX 256

struct server {
	char name[SERVER_NAME_MAX];
	unsigned port;
	int64_t bad_at_ms;   /* when it last did not answer, or not as it should */
	int64_t unfit_at_ms; /* when it last answered that it cannot do our work; 0: never */
	bool is_bad;         /* ... and has not been found good since */
	bool is_warned;      /* of settings that lose commits */
};

struct servers {
	struct site *site;
	size_t n;
	pthread_mutex_t mutex; /* guards what follows, but names and ports */
	struct server list[SERVERS_MAX];
};

/* hosts is NULL-terminated; a reason in err. */
bool servers_init(struct servers *servers, struct site *site, const char *const *hosts, char *err,
		  size_t err_len);
void servers_fini(struct servers *servers);
/* Whether to try this one at all: one that was bad just now is left alone. */
bool servers_may_try(struct servers *servers, size_t i);
void servers_mark(struct servers *servers, size_t i, bool is_good);
/* Bad, and so are the connections to it that are open. */
void servers_mark_unfit(struct servers *servers, size_t i);
/* Whether server i was found unfit after a connection to it was opened. */
bool servers_is_outdated(struct servers *servers, size_t i, int64_t opened_ms);
/* True once for each server. */
bool servers_shall_warn(struct servers *servers, size_t i);

#endif
