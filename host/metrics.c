/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "host.h"
#include "metrics_message.h"
#include "xalloc.h"

#include <pintle/plugin.h>
#include <stdio.h>
#include <stdlib.h>

/* The last slot counts what matched no route, so that unknown paths are no labels. */

/* What the host answers with; the last place of by_status counts anything else. */
static const int statuses[BOARD_STATUSES - 1] = {
	101, 200, 201, 204, 302, 303, 400, 401, 403, 404, 405, 408, 409,
	410, 413, 415, 417, 422, 426, 429, 431, 500, 501, 503, 504, 505,
};

static const int64_t bounds_us[BOARD_BUCKETS] = {
	500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000,
};

struct counter_text {
	enum metric_counter counter;
	const char *name, *labels, *help; /* help NULL: another label of the one before */
};

static const struct counter_text counters[] = {
	{ METRIC_LOGINS_OK, "pintle_logins_total", "{result=\"success\"}", "Sign-ins by result." },
	{ METRIC_LOGINS_FAILED, "pintle_logins_total", "{result=\"failure\"}", NULL },
	{ METRIC_MESSAGES_OK, "pintle_messages_total", "{result=\"accepted\"}",
	  "Messages handed to gateways by result." },
	{ METRIC_MESSAGES_FAILED, "pintle_messages_total", "{result=\"failed\"}", NULL },
	{ METRIC_TOKEN_HITS, "pintle_token_cache_total", "{result=\"hit\"}",
	  "Look-ups of verified access tokens." },
	{ METRIC_TOKEN_MISSES, "pintle_token_cache_total", "{result=\"miss\"}", NULL },
	{ METRIC_DB_FAULTS, "pintle_store_faults_total", "{store=\"db\"}",
	  "Operations a store did not answer." },
	{ METRIC_KV_FAULTS, "pintle_store_faults_total", "{store=\"kv\"}", NULL },
	{ METRIC_CONNECTIONS, "pintle_connections_total", "{result=\"accepted\"}",
	  "Connections of clients." },
	{ METRIC_CONNECTIONS_REFUSED, "pintle_connections_total", "{result=\"refused\"}", NULL },
	{ METRIC_LOG_DROPPED, "pintle_log_dropped_total", "{log=\"access\"}",
	  "Log lines that did not fit." },
	{ METRIC_AUDIT_DROPPED, "pintle_log_dropped_total", "{log=\"audit\"}", NULL },
	{ METRIC_CODES_SENT, "pintle_codes_total", "{state=\"sent\"}",
	  "Codes asked for within the budgets, and those of them that were entered." },
	{ METRIC_CODES_ENTERED, "pintle_codes_total", "{state=\"entered\"}", NULL },
	{ METRIC_SENDS_REFUSED, "pintle_sends_refused_total", "",
	  "Messages that a limit refused." },
	{ METRIC_ALARMS_BUDGET, "pintle_alarms_total", "{kind=\"budget\"}",
	  "Times that messages to a country, or all, began to be refused." },
	{ METRIC_ALARMS_MISSING, "pintle_alarms_total", "{kind=\"codes_missing\"}", NULL },
	{ METRIC_CALLS_ORPHANED, "pintle_calls_orphaned_total", "",
	  "Plugin operations that missed their deadline." },
	{ METRIC_LATE_COMPLETIONS, "pintle_late_completions_total", "",
	  "Plugin operations that came back after it." },
};

struct gauge_text {
	enum metric_gauge gauge;
	const char *name, *help;
};

static const struct gauge_text gauges[] = {
	{ GAUGE_POOL_RUNNING, "pintle_pool_running", "Jobs on worker threads." },
	{ GAUGE_POOL_WAITING, "pintle_pool_waiting", "Jobs waiting for a worker thread." },
	{ GAUGE_HASH_WAITING, "pintle_hash_waiting", "Jobs waiting for a hashing thread." },
	{ GAUGE_CONNECTIONS, "pintle_connections", "Connections open now." },
	{ GAUGE_LIVE_SOCKETS, "pintle_live_sockets", "WebSockets of flows open now." },
	{ GAUGE_LIVE_STREAMS, "pintle_live_streams", "Event streams of flows open now." },
};

static size_t status_place(int status)
{
	size_t i = 0;

	while (i < BOARD_STATUSES - 1 && statuses[i] != status)
		i++;
	return i;
}

static size_t latency_place(int64_t latency_us)
{
	size_t i = 0;

	while (i < BOARD_BUCKETS && latency_us > bounds_us[i])
		i++;
	return i;
}

static void add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void metrics_request(struct board_worker *self, int route, int status, int64_t latency_us)
{
	struct board_route *slot =
		&self->routes[route >= 0 && route < BOARD_NO_ROUTE ? route : BOARD_NO_ROUTE];

	add(&slot->by_status[status_place(status)], 1);
	add(&slot->by_latency[latency_place(latency_us)], 1);
	add(&slot->latency_us, (uint64_t)(latency_us > 0 ? latency_us : 0));
}

void metrics_count(struct board_worker *self, enum metric_counter counter, uint64_t n)
{
	add(&self->counters[counter], n);
}

void metrics_gauge(struct board_worker *self, enum metric_gauge gauge, int64_t value)
{
	atomic_store_explicit(&self->gauges[gauge], value, memory_order_relaxed);
}

void metrics_outcome(struct board_worker *self, int instance, enum metric_outcome outcome)
{
	if (instance >= 0 && instance < BOARD_INSTANCES)
		add(&self->outcomes[instance][outcome], 1);
}

/* ---- The text ---- */

void metrics_head(FILE *out, const char *name, const char *type, const char *help)
{
	(void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_label(FILE *out, const char *name, const char *value)
{
	(void)fprintf(out, "%s=\"", name);
	for (const char *c = value; *c; c++) {
		if (*c == '\n')
			(void)fputs("\\n", out);
		else
			(void)fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	}
	(void)fputc('"', out);
}

/* A route's numbers over all workers. */
struct route_sum {
	const char *method, *path;
	uint64_t by_status[BOARD_STATUSES], by_latency[BOARD_BUCKETS + 1], latency_us, n;
};

static void sum_slot(struct route_sum *sum, const struct board *board, int index)
{
	for (size_t w = 0; w < BOARD_WORKERS; w++) {
		const struct board_route *slot = &board->workers[w].routes[index];

		for (size_t i = 0; i < BOARD_STATUSES; i++)
			sum->by_status[i] += get(&slot->by_status[i]);
		for (size_t i = 0; i <= BOARD_BUCKETS; i++) {
			sum->by_latency[i] += get(&slot->by_latency[i]);
			sum->n += get(&slot->by_latency[i]);
		}
		sum->latency_us += get(&slot->latency_us);
	}
}

static void put_route_labels(FILE *out, const struct route_sum *sum)
{
	metrics_label(out, "method", sum->method);
	(void)fputc(',', out);
	metrics_label(out, "route", sum->path);
}

static void put_counts(FILE *out, const struct route_sum *sum)
{
	for (size_t i = 0; i < BOARD_STATUSES; i++) {
		if (sum->by_status[i] == 0)
			continue;
		(void)fputs("pintle_requests_total{", out);
		put_route_labels(out, sum);
		if (i < BOARD_STATUSES - 1)
			(void)fprintf(out, ",status=\"%d\"} %llu\n", statuses[i],
				      (unsigned long long)sum->by_status[i]);
		else
			(void)fprintf(out, ",status=\"other\"} %llu\n",
				      (unsigned long long)sum->by_status[i]);
	}
}

static void put_histogram(FILE *out, const struct route_sum *sum)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= BOARD_BUCKETS; i++) {
		n += sum->by_latency[i];
		(void)fputs("pintle_request_duration_seconds_bucket{", out);
		put_route_labels(out, sum);
		if (i < BOARD_BUCKETS)
			(void)fprintf(out, ",le=\"%g\"} %llu\n", (double)bounds_us[i] / 1e6,
				      (unsigned long long)n);
		else
			(void)fprintf(out, ",le=\"+Inf\"} %llu\n", (unsigned long long)n);
	}
	(void)fputs("pintle_request_duration_seconds_sum{", out);
	put_route_labels(out, sum);
	(void)fprintf(out, "} %.6f\npintle_request_duration_seconds_count{",
		      (double)sum->latency_us / 1e6);
	put_route_labels(out, sum);
	(void)fprintf(out, "} %llu\n", (unsigned long long)n);
}

typedef void put_route(FILE *out, const struct route_sum *sum);

/* Routes nobody has asked for yet are left out: a histogram each would be most of the text. */
static void each_route(FILE *out, const struct board *board, put_route *put)
{
	for (int i = 0; i < BOARD_ROUTES; i++) {
		const struct board_route_name *name = &board->route_names[i];
		struct route_sum sum = { .method = name->method, .path = name->path };

		if (i != BOARD_NO_ROUTE && !atomic_load(&name->is_named))
			continue;
		sum_slot(&sum, board, i);
		if (sum.n > 0)
			put(out, &sum);
	}
}

static void put_counters(FILE *out, const struct board *board)
{
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		const struct counter_text *text = &counters[i];
		uint64_t n = 0;

		for (size_t w = 0; w < BOARD_WORKERS; w++)
			n += get(&board->workers[w].counters[text->counter]);
		if (text->help)
			metrics_head(out, text->name, "counter", text->help);
		(void)fprintf(out, "%s%s %llu\n", text->name, text->labels, (unsigned long long)n);
	}
}

static void put_gauges(FILE *out, const struct board *board)
{
	for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++) {
		int64_t sum = 0;

		for (size_t w = 0; w < BOARD_WORKERS; w++) {
			const struct board_worker *worker = &board->workers[w];

			if (atomic_load(&worker->state) != BOARD_FREE)
				sum += atomic_load_explicit(&worker->gauges[gauges[i].gauge],
							    memory_order_relaxed);
		}
		metrics_head(out, gauges[i].name, "gauge", gauges[i].help);
		(void)fprintf(out, "%s %lld\n", gauges[i].name, (long long)sum);
	}
}

static void put_workers(FILE *out, const struct board *board)
{
	static const char *const names[] = { [BOARD_STARTING] = "starting",
					     [BOARD_SERVING] = "serving",
					     [BOARD_DRAINING] = "draining" };
	long long n_in[BOARD_DRAINING + 1] = { 0 }, n_restarts = 0;

	for (size_t w = 0; w < BOARD_WORKERS; w++) {
		int32_t state = atomic_load(&board->workers[w].state);

		if (state > BOARD_FREE && state <= BOARD_DRAINING)
			n_in[state]++;
		n_restarts += atomic_load(&board->workers[w].n_restarts);
	}
	metrics_head(out, "pintle_workers", "gauge", "Worker processes by state.");
	for (int state = BOARD_STARTING; state <= BOARD_DRAINING; state++)
		(void)fprintf(out, "pintle_workers{state=\"%s\"} %lld\n", names[state],
			      n_in[state]);
	metrics_head(out, "pintle_worker_restarts_total", "counter",
		     "Workers replaced after they died.");
	(void)fprintf(out, "pintle_worker_restarts_total %lld\n", n_restarts);
	metrics_head(out, "pintle_generation", "gauge", "Generation of the configuration.");
	(void)fprintf(out, "pintle_generation %d\n", atomic_load(&board->generation));
	metrics_head(out, "pintle_reloads_total", "counter", "Reloads finished, good or bad.");
	(void)fprintf(out, "pintle_reloads_total %u\n", atomic_load(&board->n_reloads));
}

static void put_outcomes(FILE *out, const struct board *board)
{
	static const char *const names[BOARD_OUTCOMES] = { [OUTCOME_FINE] = "fine",
							   [OUTCOME_DENIED] = "denied",
							   [OUTCOME_FAULT] = "fault",
							   [OUTCOME_TIMEOUT] = "timeout" };
	int n_instances = atomic_load(&board->n_instances);

	metrics_head(out, "pintle_instance_calls_total", "counter",
		     "Plugin operations by outcome.");
	for (int i = 0; i < n_instances; i++)
		for (int o = 0; o < BOARD_OUTCOMES; o++) {
			uint64_t n = 0;

			for (size_t w = 0; w < BOARD_WORKERS; w++)
				n += get(&board->workers[w].outcomes[i][o]);
			(void)fputs("pintle_instance_calls_total{", out);
			metrics_label(out, "instance", board->instances[i].name);
			(void)fprintf(out, ",outcome=\"%s\"} %llu\n", names[o],
				      (unsigned long long)n);
		}
	metrics_head(out, "pintle_instance_quarantined", "gauge",
		     "1: kept out after killing workers.");
	for (int i = 0; i < n_instances; i++) {
		(void)fputs("pintle_instance_quarantined{", out);
		metrics_label(out, "instance", board->instances[i].name);
		(void)fprintf(out, "} %d\n", board_is_kept_out(board, i));
	}
}

static void put_stores(FILE *out, const struct board_worker *self)
{
	metrics_head(out, "pintle_store_up", "gauge", "1: the store answered when last asked.");
	(void)fprintf(out, "pintle_store_up{store=\"db\"} %lld\n",
		      (long long)atomic_load(&self->gauges[GAUGE_DB_UP]));
	(void)fprintf(out, "pintle_store_up{store=\"kv\"} %lld\n",
		      (long long)atomic_load(&self->gauges[GAUGE_KV_UP]));
}

char *metrics_text(const struct host *host, struct arena *arena)
{
	char *text = NULL, *copy;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		out_of_memory();
	metrics_head(out, "pintle_requests_total", "counter", "Requests answered.");
	each_route(out, host->board, put_counts);
	metrics_head(out, "pintle_request_duration_seconds", "histogram", "Time to answer.");
	each_route(out, host->board, put_histogram);
	put_outcomes(out, host->board);
	put_counters(out, host->board);
	metrics_message_text(out, host->board);
	put_gauges(out, host->board);
	put_stores(out, host->self);
	put_workers(out, host->board);
	if (fclose(out) != 0)
		out_of_memory();
	copy = arena_copy(arena, text, len);
	free(text);
	return copy;
}
