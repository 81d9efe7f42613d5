/* SPDX-License-Identifier: Apache-2.0 */
/* A kv_redis on a loop of its own, and the server it asks. */
#ifndef REDIS_STORE_H
#define REDIS_STORE_H

#include "fake_host.h"
#include "kv_contract.h"
#include "redis_server.h"

struct redis_store {
	struct redis_server server, other; /* the second only where a test starts it */
	struct fake_host *host;
	const struct pintle_plugin *plugin;
	struct kv_under_test kv;
};

/* Opens an instance with options, on the server unless they name another. */
bool redis_store_open(struct redis_store *store, const char *const *options);
void redis_store_close(struct redis_store *store);
/* cmocka's setup and teardown: a server without options and an instance on it. */
int redis_store_setup(void **state);
int redis_store_teardown(void **state);

/* A MINUTE_MS of life for what is written. */
struct kv_test_answer redis_store_op(struct redis_store *store, int32_t op, const char *key,
				     const char *value);
/* Turns the loop until an op succeeds again, or for long enough. */
void redis_store_recover(struct redis_store *store);
/* Turns the loop until that stood in the last line of the log. */
void redis_store_hear(struct redis_store *store, const char *text);

#endif
