/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, timers and recurring work of plugins, on the loop and the pool of their worker. */
#ifndef WATCH_H
#define WATCH_H

#include <pintle/host.h>

/* The services watch, timer and every of host.h. */
int32_t watch_fd(struct pintle_inst *inst, int fd, uint32_t events, pintle_fd_cb *cb, void *arg);
int32_t watch_timer(struct pintle_inst *inst, int64_t delay_ms, pintle_timer_cb *cb, void *arg);
int32_t watch_every(struct pintle_inst *inst, int64_t interval_ms, pintle_timer_cb *cb, void *arg);
/* [main] Ends all of them; after the loop has stopped and the pool is drained. */
void watch_fini(void);

#endif
