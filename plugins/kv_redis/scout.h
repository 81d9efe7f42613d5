/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the master is. An address in numbers and a Unix socket need no search; names and Sentinels are
 * asked on a worker thread, for both take as long as they like.
 */
#ifndef SCOUT_H
#define SCOUT_H

#include "sentinel.h"

#include <pthread.h>

#define SCOUT_MAX_SPOTS 4

/* What was found: several where a name has several addresses. */
struct scouted {
	struct spot spots[SCOUT_MAX_SPOTS];
	size_t n; /* 0: none, and why not */
	char why[REASON_MAX];
};

typedef void scout_found(void *owner, const struct scouted *scouted);

struct scout {
	const struct base *base;
	scout_found *found;
	void *owner;
	struct spot spot;         /* of the options */
	struct sentinel sentinel; /* [worker] from here on */
	int64_t asked_ms;
	_Atomic bool is_wanted, is_doubted;

	pthread_mutex_t mutex; /* guards what follows */
	struct scouted scouted;
};

/* found is called on the loop with what was asked for, and from time to time with what the Sentinels say
 * unasked. From open(); a status. */
int32_t scout_init(struct scout *scout, const struct base *base, scout_found *found, void *owner);
void scout_fini(struct scout *scout);
/* [loop] Asks for where the master is. is_doubted: what was said last was wrong. */
void scout_want(struct scout *scout, bool is_doubted);
bool scout_has_sentinels(const struct scout *scout);

#endif
