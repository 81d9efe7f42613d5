/* SPDX-License-Identifier: Apache-2.0 */
/*
 * It is counted and hears of events before its flow is read for the first time, so no change is missed
 * in between. While a client does not take what it was sent, only the newest state waits for it.
 */
#include "viewer.h"

#include "clock.h"
#include "dispatch.h"
#include "flow.h"
#include "flow_look.h"
#include "flow_poll.h"
#include "host.h"
#include "request.h"
#include "xalloc.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pintle/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FRAMES_A_SECOND 10 /* a client may send in the long run */
#define JSON_MAX 96

static const char expired[] = "expired";

/* Outlives a viewer that goes while the store is asked. */
struct looking {
	struct viewer *viewer;
};

/* ---- Showing ---- */

static size_t waiting(const struct viewer *viewer)
{
	return evbuffer_get_length(bufferevent_get_output(viewer->bev));
}

static void say_state(struct viewer *viewer)
{
	int64_t left_ms = viewer->expires_ms - clock_now_ms();
	char json[JSON_MAX];
	int len;

	if (left_ms < 0 || strcmp(viewer->state, expired) == 0)
		left_ms = 0;
	len = snprintf(json, sizeof(json), "{\"status\":\"%s\",\"expires_in\":%lld}", viewer->state,
		       (long long)(left_ms / 1000));
	viewer->shown = viewer->state;
	viewer->kind->show(viewer, json, (size_t)len);
}

static void show(struct viewer *viewer)
{
	if (viewer->shown != viewer->state && waiting(viewer) == 0)
		say_state(viewer);
}

/* ---- The end ---- */

void viewer_abandon(struct viewer *viewer)
{
	live_unlink(viewer->live, viewer);
	if (viewer->looking)
		viewer->looking->viewer = NULL;
	websocket_fini(&viewer->socket);
	free(viewer);
}

/* What was said last is still sent. */
static void give_back(struct viewer *viewer)
{
	http_taken_give_back(viewer->conn);
	viewer_abandon(viewer);
}

static void refuse(struct viewer *viewer, const char *error)
{
	struct request *request = viewer->request;

	viewer_abandon(viewer);
	answer_error(request, error);
	dispatch_finish(request);
}

void viewer_end(struct viewer *viewer, enum viewer_end why)
{
	if (viewer->request) {
		refuse(viewer, "busy");
		return;
	}
	viewer->kind->end(viewer, why);
	give_back(viewer);
}

void viewer_cut(struct viewer *viewer)
{
	http_taken_cut(viewer->conn);
	viewer_abandon(viewer);
}

/* ---- The connection ---- */

static void on_read(struct bufferevent *bev, void *arg)
{
	struct viewer *viewer = arg;

	(void)bev;
	if (!viewer->kind->read(viewer))
		give_back(viewer);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct viewer *viewer = arg;

	(void)bev;
	viewer->stuck_since_ms = 0;
	show(viewer);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & BEV_EVENT_EOF)
		give_back(arg);
	else
		viewer_cut(arg);
}

/* What the kernel has sent and nobody acknowledges says that a host has gone, also one that is only
 * told and never asked. */
static void notice_silence(struct viewer *viewer)
{
	const struct settings *settings = live_host(viewer->live)->settings;
	unsigned timeout_ms = (unsigned)(2 * settings->server.live_ping_ms);

	(void)setsockopt(bufferevent_getfd(viewer->bev), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
			 sizeof(timeout_ms)); /* fails on a Unix socket, which needs none */
}

static void set_beat(struct viewer *viewer)
{
	viewer->beat_ms = clock_mono_ms() + live_host(viewer->live)->settings->server.live_ping_ms;
}

/* The head of the answer is on its way. */
static void begin(void *ctx, struct http_conn *conn)
{
	struct viewer *viewer = ctx;

	viewer->request = NULL;
	if (!conn) {
		viewer_abandon(viewer);
		return;
	}
	viewer->conn = conn;
	viewer->bev = http_taken_bufferevent(conn);
	set_beat(viewer);
	notice_silence(viewer);
	bufferevent_setcb(viewer->bev, on_read, on_written, on_event, viewer);
	viewer->kind->start(viewer);
	live_replace_others(viewer->live, viewer);
	show(viewer);
	(void)bufferevent_enable(viewer->bev, EV_READ);
	on_read(viewer->bev, viewer); /* for what was sent ahead */
}

/* ---- Reading the flow ---- */

static void answer(struct viewer *viewer, int32_t status)
{
	struct request *request = viewer->request;

	if (status == PINTLE_NOT_FOUND) {
		refuse(viewer, "flow_expired");
		return;
	}
	if (status != PINTLE_OK || live_is_draining(viewer->live)) {
		refuse(viewer, status != PINTLE_OK ? "store_unavailable" : "busy");
		return;
	}
	if (request->is_answered) { /* the deadline was first */
		viewer_abandon(viewer);
		dispatch_finish(request);
		return;
	}
	viewer->kind->answer(request);
	request->answer.take_over = begin;
	request->answer.take_over_ctx = viewer;
	dispatch_finish(request);
}

/* A flow that was confirmed and is gone is one whose opener has signed in. */
static void follow(struct viewer *viewer, int32_t status)
{
	if (status == PINTLE_OK) {
		show(viewer);
		return;
	}
	if (status != PINTLE_NOT_FOUND) {
		viewer->is_stale = true; /* the store is away: again in a second */
		return;
	}
	if (!viewer->shown || strcmp(viewer->shown, "confirmed") != 0) {
		viewer->state = expired;
		say_state(viewer);
	}
	viewer_end(viewer, VIEWER_OVER);
}

static void on_seen(void *ctx, const struct flow_sight *sight)
{
	struct looking *looking = ctx;
	struct viewer *viewer = looking->viewer;

	free(looking);
	if (!viewer)
		return;
	viewer->looking = NULL;
	if (sight->status == PINTLE_OK) {
		viewer->state = sight->state;
		viewer->expires_ms = sight->expires_ms;
		viewer->polled = flow_poll_provider(live_host(viewer->live), sight->waits_for);
	}
	if (viewer->is_stale)
		viewer_look(viewer);
	else if (viewer->request)
		answer(viewer, sight->status);
	else
		follow(viewer, sight->status);
}

void viewer_look(struct viewer *viewer)
{
	const struct kv *kv = &live_host(viewer->live)->kv;

	viewer->is_stale = viewer->looking != NULL;
	if (viewer->is_stale)
		return;
	viewer->looking = xcalloc(1, sizeof(*viewer->looking));
	viewer->looking->viewer = viewer;
	flow_look(kv, viewer->flow_id, on_seen, viewer->looking);
}

/* ---- Time ---- */

static bool is_stuck(struct viewer *viewer, int64_t now_ms)
{
	const struct settings *settings = live_host(viewer->live)->settings;

	if (waiting(viewer) == 0)
		viewer->stuck_since_ms = 0;
	else if (viewer->stuck_since_ms == 0)
		viewer->stuck_since_ms = now_ms;
	return viewer->stuck_since_ms != 0 &&
	       now_ms - viewer->stuck_since_ms >= settings->server.write_timeout_ms;
}

void viewer_tick(struct viewer *viewer, int64_t now_ms, bool may_look)
{
	bool must_beat = now_ms >= viewer->beat_ms;

	if (viewer->request)
		return; /* its deadline is the request's */
	websocket_allow(&viewer->socket, FRAMES_A_SECOND);
	if (is_stuck(viewer, now_ms) || (must_beat && !viewer->kind->beat(viewer))) {
		viewer_cut(viewer);
		return;
	}
	if (must_beat)
		set_beat(viewer);
	if (viewer->polled && now_ms >= viewer->poll_ms) {
		viewer->poll_ms = now_ms + FLOW_POLL_MS;
		flow_poll_soon(viewer->polled, viewer->flow_id);
	}
	if (may_look && (must_beat || viewer->is_stale || clock_now_ms() >= viewer->expires_ms))
		viewer_look(viewer);
}

void viewer_open(struct live *live, struct request *request, const struct live_kind *kind)
{
	const struct flows flows = { &live_host(live)->kv, live_host(live)->seal };
	struct viewer *viewer = xcalloc(1, sizeof(*viewer));
	const char *flow_id = request_param(request, "flow_id");

	viewer->live = live;
	viewer->kind = kind;
	viewer->request = request;
	viewer->client = request->client;
	viewer->stamp.at_us = clock_now_us();
	(void)rng_bytes(&viewer->stamp.random, sizeof(viewer->stamp.random));
	if (strlen(flow_id) == RNG_ID_LEN)
		memcpy(viewer->flow_id, flow_id, RNG_ID_LEN);
	flow_event_name(&flows, flow_id, viewer->name);
	live_link(live, viewer);
	viewer_look(viewer);
}
