/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks. [any] Wall time is for what is stored, monotonic time for how long to wait. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

int64_t clock_now_ms(void);
int64_t clock_now_us(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
/* 2026-11-20T18:00:00.123Z */
#define CLOCK_TEXT_MAX 32
void clock_text(int64_t now_ms, char out[CLOCK_TEXT_MAX]);

#ifdef PINTLE_TEST
/* Wall time is moved by *shift_ms, read at each call; shared by all workers of a test build. */
void clock_set_shift(const _Atomic int64_t *shift_ms);
#endif

#endif
