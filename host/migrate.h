/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema steps: numbered files per dialect, applied once in order under a lock, recorded with a
 * checksum. A step whose text changed after it was applied, or a step this build does not know, refuses.
 */
#ifndef MIGRATE_H
#define MIGRATE_H

#include "db.h"
#include "err.h"

#include <pintle/plugin.h>

/* Applies what is missing of owner's ("core" or a plugin's name) steps for the db's dialect. */
bool migrate_run(const struct db *db, const char *owner, const struct pintle_migration *steps,
		 size_t n_steps, size_t *n_applied_out, struct err *err);
/* Whether exactly owner's steps are there, none missing and none newer. Writes nothing. */
bool migrate_check(const struct db *db, const char *owner, const struct pintle_migration *steps,
		   size_t n_steps, struct err *err);
/* The host's own steps, embedded at build from host/schema. */
extern const struct pintle_migration migrate_core[];
extern const size_t migrate_n_core;

#endif
