/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the Sentinels who the master is, one after the other. [worker], blocks. */
#ifndef SENTINEL_H
#define SENTINEL_H

#include "base.h"

struct sentinel {
	const struct base *base;
	size_t n, first; /* which to ask first: the one that answered last */
};

void sentinel_init(struct sentinel *sentinel, const struct base *base);
/* UNAVAILABLE with a reason when none of them knows. The address may be a name. */
int32_t sentinel_ask(struct sentinel *sentinel, struct spot *out, char *why, size_t why_len);
/* What the last one said was no good: begins with the next one. */
void sentinel_doubt(struct sentinel *sentinel);

#endif
