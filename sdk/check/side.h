/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code is running on this thread: the plugin's or the host's. Memory the plugin's side takes is
 * counted, and refused on request. A thread the checker did not start is the plugin's. [any]
 */
#ifndef SIDE_H
#define SIDE_H

#include <stdbool.h>
#include <stdint.h>

enum side { SIDE_PLUGIN, SIDE_HOST };

/* Returns the side before, to be given back. */
enum side side_enter(enum side side);

/* Blocks the plugin's side holds now, of what it has taken since the start. */
int64_t side_n_blocks(void);
/* From now on the nth allocation (1 is the next) of the plugin's side gets nothing; 0: none. */
void side_refuse(int64_t nth);
/* Whether that allocation has come. */
bool side_has_refused(void);
/* Libraries that do not survive a refused allocation are not refused any. name is lent. */
void side_trust(const char *name);
/* False in builds with a sanitizer, which has the allocator for itself. */
bool side_can_refuse(void);

#endif
