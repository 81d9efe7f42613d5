/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two logs in SQL: login_logs (every attempt) and auth_logs (who did what). Successes belong to
 * their transaction; failures are collected, bounded, and written in batches.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "db.h"
#include "pool.h"

#include <stdint.h>

struct audit;

struct login_attempt {
	int64_t user_id;                   /* 0: unknown */
	const char *provider, *identifier; /* masked already */
	const char *result, *reason;       /* "success" or "failure"; an error name or NULL */
	const char *ip, *user_agent, *device_id, *session_id;
};

struct audit_entry {
	const char *actor_kind; /* "user", "staff", "system" */
	int64_t actor_id;
	const char *action, *target, *result, *ip, *request_id, *details;
};

struct audit *audit_new(const struct db *db, struct pool *pool, struct pool_class *background);
/* Writes what waits; after the pool's jobs have ended, and nobody else uses it any more. NULL is fine. */
void audit_free(struct audit *audit);
int32_t audit_login(struct tx *tx, const struct login_attempt *attempt);
/* [any] Copied; dropped and counted when too many wait. */
void audit_login_later(struct audit *audit, const struct login_attempt *attempt);
int32_t audit_write(struct tx *tx, const struct audit_entry *entry);
uint64_t audit_n_dropped(const struct audit *audit);

#endif
