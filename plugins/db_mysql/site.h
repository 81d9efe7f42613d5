/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of this plugin needs: its options, the host, time and how to speak of a fault. [any] */
#ifndef SITE_H
#define SITE_H

#include <pintle/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum tls_mode { TLS_OFF, TLS_REQUIRED, TLS_VERIFY };

struct conf {
	const char *const *hosts; /* for open only; servers.h has them */
	int64_t port;
	const char *socket, *user, *password, *database;
	int32_t tls;
	const char *tls_ca, *tls_cert, *tls_key;
	int64_t pool;
	int64_t connect_timeout_ms;
};

struct site {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	struct conf conf; /* our own: a thread in the look-up of a name may outlive the instance */
	atomic_bool is_closed; /* the instance is gone: nothing is logged any more */
	_Atomic int64_t quiet_until_ms;
};

/* Copies what conf has; false without memory. */
bool site_init(struct site *site, const struct pintle_host *host, struct pintle_inst *inst,
	       const struct conf *conf);
void site_fini(struct site *site);
/* A fault for the operator, at most one line a second. */
void site_fault(struct site *site, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void site_log(struct site *site, int32_t level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int64_t site_now(const struct site *site);
int64_t site_deadline(const struct site *site, int64_t timeout_ms);
/* A monotonic deadline as the waits of pthread take it, and a condition that waits by that clock. */
struct timespec site_timespec(int64_t deadline_ms);
void site_cond_init(pthread_cond_t *cond);
/* A thread that no signal of the host reaches. */
bool site_spawn(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
