/* SPDX-License-Identifier: Apache-2.0 */
/* One who watches a flow, for live.c and the kinds of connection. All [loop]. */
#ifndef VIEWER_H
#define VIEWER_H

#include "address.h"
#include "rng.h"
#include "seal.h"
#include "websocket.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct bufferevent;
struct http_conn;
struct live;
struct looking;
struct request;

enum viewer_end {
	VIEWER_OVER,     /* the flow has ended */
	VIEWER_REPLACED, /* another one watches it now */
	VIEWER_RESTART   /* the worker ends; another one will do */
};

struct viewer;

struct live_kind {
	/* The head of the answer, for a request whose handshake is done. */
	void (*answer)(struct request *request);
	void (*start)(struct viewer *viewer);
	/* Bytes of the client have come. False: it is to be closed, and has been told why. */
	bool (*read)(struct viewer *viewer);
	void (*show)(struct viewer *viewer, const char *json, size_t len);
	/* Every server.live_ping; false: the client has not answered the last. */
	bool (*beat)(struct viewer *viewer);
	void (*end)(struct viewer *viewer, enum viewer_end why);
};

/* When it came, to the same order on all hosts. */
struct viewer_stamp {
	int64_t at_us;
	uint64_t random;
};

struct viewer {
	LIST_ENTRY(viewer) link; /* of all */
	LIST_ENTRY(viewer) same; /* of those whose names hash alike */
	struct live *live;
	const struct live_kind *kind;
	struct request *request; /* until it is answered */
	struct http_conn *conn;  /* from then on */
	struct bufferevent *bev;
	struct websocket socket; /* of a WebSocket */
	struct address client;
	char flow_id[RNG_ID_LEN + 1];
	char name[2 * SEAL_MAC_LEN + 1]; /* of the flow, on the bus */
	struct viewer_stamp stamp;
	int64_t expires_ms;
	int64_t beat_ms;            /* monotonic; the next */
	struct pintle_inst *polled; /* who is asked how far the flow is; NULL: nobody */
	int64_t poll_ms;            /* monotonic; the next time */
	int64_t stuck_since_ms;     /* monotonic; what it was sent waits; 0: nothing does */
	const char *state;          /* as last read; lasting */
	const char *shown;          /* as last sent */
	struct looking *looking;
	bool is_stale; /* to be read again */
};

/* Linked into live, and reading; the answer to request comes of it. */
void viewer_open(struct live *live, struct request *request, const struct live_kind *kind);
/* There may be something new. */
void viewer_look(struct viewer *viewer);
/* Both free it. One that is not open yet is refused. */
void viewer_end(struct viewer *viewer, enum viewer_end why);
void viewer_cut(struct viewer *viewer);
/* Frees it alone; the connection is somebody else's to end. */
void viewer_abandon(struct viewer *viewer);
/* Once a second. May free it. may_look: the store may be asked now. */
void viewer_tick(struct viewer *viewer, int64_t now_ms, bool may_look);

/* ---- What live.c has for viewer.c ---- */

struct host;
struct host *live_host(const struct live *live);
bool live_is_draining(const struct live *live);
void live_link(struct live *live, struct viewer *viewer);
void live_unlink(struct live *live, struct viewer *viewer);
/* It is the one who watches its flow from now on. */
void live_replace_others(struct live *live, const struct viewer *viewer);

#endif
