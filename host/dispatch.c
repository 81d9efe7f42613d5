/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a request: dispatch_handle on the loop, serve on a worker thread, send on the loop. */
#include "dispatch.h"

#include "access_log.h"
#include "admit.h"
#include "call.h"
#include "clock.h"
#include "cors.h"
#include "host.h"
#include "in_flight.h"
#include "log.h"
#include "metrics.h"
#include "request.h"
#include "rng.h"
#include "worker.h"

#include <stdio.h>

#define TICK_MS 50

size_t dispatch_n_running(const struct host *host)
{
	return host->dispatch.n_running;
}

/* ---- The way out ---- */

/* user: who it was for, or NULL. */
static void send_answer(struct request *request, const struct http_answer *answer, const char *user)
{
	int64_t latency_us = clock_mono_us() - request->start_us;
	int route = request->route ? request->route->index : BOARD_NO_ROUTE;

	request->is_answered = true;
	http_answer(request->http, answer);
	metrics_request(request->host->self, route, answer->status, latency_us);
	access_log_request(request->host->access_log, request, answer, user, latency_us);
}

static void finish_on_loop(void *arg)
{
	struct request *request = arg;

	if (request->is_verified_here)
		token_cache_put(request->host->tokens, request->bearer.ptr, request->bearer.len,
				&request->claims);
	if (!request->is_answered)
		send_answer(request, &request->built,
			    request->who.is_known ? request->who.session.uuid : NULL);
	in_flight_end(request);
}

void dispatch_finish(struct request *request)
{
	if (request->answer.status == 0)
		answer_error(request, "internal");
	cors_apply(request);
	answer_build(request, &request->built);
	if (loop_is_here(request->host->loop))
		finish_on_loop(request);
	else
		loop_post(request->host->loop, finish_on_loop, request);
}

/* Edge errors have no request of ours: the same envelope, an id of its own. */
void dispatch_refuse(void *ctx, int status, struct http_answer *out)
{
	struct host *host = ctx;
	static struct answer_plain plain; /* the answer borrows it */
	static char id[40];

	metrics_request(host->self, BOARD_NO_ROUTE, status, 0);
	in_flight_make_id(&host->dispatch, id, sizeof(id));
	plain = (struct answer_plain){
		.status = status, .error = answer_error_of(status), .lang = "en", .id = id
	};
	answer_plain(&plain, out);
	out->must_close = true;
}

/* ---- On a worker thread, in order ---- */

/* Of a plugin that is left out nobody knows; it is not in service. */
static bool can_be_for(const struct route *chosen, const struct pintle_inst *inst)
{
	return inst->plugin->is_left_out ||
	       (inst->plugin->provider.size > 0 &&
		(!chosen->inst || chosen->inst->plugin == inst->plugin));
}

/* The instance the route belongs to or names; false when there is none, or it is out of service. */
static bool choose_instance(struct request *request)
{
	struct host *host = request->host;

	request->inst = request->chosen->inst;
	if (request->route->flags & ROUTE_PROVIDER) {
		request->inst =
			instances_find(&host->instances, request_param(request, "provider"));
		if (!request->inst || !can_be_for(request->chosen, request->inst)) {
			answer_error(request, "not_found");
			return false;
		}
	}
	if (request->inst && !instance_is_up(request->inst)) {
		answer_error(request, "provider_unavailable");
		return false;
	}
	return true;
}

static void run_handler(struct request *request)
{
	bool finishes = (request->route->flags & ROUTE_FINISHES) != 0;

	request->route->run(request);
	if (!finishes)
		dispatch_finish(request);
}

/* Plugin work counts against the instance's cap; the host's own against none but the requests'. */
static void enter_class(struct request *request)
{
	struct pool_class *class = request->inst ? request->inst->class : request->host->requests;

	request->resume = run_handler;
	switch (pool_switch(request->host->pool, class, &request->job)) {
	case POOL_GO:
		run_handler(request);
		break;
	case POOL_QUEUED:
		break;
	case POOL_FULL:
		answer_error(request, "busy");
		dispatch_finish(request);
		break;
	}
}

static void serve(struct request *request)
{
	if (admit_count(request) && request_read(request) && request_choose_route(request) &&
	    admit_identify(request) && admit_permit(request) && choose_instance(request))
		enter_class(request);
	else
		dispatch_finish(request);
}

static void run_job(struct job *job)
{
	struct request *request = (struct request *)job;

	request->resume(request);
}

void dispatch_to_worker(struct request *request, void (*run)(struct request *))
{
	struct host *host = request->host;
	bool must_verify = request->bearer.len > 0 && !request->has_claims;

	request->resume = run;
	request->job.run = run_job;
	if (pool_submit(host->pool, must_verify ? host->verifies : host->requests, &request->job))
		return;
	answer_error(request, "busy");
	dispatch_finish(request);
}

/* ---- On the loop ---- */

static bool find_route(struct request *request)
{
	const struct http_head *head = &request->http->head;
	const char *missing = "not_found";
	char allow[64];
	int status;

	request->route = router_find(request->host->router, head->method, head->path,
				     request->is_control, &request->params, &status, allow);
	if (request->route)
		return true;
	if (head->method == HTTP_OPTIONS && cors_preflight(request))
		return false;
	if (request->host->instances.n_left_out > 0)
		missing = "provider_unavailable"; /* it may be a path of theirs */
	answer_error(request, status == 405 ? "method_not_allowed" : missing);
	if (status == 405)
		answer_header(request, "Allow", allow);
	return false;
}

static bool may_enter(struct request *request)
{
	const struct host *host = request->host;

	if (request->is_control)
		return true;
	if (network_list_has(&host->blocked, &request->client)) {
		answer_error(request, "forbidden");
		return false;
	}
	if ((request->route->flags & ROUTE_METRICS) &&
	    !network_list_has(&host->metrics_allow, &request->client)) {
		answer_error(request, "not_found");
		return false;
	}
	return true;
}

static void look_up_token(struct request *request)
{
	const struct token_claims *known;

	known = token_cache_find(request->host->tokens, request->bearer.ptr, request->bearer.len,
				 clock_now_ms() / 1000);
	metrics_count(request->host->self, known ? METRIC_TOKEN_HITS : METRIC_TOKEN_MISSES, 1);
	request->has_claims = known != NULL;
	if (known)
		request->claims = *known;
}

/* A token wins over a cookie. False: the cookie may not be used for this. */
static bool find_credential(struct request *request)
{
	if (request->bearer.len > 0) {
		look_up_token(request);
		return true;
	}
	switch (cookie_read(request, request->claims.sid)) {
	case COOKIE_OK:
		request->by_cookie = request->has_claims = true;
		return true;
	case COOKIE_CROSS_SITE:
		answer_error(request, "cross_site");
		return false;
	default:
		return true;
	}
}

void dispatch_handle(void *ctx, struct http_request *http)
{
	struct request *request = in_flight_new(ctx, http);

	if (!find_route(request) || !may_enter(request) || !find_credential(request)) {
		dispatch_finish(request);
		return;
	}
	request->chosen = request->route;
	if (request->route->flags & ROUTE_LOOP)
		run_handler(request);
	else
		dispatch_to_worker(request, serve);
}

/* ---- Deadlines ---- */

/* The client is answered; the op goes on alone and every service tells it that it is late. */
static void give_up(struct request *request)
{
	struct answer_plain plain = { .status = 504,
				      .error = "timeout",
				      .lang = request->lang,
				      .id = request->id,
				      .is_page = page_is_preferred(request) };
	struct http_answer answer;

	atomic_store(&request->is_over, true);
	metrics_count(request->host->self, METRIC_CALLS_ORPHANED, 1);
	answer_plain(&plain, &answer);
	if (request->route->flags & ROUTE_EMPTY)
		answer.body.len = 0;
	send_answer(request, &answer, NULL);
}

static void look_after(struct request *request, int64_t now_ms)
{
	if (now_ms < request->deadline_ms)
		return;
	if (!request->is_answered)
		give_up(request);
	if (now_ms >= request->deadline_ms + request->host->settings->pool.retire_after_ms &&
	    call_abandon(request))
		in_flight_end(request);
}

static const struct pintle_inst *instance_at(const struct host *host, int board_index)
{
	for (size_t i = 0; i < host->instances.n_items; i++)
		if (host->instances.items[i].board_index == board_index)
			return &host->instances.items[i];
	return NULL;
}

/* An op that holds its thread long past its time costs the worker: the thread cannot be had back. */
static void look_for_stuck_ops(struct host *host, int64_t now_ms)
{
	struct breadcrumb crumb;
	enum board_thread state;

	for (size_t i = 0; (state = breadcrumb_of_thread(i, &crumb)) != BOARD_ENDED; i++) {
		const struct pintle_inst *inst =
			state == BOARD_IN_OP ? instance_at(host, crumb.instance) : NULL;

		if (inst && now_ms - crumb.since_ms >= inst->settings.timeout_ms +
							       host->settings->pool.retire_after_ms)
			worker_retire(host, crumb.instance, crumb.op);
	}
}

static void tick(void *arg)
{
	struct host *host = arg;
	int64_t now_ms = clock_mono_ms();
	struct request *older;

	for (struct request *request = host->dispatch.newest; request; request = older) {
		older = request->older;
		look_after(request, now_ms);
	}
	look_for_stuck_ops(host, now_ms);
	loop_after(host->loop, TICK_MS, tick, host);
}

void dispatch_start(struct host *host)
{
	char id[RNG_ID_LEN + 1] = "";

	if (!rng_id(id))
		log_warn("no random source for request ids");
	(void)snprintf(host->dispatch.boot, sizeof(host->dispatch.boot), "%.10s-", id);
	loop_after(host->loop, TICK_MS, tick, host);
}
