/* SPDX-License-Identifier: Apache-2.0 */
/* Which generation serves, which one is coming, and which are leaving. The supervisor's, single-threaded. */
#ifndef SUCCESSION_H
#define SUCCESSION_H

#include "crew.h"

struct succession {
	struct crew crew;
	struct generation *all; /* the newest first */
	struct generation *current, *starting;
	bool has_failed; /* the first generation could not serve, see err */
	struct err err;
};

/* A new generation from a snapshot, which is taken over; it replaces the current one once all its workers
 * serve. */
bool succession_begin(struct succession *s, struct snapshot *snapshot, struct err *err);
/* The starting one cannot serve. */
void succession_fail(struct succession *s, const struct err *err);
/* Reads what the worker of a slot says about its start. */
void succession_hear(struct succession *s, int slot);
/* Makes what runs what should run. */
void succession_tend(struct succession *s);
/* All leave. */
void succession_end(struct succession *s);
size_t succession_n_leaving(const struct succession *s);
/* Nothing will change by itself. */
bool succession_is_calm(const struct succession *s);
/* For everybody to see, in the board and the log. */
void succession_note_reload(struct succession *s, bool is_good, const char *text);
/* Frees every generation but own, which may be NULL. */
void succession_free_others(struct succession *s, const struct generation *own);

#endif
