/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ops as Lua that the server runs, each one atomic step. A script's first key is that of the epoch
 * and its first argument the epoch the caller knows: in another one it does nothing and says so. The
 * answer is a word and, each as far as the op has it, value, number and remaining life.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <pintle/store.h>

#define SCRIPT_N (PINTLE_KV_LIMIT + 1) /* by the number of the op; some have none and are NULL */

/* Counters beyond it are no longer exact as numbers of Lua. */
#define SCRIPT_NUMBER_MAX (INT64_C(1) << 53)

extern const char *const script_texts[SCRIPT_N];
/* Settles the epoch; see hello.h. */
extern const char script_epoch[];

#endif
