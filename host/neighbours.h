/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that share the SQL store must share the key-value store too: with two of these, what is good
 * once would be good twice. The store holds a random token, and each host says once a minute in SQL
 * which token it sees. Rows "h:..." of the store are this module's and those of chores.h.
 */
#ifndef NEIGHBOURS_H
#define NEIGHBOURS_H

#include "db.h"
#include "err.h"
#include "kv.h"
#include "rng.h"

struct neighbours {
	const struct db *db;
	const struct kv *kv;
	char host_id[RNG_ID_LEN + 1];
};

/* Who this host is: a random id in its state folder, made when missing. */
bool neighbours_init(struct neighbours *self, const struct db *db, const struct kv *kv,
		     const char *state_dir, struct err *err);
/* [worker] At start, after the schema is there: false, and why, beside a host with another store. */
bool neighbours_join(const struct neighbours *self, struct err *err);
/* [worker] Once a minute: says that this host is alive, then as above. */
bool neighbours_renew(const struct neighbours *self, struct err *err);

#endif
