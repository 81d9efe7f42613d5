/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one worker does for its whole host from time to time, in the background: deleting what is old,
 * burying revoked sessions that are not, and saying that the host is alive. Whoever adds the mark "h:<chore>:<host>" to the key-value store
 * does it; the mark lives until it is due again.
 */
#ifndef CHORES_H
#define CHORES_H

#include "err.h"

struct chores;
struct host;

/* Lends from host; NULL and a reason when the state folder refuses. */
struct chores *chores_new(const struct host *host, struct err *err);
void chores_tick(struct chores *chores); /* [loop] Often; starts what may be due. */
void chores_stop(struct chores *chores); /* [any] Nothing starts, and what runs ends soon. */
/* [main] After the pool's jobs have ended, when the whole host stops. */
void chores_leave(struct chores *chores);
void chores_free(struct chores *chores); /* After the pool's jobs have ended. */

#endif
