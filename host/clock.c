/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

#ifdef PINTLE_TEST
static const _Atomic int64_t *shift;

void clock_set_shift(const _Atomic int64_t *shift_ms)
{
	shift = shift_ms;
}
#endif

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these clocks */
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
	int64_t now = read_us(CLOCK_REALTIME);

#ifdef PINTLE_TEST
	if (shift)
		now += atomic_load_explicit(shift, memory_order_relaxed) * 1000;
#endif
	return now;
}

int64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

void clock_text(int64_t now_ms, char out[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;
	size_t len;

	(void)gmtime_r(&seconds, &tm);
	len = strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out + len, CLOCK_TEXT_MAX - len, ".%03dZ", (int)(now_ms % 1000));
}
