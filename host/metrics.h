/* SPDX-License-Identifier: Apache-2.0 */
/* Counters in the board, and their Prometheus text over all workers. [any] */
#ifndef METRICS_H
#define METRICS_H

#include "arena.h"
#include "board.h"

#include <stdio.h>

struct host;

enum metric_counter {
	METRIC_LOG_DROPPED,
	METRIC_LOGINS_OK,
	METRIC_LOGINS_FAILED,
	METRIC_CALLS_ORPHANED,
	METRIC_TOKEN_HITS,
	METRIC_TOKEN_MISSES,
	METRIC_KV_FAULTS,
	METRIC_DB_FAULTS,
	METRIC_MESSAGES_OK,
	METRIC_MESSAGES_FAILED,
	METRIC_LATE_COMPLETIONS,
	METRIC_AUDIT_DROPPED,
	METRIC_CONNECTIONS,
	METRIC_CONNECTIONS_REFUSED,
	METRIC_CODES_SENT,
	METRIC_CODES_ENTERED,
	METRIC_SENDS_REFUSED,
	METRIC_ALARMS_BUDGET,
	METRIC_ALARMS_MISSING
};
enum metric_gauge {
	GAUGE_POOL_RUNNING,
	GAUGE_POOL_WAITING,
	GAUGE_HASH_WAITING,
	GAUGE_CONNECTIONS,
	GAUGE_DB_UP,
	GAUGE_KV_UP,
	GAUGE_LIVE_SOCKETS,
	GAUGE_LIVE_STREAMS
};
enum metric_outcome { OUTCOME_FINE, OUTCOME_DENIED, OUTCOME_FAULT, OUTCOME_TIMEOUT };

void metrics_request(struct board_worker *self, int route, int status, int64_t latency_us);
void metrics_count(struct board_worker *self, enum metric_counter counter, uint64_t n);
void metrics_gauge(struct board_worker *self, enum metric_gauge gauge, int64_t value);
void metrics_outcome(struct board_worker *self, int instance, enum metric_outcome outcome);
/* Prometheus text, summed over all workers; the stores are as this worker last saw them. */
/* For those who write a part of it. */
void metrics_head(FILE *out, const char *name, const char *type, const char *help);
void metrics_label(FILE *out, const char *name, const char *value);
char *metrics_text(const struct host *host, struct arena *arena);

#endif
