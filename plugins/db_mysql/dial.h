/* SPDX-License-Identifier: Apache-2.0 */
/* Making connections for the pool, each on a thread of its own. */
#ifndef DIAL_H
#define DIAL_H

#include "pool.h"

/* With the pool's mutex: tries the first n_servers servers in order. What comes of it stands in the
 * pool, which then has changed. False without a thread. */
bool dial_start(struct pool *pool, size_t n_servers);

#endif
