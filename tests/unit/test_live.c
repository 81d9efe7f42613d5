/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of many viewers at once while the store is away. */
#include "live.h"

#include "clock.h"
#include "host.h"
#include "loop.h"
#include "viewer.h"

#include <event2/bufferevent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_VIEWERS 1010
#define N_READS 1000 /* a tick */
#define HOUR_MS 3600000

static struct loop *loop;
static int n_reads, n_beats;

static void refuse(void *self, const struct pintle_kv_request *request, pintle_kv_done *done,
		   void *ctx)
{
	const struct pintle_kv_answer answer = { .status = PINTLE_UNAVAILABLE };

	(void)self;
	(void)request;
	n_reads++;
	done(ctx, &answer);
}

static int32_t subscribe(void *self, const char *channel, pintle_kv_message *message, void *ctx)
{
	(void)self;
	(void)channel;
	(void)message;
	(void)ctx;
	return PINTLE_OK;
}

/* The tick is gone through to its end; it is the last. */
static bool beat(struct viewer *viewer)
{
	(void)viewer;
	n_beats++;
	loop_stop(loop);
	return true;
}

static void open_viewer(struct viewer *viewer, struct live *live, struct bufferevent *bev)
{
	static const struct live_kind kind = { .beat = beat };

	viewer->live = live;
	viewer->kind = &kind;
	viewer->bev = bev;
	viewer->expires_ms = clock_now_ms() + HOUR_MS;
	viewer->is_stale = true;
	memset(viewer->flow_id, 'a', sizeof(viewer->flow_id) - 1);
	memset(viewer->name, 'a', sizeof(viewer->name) - 1);
	live_link(live, viewer);
}

static void a_store_that_is_away_stops_nobodys_pings(void **state)
{
	static const struct pintle_kv ops = { .flags = PINTLE_KV_INLINE,
					      .submit = refuse,
					      .subscribe = subscribe };
	struct settings settings = { .server = { .max_live = N_VIEWERS,
						 .max_connections = 2 * N_VIEWERS,
						 .live_ping_ms = HOUR_MS,
						 .write_timeout_ms = HOUR_MS } };
	struct host host = { .settings = &settings, .kv = { .ops = &ops } };
	struct viewer *viewers = calloc(N_VIEWERS, sizeof(*viewers));
	struct bufferevent *bev;
	struct live *live;
	struct err err;

	(void)state;
	assert_non_null(viewers);
	host.loop = loop = loop_new();
	bev = bufferevent_socket_new(loop_base(loop), -1, 0);
	live = live_new(&host, &err);
	assert_non_null(live);
	for (size_t i = 0; i < N_VIEWERS; i++)
		open_viewer(&viewers[i], live, bev);
	loop_run(loop);
	assert_int_equal(n_beats, N_VIEWERS);
	assert_int_equal(n_reads, N_READS);
	bufferevent_free(bev);
	loop_free(loop);
	free(live); /* the viewers have no connections that it could end */
	free(viewers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_that_is_away_stops_nobodys_pings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
