/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a, for places of names and ids that nobody chooses to meet. [any] */
#ifndef FNV_H
#define FNV_H

#include <stdint.h>

#define FNV_NOTHING UINT64_C(14695981039346656037)

/* The hash of text behind what hash is of. */
static inline uint64_t fnv_add(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash;
}

#endif
