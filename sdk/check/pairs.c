/* SPDX-License-Identifier: Apache-2.0 */
#include "pairs.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

void pairs_add(struct pairs *pairs, const char *name, const char *value)
{
	pairs->items = xrealloc(pairs->items, (pairs->n + 1) * sizeof(*pairs->items));
	pairs->items[pairs->n++] = (struct pair){ xstrdup(name), xstrdup(value) };
}

static struct pair *find(const struct pairs *pairs, const char *name)
{
	for (size_t i = pairs->n; i > 0; i--) {
		if (strcmp(pairs->items[i - 1].name, name) == 0)
			return &pairs->items[i - 1];
	}
	return NULL;
}

void pairs_put(struct pairs *pairs, const char *name, const char *value)
{
	struct pair *pair = find(pairs, name);

	if (!pair) {
		pairs_add(pairs, name, value);
		return;
	}
	free(pair->value);
	pair->value = xstrdup(value);
}

const char *pairs_get(const struct pairs *pairs, const char *name)
{
	const struct pair *pair = find(pairs, name);

	return pair ? pair->value : NULL;
}

void pairs_put_all(struct pairs *pairs, const struct pairs *from)
{
	for (size_t i = 0; i < from->n; i++)
		pairs_put(pairs, from->items[i].name, from->items[i].value);
}

void pairs_drop(struct pairs *pairs, const char *name)
{
	struct pair *pair = find(pairs, name);

	if (!pair)
		return;
	free(pair->name);
	free(pair->value);
	*pair = pairs->items[--pairs->n];
}

void pairs_fini(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		free(pairs->items[i].name);
		free(pairs->items[i].value);
	}
	free(pairs->items);
	*pairs = (struct pairs){ 0 };
}
