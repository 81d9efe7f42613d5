/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of a worker and its inbox. Everything of libevent is used from its thread only. */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;

typedef void loop_fn(void *arg);

struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* Runs until loop_stop, and then what has been posted. The calling thread is the loop thread from here on. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);                         /* [any] */
struct event_base *loop_base(struct loop *loop);           /* [loop] */
bool loop_is_here(const struct loop *loop);                /* [any] is this the loop thread? */
void loop_post(struct loop *loop, loop_fn *fn, void *arg); /* [any] runs fn on the loop, in order */
/* [any] Runs fn on the loop after delay_ms. Not cancellable: fn looks whether it is still wanted. */
void loop_after(struct loop *loop, int64_t delay_ms, loop_fn *fn, void *arg);

#endif
