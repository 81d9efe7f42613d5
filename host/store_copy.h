/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pintlectl store copy: everything an installation keeps in SQL from one store to another, both sections
 * of conf.d, while no server runs on either. The tables are those of the host's and the loaded plugins'
 * schemas, in the order they are made in, so that foreign keys hold; but not kv_hosts, which says who
 * lives on a store, nor the history of the schema: the target gets its schema from its own steps.
 *
 * First all that can be a reason to refuse is looked at, then rows are written, then both sides are read
 * anew and compared. Ids are kept. What was written before a kill is what the next run begins with.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "trial.h"

#include <stdbool.h>

struct store_copy_order {
	const char *from, *to; /* sections */
	bool is_json;          /* the result on standard output; progress is on standard error */
};

/* [worker] The task of a trial; arg is a struct store_copy_order. */
trial_fn store_copy_run;

#endif
