/* SPDX-License-Identifier: Apache-2.0 */
#include "address_count.h"

#include "xalloc.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>

struct count {
	struct address group; /* first: the key */
	int64_t n;
};

static int compare_groups(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

bool address_count_in(struct address_counts *counts, const struct address *address, int64_t max)
{
	struct address group;
	struct count *count, **found;

	address_group(address, &group);
	found = tfind(&group, &counts->root, compare_groups);
	if (found) {
		if ((*found)->n >= max)
			return false;
		(*found)->n++;
		return true;
	}
	count = xcalloc(1, sizeof(*count));
	*count = (struct count){ .group = group, .n = 1 };
	if (!tsearch(count, &counts->root, compare_groups))
		out_of_memory();
	return true;
}

void address_count_out(struct address_counts *counts, const struct address *address)
{
	struct address group;
	struct count *count, **found;

	address_group(address, &group);
	found = tfind(&group, &counts->root, compare_groups);
	assert(found);
	count = *found;
	if (--count->n > 0)
		return;
	(void)tdelete(count, &counts->root, compare_groups);
	free(count);
}
