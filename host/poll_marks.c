/* SPDX-License-Identifier: Apache-2.0 */
#include "poll_marks.h"

#include "fnv.h"

#define TIME_BITS 40 /* 34 years of milliseconds; the others tell the ids of one place apart */
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

bool poll_marks_take(struct poll_marks *marks, const char *id, int64_t now_ms, int64_t rest_ms)
{
	uint64_t hash = fnv_add(FNV_NOTHING, id),
		 mark = (hash & ~TIME_MASK) | ((uint64_t)now_ms & TIME_MASK);
	_Atomic uint64_t *place = &marks->places[hash % POLL_MARKS];
	uint64_t last = atomic_load(place);

	if ((last & ~TIME_MASK) == (mark & ~TIME_MASK) &&
	    (mark & TIME_MASK) - (last & TIME_MASK) < (uint64_t)rest_ms)
		return false;
	return atomic_compare_exchange_strong(place, &last, mark);
}
