/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of the checker: whoever waits for a plugin runs it, one thread at a time. */
#ifndef FAKE_LOOP_H
#define FAKE_LOOP_H

#include <pintle/host.h>
#include <stdbool.h>

/* The services of the same names. */
int32_t fake_loop_watch(struct pintle_inst *inst, int fd, uint32_t events, pintle_fd_cb *cb,
			void *arg);
int32_t fake_loop_timer(struct pintle_inst *inst, int64_t delay_ms, pintle_timer_cb *cb, void *arg);
int32_t fake_loop_every(struct pintle_inst *inst, int64_t interval_ms, pintle_timer_cb *cb,
			void *arg);

/* From now on registering number nth of a watch or recurring work answers UNAVAILABLE; 0: none. */
void fake_loop_refuse(int nth);
bool fake_loop_has_refused(void);
/* Runs what is ready, waiting up to wait_ms for it; whether anything was. */
bool fake_loop_turn(int wait_ms);
/* Runs each recurring work of inst once. */
void fake_loop_tick(struct pintle_inst *inst);
/* Forgets the recurring work and the timers of inst: it is closed. A watch left is the answer. */
int fake_loop_forget(struct pintle_inst *inst);

#endif
