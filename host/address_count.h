/* SPDX-License-Identifier: Apache-2.0 */
/* How many of something each client address has now; IPv6 by its /64. For one thread. */
#ifndef ADDRESS_COUNT_H
#define ADDRESS_COUNT_H

#include "address.h"

/* Zeroed: nobody has any. Nothing is held once all are counted out. */
struct address_counts {
	void *root; /* see tsearch(3) */
};

/* One more for address; false, and not counted, when it has max already. */
bool address_count_in(struct address_counts *counts, const struct address *address, int64_t max);
/* One less; it must have been counted in. */
void address_count_out(struct address_counts *counts, const struct address *address);

#endif
