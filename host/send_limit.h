/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of messages, which cost money and annoy people: budgets of whom they go to and who causes
 * them, and a watch on codes that nobody enters. A notice has a budget of its own of whom it goes to,
 * and shares those of countries and of all: these are the bound of what all can cost. Each message
 * that carries a code adds one to what is missing from its country, its block of numbers and its
 * client's network, each code that is entered takes several away again; who is missing too many gets
 * no more until the window ends, codes are entered or an operator lifts it. [worker]
 */
#ifndef SEND_LIMIT_H
#define SEND_LIMIT_H

#include "limit.h"

#define SEND_WHAT_MAX 80

enum send_kind {
	SEND_CODE,   /* which may be missing */
	SEND_OTHER,  /* by an op that is no begin */
	SEND_NOTICE, /* of what was done, which nobody may keep from coming by asking for codes */
};

/* A message before it is sent. */
struct send {
	const char *to; /* canonical */
	const struct address *client;
	const char *device; /* what the client calls its device, or NULL */
	enum send_kind kind;
};

/* An operator should know: a budget is spent, or codes are not entered. */
struct send_alarm {
	bool is_first;   /* since this began; the others are many */
	bool is_missing; /* codes, else a budget */
	/* "country:852", "numbers:+85250000", "network:192.0.2.0/24", "all" */
	char what[SEND_WHAT_MAX];
};

/* OK, LIMITED with *hit and *alarm filled, or a fault. */
int32_t send_limit_count(const struct limits *limits, struct arena *arena, const struct send *send,
			 int64_t deadline_ms, struct limit_hit *hit, struct send_alarm *alarm);
/* A message that goes nowhere and costs nothing: its target, address and device are counted. */
int32_t send_limit_count_free(const struct limits *limits, struct arena *arena,
			      const struct send *send, int64_t deadline_ms, struct limit_hit *hit);
/* A code that went to the target, asked for in that network, was entered: counted once the list is done. */
void send_limit_entered(const struct limits *limits, struct kv_list *list, const char *to,
			const char *network);
/* A notice was lost: it is not counted for its target, or one who has it lost in vain would keep the next
 * one from coming. */
int32_t send_limit_lost_notice(const struct limits *limits, struct arena *arena, const char *to,
			       int64_t deadline_ms);
/* Another message was lost: its target need not wait for another, and its code, asked for in that
 * network (empty: it was none), is not missing; hour and day stay counted. */
int32_t send_limit_lost(const struct limits *limits, struct arena *arena, const char *to,
			const char *network, int64_t deadline_ms);
/* Messages to what an alarm named are sent again, and counted from nothing. NOT_FOUND when nothing is
 * counted for it; INVALID when it is none of these. */
int32_t send_limit_lift(const struct limits *limits, struct arena *arena, const char *what,
			int64_t deadline_ms);
/* Whether messages to the country of a canonical phone number are allowed; an address has none. */
bool send_limit_country_ok(const struct limit_settings *settings, const char *to);

#endif
