/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "address_count.h"
#include "clock.h"
#include "dispatch.h"
#include "host.h"
#include "request.h"
#include "text.h"
#include "viewer.h"
#include "xalloc.h"

#include <pintle/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_BUCKETS 4096
#define TICK_MS 1000
#define STALE_A_TICK                                                                               \
	1000 /* reads a second after messages were lost; the store has others to serve */
#define NAME_LEN ((size_t)2 * SEAL_MAC_LEN)
#define NEWCOMER_LEN (NAME_LEN + 32)

LIST_HEAD(viewer_list, viewer);

struct live {
	struct host *host;
	struct viewer_list all, by_name[N_BUCKETS];
	size_t n_viewers, max;
	struct address_counts by_address;
	bool is_draining;
};

struct host *live_host(const struct live *live)
{
	return live->host;
}

bool live_is_draining(const struct live *live)
{
	return live->is_draining;
}

/* ---- The set ---- */

/* A name is a keyed hash in hex: any part of it will do. */
static struct viewer_list *bucket_of(struct live *live, const char *name)
{
	char part[9];

	memcpy(part, name, 8);
	part[8] = '\0';
	return &live->by_name[strtoul(part, NULL, 16) % N_BUCKETS];
}

void live_link(struct live *live, struct viewer *viewer)
{
	LIST_INSERT_HEAD(&live->all, viewer, link);
	LIST_INSERT_HEAD(bucket_of(live, viewer->name), viewer, same);
	live->n_viewers++;
}

void live_unlink(struct live *live, struct viewer *viewer)
{
	LIST_REMOVE(viewer, link);
	LIST_REMOVE(viewer, same);
	live->n_viewers--;
	address_count_out(&live->by_address, &viewer->client);
}

typedef void viewer_visit(struct viewer *viewer, const void *arg);

/* visit may free the viewer. name is not NUL-terminated. */
static void each_of(struct live *live, const char *name, viewer_visit *visit, const void *arg)
{
	struct viewer *next;

	for (struct viewer *viewer = LIST_FIRST(bucket_of(live, name)); viewer; viewer = next) {
		next = LIST_NEXT(viewer, same);
		if (memcmp(viewer->name, name, NAME_LEN) == 0)
			visit(viewer, arg);
	}
}

/* ---- The bus ---- */

static void look(struct viewer *viewer, const void *arg)
{
	(void)arg;
	viewer_look(viewer);
}

/* Messages may have been missed; the ticks to come make up for them. */
static void doubt_all(struct live *live)
{
	struct viewer *viewer = LIST_FIRST(&live->all);

	for (; viewer; viewer = LIST_NEXT(viewer, link))
		viewer->is_stale = true;
}

static void on_event(void *ctx, const void *value, size_t len)
{
	static const char start[] = "{\"event\":\"flow\",\"data\":{\"flow\":\"";
	const size_t start_len = sizeof(start) - 1;
	struct live *live = ctx;

	if (!value)
		doubt_all(live);
	else if (len > start_len + NAME_LEN && memcmp(value, start, start_len) == 0)
		each_of(live, (const char *)value + start_len, look, NULL);
}

static bool is_older(const struct viewer_stamp *a, const struct viewer_stamp *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->random < b->random;
}

/* One that is still being opened has not been counted as watching, and takes the place itself. */
static void give_way(struct viewer *viewer, const void *arg)
{
	if (viewer->conn && is_older(&viewer->stamp, arg))
		viewer_end(viewer, VIEWER_REPLACED);
}

static bool read_hex(const char *text, uint64_t *out)
{
	char digits[17];
	char *end;

	memcpy(digits, text, 16);
	digits[16] = '\0';
	*out = strtoull(digits, &end, 16);
	return *end == '\0';
}

static void on_newcomer(void *ctx, const void *value, size_t len)
{
	struct live *live = ctx;
	const char *name = value;
	struct viewer_stamp stamp;
	uint64_t at_us;

	if (!value || len != NEWCOMER_LEN || !read_hex(name + NAME_LEN, &at_us) ||
	    !read_hex(name + NAME_LEN + 16, &stamp.random))
		return;
	stamp.at_us = (int64_t)at_us;
	each_of(live, name, give_way, &stamp);
}

static void ignore(void *ctx, const struct pintle_kv_answer *answer)
{
	(void)ctx;
	(void)answer; /* a message may be lost: then two watch, which does no harm */
}

void live_replace_others(struct live *live, const struct viewer *viewer)
{
	char bytes[NEWCOMER_LEN];
	struct text text = { .bytes = bytes, .size = sizeof(bytes) };
	struct pintle_kv_request publish;

	each_of(live, viewer->name, give_way, &viewer->stamp);
	text_put(&text, viewer->name);
	text_put_hex(&text, (uint64_t)viewer->stamp.at_us, 16);
	text_put_hex(&text, viewer->stamp.random, 16);
	publish = kv_set("viewers", bytes, text.len, 1);
	publish.op = PINTLE_KV_PUBLISH;
	kv_submit(&live->host->kv, &publish, ignore, NULL);
}

/* ---- Time ---- */

static void tick(void *arg)
{
	struct live *live = arg;
	int64_t now_ms = clock_mono_ms();
	size_t n_stale = 0;
	struct viewer *next;

	for (struct viewer *viewer = LIST_FIRST(&live->all); viewer; viewer = next) {
		next = LIST_NEXT(viewer, link);
		n_stale += viewer->is_stale;
		viewer_tick(viewer, now_ms, !viewer->is_stale || n_stale <= STALE_A_TICK);
	}
	loop_after(live->host->loop, TICK_MS, tick, live);
}

/* ---- In and out ---- */

void live_open(struct live *live, struct request *request, const struct live_kind *kind)
{
	const char *error = NULL;

	if (live->is_draining || live->n_viewers >= live->max)
		error = "busy";
	else if (!address_count_in(&live->by_address, &request->client,
				   live->host->settings->server.max_live_per_address))
		error = "rate_limited";
	if (!error) {
		viewer_open(live, request, kind);
		return;
	}
	answer_error(request, error);
	dispatch_finish(request);
}

static void end_all(struct live *live)
{
	struct viewer *next;

	for (struct viewer *viewer = LIST_FIRST(&live->all); viewer; viewer = next) {
		next = LIST_NEXT(viewer, link);
		if (viewer->conn)
			viewer_end(viewer, VIEWER_RESTART);
	}
}

void live_drain(struct live *live)
{
	live->is_draining = true;
	end_all(live);
}

size_t live_count(const struct live *live, const struct live_kind *kind)
{
	const struct viewer *viewer = LIST_FIRST(&live->all);
	size_t n = 0;

	for (; viewer; viewer = LIST_NEXT(viewer, link))
		n += viewer->kind == kind && viewer->conn;
	return n;
}

struct live *live_new(struct host *host, struct err *err)
{
	const struct server_settings *server = &host->settings->server;
	const struct pintle_kv *kv = host->kv.ops;
	struct live *live = xcalloc(1, sizeof(*live));

	live->host = host;
	live->max = (size_t)server->max_live;
	if (live->max > (size_t)server->max_connections / 2)
		live->max = (size_t)server->max_connections / 2;
	if (kv->subscribe(host->kv.self, "events", on_event, live) != PINTLE_OK ||
	    kv->subscribe(host->kv.self, "viewers", on_newcomer, live) != PINTLE_OK) {
		(void)err_set(err, "[%s] takes no subscriber", host->settings->storage.kv);
		free(live);
		return NULL;
	}
	loop_after(host->loop, TICK_MS, tick, live);
	return live;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	while (!LIST_EMPTY(&live->all))
		viewer_abandon(LIST_FIRST(&live->all));
	free(live);
}
