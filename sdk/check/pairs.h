/* SPDX-License-Identifier: Apache-2.0 */
/* Names with values, in order: fields of a request, what an op said, what a case expects. */
#ifndef PAIRS_H
#define PAIRS_H

#include <stddef.h>

struct pair {
	char *name, *value;
};

/* Zeroed is empty. */
struct pairs {
	struct pair *items;
	size_t n;
};

/* Both copied; a name may stand more than once. */
void pairs_add(struct pairs *pairs, const char *name, const char *value);
/* The value of an earlier name is replaced. */
void pairs_put(struct pairs *pairs, const char *name, const char *value);
/* The last of that name; NULL. */
const char *pairs_get(const struct pairs *pairs, const char *name);
/* Each of from as pairs_put does it. */
void pairs_put_all(struct pairs *pairs, const struct pairs *from);
/* Forgets a name; none of it is fine. */
void pairs_drop(struct pairs *pairs, const char *name);
void pairs_fini(struct pairs *pairs);

#endif
