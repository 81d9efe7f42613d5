/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a browser that pages of this server use: an HttpOnly cookie with the session's id and a
 * MAC, good as long as the session is. A request that changes something counts it only when a page of
 * our own sent it, so that no other site can act in somebody's name (RFC 6265bis; __Host- over TLS).
 */
#ifndef COOKIE_H
#define COOKIE_H

#include "session.h"
#include "settings.h"

#include <stdbool.h>

struct request;

struct cookie_rules {
	const char *name;
	bool is_secure;
	bool is_allowed; /* false: it would cross a network in the clear */
};

enum cookie_verdict {
	COOKIE_NONE,      /* none, or none of ours */
	COOKIE_OK,        /* sid_out is the session it names, which may be over */
	COOKIE_CROSS_SITE /* one of ours, on a request that no page of ours has sent */
};

void cookie_rules_make(struct cookie_rules *rules, const struct settings *settings);
/* [any] */
enum cookie_verdict cookie_read(const struct request *request, char sid_out[SESSION_ID_MAX]);
/* [worker] Whether a sign-in asks for a cookie ("cookie": true) instead of tokens. False: it may not have
 * one, and is answered. */
bool cookie_read_wish(struct request *request, bool *wanted_out);
/* [worker] Adds it to the answer; and takes it back. */
void cookie_set(struct request *request, const struct session *session);
void cookie_clear(struct request *request);

/* The services remember and remembered: one text an instance, in a cookie of its own. [any] Whether text
 * can be one. */
#define COOKIE_TEXT_MAX 128
bool cookie_is_text(const char *text, size_t len);
/* [worker] */
void cookie_remember(struct request *request, const char *instance, const char *text);
/* [worker] In arena, which is none of the request's while an op runs; NULL. */
const char *cookie_remembered(struct arena *arena, const struct request *request,
			      const char *instance);

#endif
