/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that share the SQL store must share the key-value store too: with two of these, what is good
 * once would be good twice. And they must share their keys: what one host signs or seals, the others
 * read. The store holds a random token, and each host says once a minute in SQL which token it sees,
 * which master makes its keyed hashes, and which key signs its tokens. Rows "h:..." of the store are
 * this module's and those of chores.h.
 */
#ifndef NEIGHBOURS_H
#define NEIGHBOURS_H

#include "db.h"
#include "err.h"
#include "keyring.h"
#include "kv.h"
#include "rng.h"
#include "seal.h"

struct neighbours {
	const struct db *db;
	const struct kv *kv;
	const struct keyring *keyring;
	char keys_print[2 * SEAL_MAC_LEN + 1];
	char host_id[RNG_ID_LEN + 1];
};

/* The caller fills db, kv and keyring. Who this host is: a random id in its state folder, made when
 * missing. */
bool neighbours_init(struct neighbours *self, const struct seal *seal, const char *state_dir,
		     struct err *err);
/* [worker] At start, after the schema is there: false, and why, beside a host with another store or
 * other keys. */
bool neighbours_join(const struct neighbours *self, struct err *err);
/* [worker] False, and why, while another host lives on db. Only db need be filled. */
bool neighbours_alone(const struct neighbours *self, struct err *err);
/* [worker] Once a minute, and as soon as the store has lost its memory: says that this host is alive,
 * then as above. */
bool neighbours_renew(const struct neighbours *self, struct err *err);
/* This host stops: it is nobody's neighbour any more. What cannot be said ages by itself. */
void neighbours_leave(const struct neighbours *self);

#endif
