/* SPDX-License-Identifier: Apache-2.0 */
/* Who uses the environment: a file that each user keeps locked, and that only one alone may act on. */
#ifndef GUARD_H
#define GUARD_H

#include "env.h"

#define GUARD_BOOT_MAX 40

/* The id of this boot of the machine; false when the kernel does not tell. */
bool guard_boot(char out[GUARD_BOOT_MAX]);
/* Makes the folder, and locks. Alone, the caller keeps others out until guard_share. */
bool guard_enter(struct env *env, bool *is_alone_out, bool *has_to_renew_out);
bool guard_share(struct env *env);
void guard_leave(struct env *env);
/* Alone only: removes the environment's files. */
void guard_wipe(struct env *env);
/* While the mark is set, the next one alone makes the environment anew. */
void guard_mark(struct env *env);
void guard_unmark(struct env *env);

#endif
