/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which flows this worker has had polled lately: a flood of questions after one flow is nothing to the pool
 * and to the store. [any]
 */
#ifndef POLL_MARKS_H
#define POLL_MARKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define POLL_MARKS 1024

/* Zeroed is empty. */
struct poll_marks {
	_Atomic uint64_t places[POLL_MARKS];
};

/* Whether id has not been marked since rest_ms; then it is now, by the monotonic now_ms. Another id with the
 * same place takes the mark away: then it is marked again too soon, and never too late. */
bool poll_marks_take(struct poll_marks *marks, const char *id, int64_t now_ms, int64_t rest_ms);

#endif
