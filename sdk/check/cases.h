/* SPDX-License-Identifier: Apache-2.0 */
/* A file of cases: each a short story of one plugin, told in steps. README.md has the format. */
#ifndef CASES_H
#define CASES_H

#include "err.h"
#include "pairs.h"

#include <stdbool.h>
#include <stdint.h>

enum step_kind {
	STEP_ACCOUNT, /* words: name, namespace, subject */
	STEP_USER,    /* words: name of an account */
	STEP_HTTP,    /* words: HTTP status or the word of a fault; rest: body */
	STEP_PROVE,   /* words: namespace, subject; or the word of a status */
	STEP_SQL,     /* rest: one statement */
	STEP_CLOCK,   /* words: a duration */
	STEP_MAX_AGE, /* words: a duration */
	STEP_CALL     /* words: an op and what it needs */
};

#define STEP_WORDS 3

struct step {
	enum step_kind kind;
	int line;
	char *words[STEP_WORDS];
	char *rest; /* of the line after its first word */
	/* STEP_CALL */
	struct pairs fields, expected; /* a value to be matched by a pattern has a '~' before it */
	bool has_status;
	int32_t status;
	struct pairs survived; /* service: "*" or its number among those of its name */
};

struct play {
	char *title;
	int line;
	struct pairs conf;
	struct step *steps;
	size_t n_steps;
};

struct cases {
	struct pairs conf;    /* of every case */
	struct pairs trusted; /* libraries; the value means nothing */
	struct play *plays;
	size_t n_plays;
};

bool cases_read(struct cases *cases, const char *path, struct err *err);
void cases_fini(struct cases *cases);

#endif
