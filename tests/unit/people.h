/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and sessions on the embedded stores, with the core schema; the kv store can be made to fail or
 * to be overtaken. */
#ifndef PEOPLE_H
#define PEOPLE_H

#include "account.h"
#include "session.h"

#include <stdatomic.h>

/* Called before each request reaches the store. */
typedef void kv_hook(void *arg, const struct pintle_kv_request *request);

struct people {
	struct db db;
	struct kv kv;
	struct settings settings;
	_Atomic bool is_kv_down;
	kv_hook *hook;
	void *hook_arg;
	struct arena arena;
	struct stores *stores;
};

/* Setup and teardown of cmocka; *state is a struct people. */
int people_setup(void **state);
int people_teardown(void **state);

struct tx people_tx(const struct people *people);
/* The number in the first column of the first row; -1 for NULL or no row. */
int64_t people_number(const struct people *people, const char *sql);
/* The text there, in the arena; NULL for NULL or no row. */
const char *people_text(struct people *people, const char *sql);
void people_exec(const struct people *people, const char *sql);
/* Moves the wall clocks of host and stores. */
void people_wait(int64_t ms);

struct pintle_identity people_identity(const char *ns, const char *subject, bool is_verified);
/* An account with this verified identity. */
int64_t people_add(struct people *people, const char *ns, const char *subject);
/* What a sign-in does to the stores; the session is the account's own. */
struct session people_open(struct people *people, int64_t id, const char *platform);

#endif
