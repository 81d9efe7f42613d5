/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two kinds of store. Both drivers are thread-safe and keep their own connections. A driver
 * answers UNAVAILABLE when the store cannot be reached and never guesses.
 */
#ifndef PINTLE_STORE_H
#define PINTLE_STORE_H

#include <stddef.h>
#include <stdint.h>

/* ---- SQL ---- */

enum pintle_value_type { PINTLE_V_NULL, PINTLE_V_INT, PINTLE_V_REAL, PINTLE_V_TEXT, PINTLE_V_BLOB };

/* A parameter or a column. ptr is lent: for a column, until the row callback returns. TEXT columns
 * are NUL-terminated as well; len excludes the NUL. */
struct pintle_value {
	int32_t type;
	int32_t reserved;
	int64_t num;
	double real;
	const char *ptr;
	size_t len;
};

#define PINTLE_P_INT(n) ((struct pintle_value){ PINTLE_V_INT, 0, (n), 0, NULL, 0 })
#define PINTLE_P_NULL ((struct pintle_value){ PINTLE_V_NULL, 0, 0, 0, NULL, 0 })
#define PINTLE_P_BLOB(p, n) ((struct pintle_value){ PINTLE_V_BLOB, 0, 0, 0, (p), (n) })

/* One row. A status other than OK ends the query with that status. */
typedef int32_t pintle_row(void *ctx, const struct pintle_value *cols, size_t n_cols);

struct pintle_db_result {
	uint32_t size;
	uint32_t reserved;
	int64_t n_changed; /* rows matched by UPDATE and DELETE, inserted by INSERT */
	int64_t last_id;   /* the id the last INSERT made */
};

/* One statement with ? placeholders. row and result may be NULL. */
struct pintle_query {
	uint32_t size;
	uint32_t n_params;
	const char *sql;
	const struct pintle_value *params;
	pintle_row *row;
	void *ctx;
	struct pintle_db_result *result;
	int64_t timeout_ms; /* from now; the driver answers TIMEOUT after it */
};

struct pintle_tx;

/*
 * [worker] all; every function may block up to the given time-out and runs on the calling thread.
 * Statuses: OK; CONFLICT for a violated unique key, and where a change of the schema is a transaction
 * of its own, for making what is there and dropping what is not; BUSY when the transaction lost to
 * another one and may be tried again from its begin; UNAVAILABLE; TIMEOUT; INTERNAL.
 *
 * begin opens a transaction for writing, owned by the calling thread until commit or rollback, which
 * free it whatever they answer. When commit answers OK the data survives the loss of power; when it
 * answers a fault nothing of the transaction is kept or its outcome is unknown.
 * query with a NULL tx is a transaction of its own.
 * lock is a named mutex across processes and hosts, held until unlock or the end of the process.
 * ping proves that the store answers now.
 */
struct pintle_db {
	uint32_t size;
	uint32_t reserved;
	const char *dialect; /* "sqlite", "mysql": chooses the schema files */
	int32_t (*begin)(void *self, int64_t timeout_ms, struct pintle_tx **tx_out);
	int32_t (*commit)(void *self, struct pintle_tx *tx);
	void (*rollback)(void *self, struct pintle_tx *tx);
	int32_t (*query)(void *self, struct pintle_tx *tx, const struct pintle_query *query);
	int32_t (*lock)(void *self, const char *name, int64_t timeout_ms, void **lock_out);
	void (*unlock)(void *self, void *lock);
	int32_t (*ping)(void *self, int64_t timeout_ms);
};

/* ---- Key and value ---- */

/*
 * Keys are bytes, at most PINTLE_KV_KEY_MAX; values at most PINTLE_KV_VALUE_MAX. Every record has an
 * expiry (ttl_ms >= 1); an expired record does not exist for any op. Every op is one atomic step
 * across threads, workers and hosts.
 */
#define PINTLE_KV_KEY_MAX 400
#define PINTLE_KV_VALUE_MAX 65536

/* In ttl_ms of a GET or a TAKE: the answer's ttl_ms is not needed, which some stores have to ask for. */
#define PINTLE_KV_NO_LIFE (-1)

enum pintle_kv_op {
	PINTLE_KV_GET = 0,  /* OK with the value, or NOT_FOUND */
	PINTLE_KV_SET = 1,  /* write, whatever was there */
	PINTLE_KV_ADD = 2,  /* write only if absent; else CONFLICT, with the present value */
	PINTLE_KV_TAKE = 3, /* get and delete; one taker wins, the others get NOT_FOUND */
	PINTLE_KV_SWAP = 4, /* write only if the present value equals expect; else CONFLICT with the
	                         present value, or NOT_FOUND. ttl_ms 0 keeps the expiry */
	PINTLE_KV_DELETE = 5, /* with expect: only if equal, else CONFLICT; NOT_FOUND if absent */
	PINTLE_KV_INCR =
		6, /* add delta to a counter (absent counts as 0; its expiry is set when it is
	                         made and kept after); the new value in number */
	PINTLE_KV_LIMIT = 7,  /* count all the counters of limits, or none; see pintle_kv_limit */
	PINTLE_KV_PUBLISH = 8 /* send value to every subscriber of channel key; at most once each */
};

/* The counter's life is window_ms from its last count, so no window of that length, wherever it
 * starts, holds more than max counts. Without it two windows may meet with max counts each. */
#define PINTLE_KV_SLIDES 1u

/* Of an INCR: the counter does not fall below 0, and taking from an absent one makes none. Older stores
 * do not know it. */
#define PINTLE_KV_FLOOR 1u

/*
 * One counter of a LIMIT: its window starts with its first count, or with its last one if it slides.
 * If for every counter count + cost <= max, all are raised and the answer is OK. Else none is raised
 * or renewed and the answer is LIMITED with the index of the first exhausted one in number and its
 * remaining window in ttl_ms. A cost of 0 only looks. Counters are the same records INCR uses;
 * DELETE forgets one.
 */
struct pintle_kv_limit {
	const void *key;
	size_t key_len;
	int64_t max, window_ms, cost;
	uint32_t flags; /* PINTLE_KV_SLIDES */
	uint32_t reserved;
};

/* A counter's value, as GET sees it, is its number in decimal. */
struct pintle_kv_request {
	uint32_t size;
	int32_t op;
	const void *key;
	size_t key_len;
	const void *value;
	size_t value_len;
	const void *expect;
	size_t expect_len;
	int64_t ttl_ms;
	int64_t delta;
	const struct pintle_kv_limit *limits;
	size_t n_limits;
	uint32_t flags; /* PINTLE_KV_FLOOR */
	uint32_t reserved;
};

/* value is lent until the completion returns. ttl_ms is the remaining life of the record. For LIMIT
 * that answers OK, number is the least max - count left over all counters. */
struct pintle_kv_answer {
	uint32_t size;
	int32_t status;
	const void *value;
	size_t value_len;
	int64_t number;
	int64_t ttl_ms;
};

typedef void pintle_kv_done(void *ctx, const struct pintle_kv_answer *answer);
typedef void pintle_kv_message(void *ctx, const void *value, size_t value_len);

/* submit never waits and completes before it returns, on any thread. A driver without this flag gets
 * submit on the loop only, keeps its connection there with watch and timer, and completes there. */
#define PINTLE_KV_INLINE 1u

/*
 * submit: [any] with PINTLE_KV_INLINE, else [loop]. The request and all it points to are lent until
 * submit returns; done is called exactly once, maybe before submit returns.
 * subscribe: [loop]; message is called on the loop until the instance closes. With a NULL value it says
 * that messages may have been missed before this moment: the connection for them is new.
 * epoch: [any]; a text that changes when the store has lost its memory (reboot, failover), at most 64
 * bytes into out; caches of what was read from the store die with it.
 */
struct pintle_kv {
	uint32_t size;
	uint32_t flags;
	void (*submit)(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		       void *ctx);
	int32_t (*subscribe)(void *self, const char *channel, pintle_kv_message *message,
			     void *ctx);
	int32_t (*epoch)(void *self, char *out, size_t out_len);
};

#endif
