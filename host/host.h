/* SPDX-License-Identifier: Apache-2.0 */
/* Everything one worker has, made once before it serves and read by every module from then on. */
#ifndef HOST_H
#define HOST_H

#include "access_log.h"
#include "audit.h"
#include "board.h"
#include "cookie.h"
#include "db.h"
#include "dispatch.h"
#include "group.h"
#include "hasher.h"
#include "http.h"
#include "http_client.h"
#include "instance.h"
#include "keyring.h"
#include "kv.h"
#include "limit.h"
#include "loop.h"
#include "poll_marks.h"
#include "pool.h"
#include "router.h"
#include "seal.h"
#include "settings.h"
#include "snapshot.h"
#include "token_cache.h"

struct test_numbers;

struct host {
	const struct settings *settings;
	struct snapshot *snapshot;
	struct board *board;
	struct board_worker *self; /* this worker's slot */
	int order_pipe;            /* to the supervisor, see supervisor.h */
	int64_t start_ms;

	struct loop *loop;
	struct pool *pool;
	struct pool_class *requests, *verifies, *background, *delivery;
	struct hasher *hasher;

	struct instances instances;
	struct group *groups;
	size_t n_groups;
	_Atomic int64_t switches_read_ms; /* monotonic, of the last attempt: gateway_switch.c's */
	struct db db;
	struct kv kv;
	struct seal *seal;
	struct keyring *keyring;
	struct token_cache *tokens; /* [loop] */
	struct limits limits;
	struct test_numbers *test_numbers;
	struct audit *audit;
	struct network_list trusted, metrics_allow, blocked;

	struct router *router;
	struct dispatch dispatch;
	struct poll_marks polled;
	_Atomic size_t n_abandoned; /* calls whose ops are late: call.c's */
	struct http_server *http;
	struct live *live;
	struct http_client *client;
	struct access_log *access_log;
	struct cookie_rules cookie;
	struct token_settings token; /* settings->token with the issuer filled in */
};

#endif
