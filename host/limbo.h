/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of calls that ever went PENDING: emptied, they rest here before they are freed, so that a
 * second done() finds a state that says so instead of freed memory.
 */
#ifndef LIMBO_H
#define LIMBO_H

struct pintle_call;

/* [any] Takes call over, which is empty; the oldest of too many is freed. */
void limbo_take(struct pintle_call *call);
/* [any] A done() has come for a call that is over. */
void limbo_note_late(const struct pintle_call *call);
/* [main] No plugin calls any of them any more. */
void limbo_free_all(void);

#endif
