/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a worker process around its host: start, serve, drain, end. */
#include "worker.h"

#include "chores.h"
#include "clock.h"
#include "dispatch.h"
#include "host_make.h"
#include "live.h"
#include "log.h"
#include "metrics.h"
#include "supervisor.h"
#include "tls.h"
#include "xalloc.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 1000
#define DRAIN_LOOK_MS 20

struct worker {
	struct host host; /* first: what modules are lent leads back here */
	struct settings settings;
	const struct worker_start *start;
	char url[LISTENER_URL_MAX];
	struct tls *tls;
	struct chores *chores;
	struct event *on_term, *on_quit;
	bool is_draining;
	_Atomic bool is_retiring;
	int64_t drain_deadline_ms;
	int exit_status;
	struct http_stats seen; /* what the counters hold already */
	uint64_t seen_log_dropped, seen_audit_dropped;
};

/* A tag tells the control socket from all others, which have none. */
static char control_tag;

/* ---- Draining ---- */

static bool is_drained(struct worker *worker)
{
	return http_server_is_idle(worker->host.http) && dispatch_n_running(&worker->host) == 0 &&
	       atomic_load(&worker->host.n_abandoned) == 0 && pool_drain(worker->host.pool, 0) &&
	       kv_is_calm(&worker->host.kv);
}

static void look_whether_drained(void *arg)
{
	struct worker *worker = arg;

	if (is_drained(worker) || clock_mono_ms() >= worker->drain_deadline_ms)
		loop_stop(worker->host.loop);
	else
		loop_after(worker->host.loop, DRAIN_LOOK_MS, look_whether_drained, worker);
}

static void drain(struct worker *worker)
{
	if (worker->is_draining)
		return;
	worker->is_draining = true;
	worker->drain_deadline_ms = clock_mono_ms() + worker->settings.server.drain_timeout_ms;
	atomic_store(&worker->host.self->state, BOARD_DRAINING);
	http_server_drain(worker->host.http);
	live_drain(worker->host.live);
	chores_stop(worker->chores);
	look_whether_drained(worker);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	drain(arg);
}

static void retire_on_loop(void *arg)
{
	struct worker *worker = arg;
	char order[SUPERVISOR_ORDER_MAX];
	int len = snprintf(order, sizeof(order), "retire %d\n", worker->start->slot);

	worker->exit_status = WORKER_EXIT_RETIRED;
	if (write(worker->host.order_pipe, order, (size_t)len) != len)
		log_warn("the supervisor takes no order: the replacement comes when this worker "
			 "ends");
	drain(worker);
}

void worker_retire(struct host *host, int instance, const char *op)
{
	struct worker *worker = (struct worker *)host;

	if (atomic_exchange(&worker->is_retiring, true))
		return;
	board_note_fault(host->self, -2, instance, op);
	log_error("[%s] %s has not returned long after its time-out: this worker retires",
		  host->board->instances[instance].name, op);
	loop_post(host->loop, retire_on_loop, worker);
}

/* ---- Once a second ---- */

static void show_load(struct worker *worker)
{
	struct host *host = &worker->host;
	struct http_stats stats;
	struct pool_load load;

	pool_total_load(host->pool, &load);
	http_server_stats(host->http, &stats);
	metrics_gauge(host->self, GAUGE_POOL_RUNNING, (int64_t)load.n_running);
	metrics_gauge(host->self, GAUGE_POOL_WAITING, (int64_t)load.n_waiting);
	metrics_gauge(host->self, GAUGE_HASH_WAITING, (int64_t)hasher_waiting(host->hasher));
	metrics_gauge(host->self, GAUGE_CONNECTIONS, (int64_t)stats.n_open);
	metrics_gauge(host->self, GAUGE_LIVE_SOCKETS,
		      (int64_t)live_count(host->live, &live_websocket));
	metrics_gauge(host->self, GAUGE_LIVE_STREAMS,
		      (int64_t)live_count(host->live, &live_stream));
	metrics_count(host->self, METRIC_CONNECTIONS, stats.n_accepted - worker->seen.n_accepted);
	metrics_count(host->self, METRIC_CONNECTIONS_REFUSED,
		      stats.n_refused - worker->seen.n_refused);
	worker->seen = stats;
}

static void show_drops(struct worker *worker)
{
	struct host *host = &worker->host;
	uint64_t n_log = access_log_n_dropped(host->access_log);
	uint64_t n_audit = audit_n_dropped(host->audit);

	metrics_count(host->self, METRIC_LOG_DROPPED, n_log - worker->seen_log_dropped);
	metrics_count(host->self, METRIC_AUDIT_DROPPED, n_audit - worker->seen_audit_dropped);
	worker->seen_log_dropped = n_log;
	worker->seen_audit_dropped = n_audit;
}

static void tick(void *arg)
{
	struct worker *worker = arg;

	atomic_store(&worker->host.self->beat_ms, clock_mono_ms());
	show_load(worker);
	show_drops(worker);
	chores_tick(worker->chores);
	if (getppid() != atomic_load(&worker->host.board->supervisor_pid))
		drain(worker); /* nobody would replace or stop this one */
	loop_after(worker->host.loop, TICK_MS, tick, worker);
}

/* ---- Start and end ---- */

static bool listen_to_all(struct worker *worker, struct err *err)
{
	const struct worker_start *start = worker->start;
	struct http_server *http = worker->host.http;

	for (size_t i = 0; i < start->n_listeners; i++) {
		const struct listener *listener = &start->listeners[i];
		struct tls *tls = listener->is_tls ? worker->tls : NULL;

		if (!http_server_listen(http, listener->fd, tls, NULL))
			return err_set(err, "listen %s: the loop refuses it", listener->text);
	}
	if (!http_server_listen(http, start->control_fd, NULL, &control_tag))
		return err_set(err, "control.sock: the loop refuses it");
	return true;
}

bool worker_load_tls(const struct settings *settings, const struct snapshot *snapshot,
		     struct tls **tls_out, struct err *err)
{
	const struct server_settings *server = &settings->server;
	struct conf_place place =
		conf_place_of(conf_section(&snapshot->conf, "server"), "server", "listen_tls");
	struct err why;

	if (!server->listen_tls[0])
		return true;
	*tls_out = tls_new(&snapshot->tls, server->tls_cert, server->tls_key, &why);
	return *tls_out || conf_fail(err, &place, "%s", why.text);
}

static bool watch_signals(struct worker *worker, struct err *err)
{
	struct event_base *base = loop_base(worker->host.loop);

	worker->on_term = evsignal_new(base, SIGTERM, on_signal, worker);
	worker->on_quit = evsignal_new(base, SIGQUIT, on_signal, worker);
	if (worker->on_term && worker->on_quit && event_add(worker->on_term, NULL) == 0 &&
	    event_add(worker->on_quit, NULL) == 0)
		return true;
	return err_set(err, "the loop takes no signals");
}

static bool start_serving(struct worker *worker, struct err *err)
{
	const struct worker_start *start = worker->start;
	const struct listener *first = &start->listeners[0];
	struct host_start host_start = { .settings = &worker->settings,
					 .snapshot = start->snapshot,
					 .board = start->board,
					 .self = &start->board->workers[start->slot],
					 .order_pipe = start->order_pipe,
					 .n_workers = (size_t)start->n_workers,
					 .url = worker->url };

	listener_url(first->fd, first->is_tls, worker->url);
	if (!settings_bind(&worker->settings, &start->snapshot->conf, err) ||
	    !worker_load_tls(&worker->settings, start->snapshot, &worker->tls, err) ||
	    !host_make(&worker->host, &host_start, err) || !watch_signals(worker, err) ||
	    !listen_to_all(worker, err))
		return false;
	worker->host.live = live_new(&worker->host, err);
	if (!worker->host.live)
		return false;
	worker->chores = chores_new(&worker->host, err);
	if (!worker->chores)
		return false;
	dispatch_start(&worker->host);
	loop_after(worker->host.loop, TICK_MS, tick, worker);
	return true;
}

static void announce(void *arg)
{
	const struct worker *worker = arg;
	const char ready = WORKER_READY;

	atomic_store(&worker->host.self->beat_ms, clock_mono_ms());
	atomic_store(&worker->host.self->state, BOARD_SERVING);
	(void)!write(worker->start->ready_pipe, &ready, 1); /* without supervisor tick ends us */
	(void)close(worker->start->ready_pipe);
}

/* Also of what start_serving left half made. */
static void undo(struct worker *worker)
{
	if (worker->on_term)
		event_free(worker->on_term);
	if (worker->on_quit)
		event_free(worker->on_quit);
	if (worker->host.loop)
		host_undo(&worker->host);
	chores_free(worker->chores);
	tls_free(worker->tls);
	settings_fini(&worker->settings);
	free(worker);
}

static int end(struct worker *worker)
{
	int status = worker->exit_status;

	if (!is_drained(worker)) {
		log_warn("ends with work unfinished: its time to drain is over");
		access_log_free(worker->host.access_log);
		_exit(status); /* threads still use the rest */
	}
	if (atomic_load(&worker->host.board->is_stopping))
		chores_leave(worker->chores);
	undo(worker);
	return status;
}

int worker_run(const struct worker_start *start)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	struct err err;

#ifdef PINTLE_TEST
	clock_set_shift(&start->board->shift_ms);
#endif
	worker->start = start;
	board_watch_faults(&start->board->workers[start->slot]);
	if (!start_serving(worker, &err)) {
		log_error("cannot serve: %s", err.text);
		(void)!write(start->ready_pipe, err.text, strlen(err.text)); /* it is logged too */
		undo(worker);
		return 1;
	}
	loop_post(worker->host.loop, announce, worker);
	loop_run(worker->host.loop);
	return end(worker);
}
