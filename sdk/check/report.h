/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages and what they find. Each stage runs in a process of its own, so that a plugin that crashes,
 * hangs or exits fails one rule and not the run. One line a rule goes to standard output.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

typedef void report_stage_fn(void *ctx);

struct report_stage {
	const char *rule, *title;
	report_stage_fn *fn;
	int limit_s; /* a stage that takes longer hangs; 0: the usual */
};

/* Rules that any stage may break; each gets its ok line at the end when none did. */
struct report_watched {
	const char *rule, *title;
};

void report_run(const struct report_stage *stage, void *ctx);
/* The closing lines; the exit status. */
int report_end(const struct report_watched *watched, size_t n_watched);
/* Whether a rule has failed so far. */
bool report_has_failed(const char *rule);

/* ---- Inside a stage; [any] thread ---- */

/* A rule is broken; said once for each rule and text, a few times at most for one rule. */
void report_fail(const char *rule, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A rule of several in this stage is kept. */
void report_ok(const char *rule, const char *title);
/* The stage does not apply; ends it. */
_Noreturn void report_skip(const char *why);
/* What is going on, for the line about a crash. */
void report_at(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Ends the stage from a signal handler: the text is one line with its rule. */
_Noreturn void report_die(const char *rule, const char *text);
size_t report_n_failed(void);

#endif
