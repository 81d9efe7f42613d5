/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of every route: the host's own (routes.c), and those the plugins of this generation declare.
 * Built once, read by anybody.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include "board.h"
#include "err.h"
#include "http_head.h"
#include "instance.h"

#include <stddef.h>
#include <stdint.h>

struct request;

typedef void route_handler(struct request *request);

enum route_flag {
	ROUTE_LOOP = 1,       /* run on the loop: it asks no store, or ends the request later */
	ROUTE_CONTROL = 2,    /* on the control socket, and nowhere else */
	ROUTE_AUTH = 4,       /* counts against the sign-in limit of an address */
	ROUTE_METRICS = 8,    /* only for addresses of server.metrics_allow */
	ROUTE_FORM = 16,      /* takes a form body (RFC 7662, 7009), not JSON */
	ROUTE_PROBE = 32,     /* no limit of addresses: the operator's own tools ask often */
	ROUTE_PROVIDER = 64,  /* {provider} names the instance */
	ROUTE_FINISHES = 128, /* run calls dispatch_finish itself, maybe later */
	ROUTE_EMPTY = 256,    /* no answer of it has a body */
	ROUTE_BROWSER =
		512, /* a browser may come by itself: shows it errors as pages, takes forms of our own */
	ROUTE_UPSTREAM =
		1024,     /* takes any body; fields are those of the query, and of a form or JSON */
	ROUTE_RAW = 2048, /* the body is read by the op alone; fields are those of the query */
	ROUTE_NO_HEAD = 4096, /* its GET may do something: HEAD, which asks only, is 405 */
};

/* "POST", "/api/v1/auth/{provider}/begin"; {name} matches one segment. */
struct route {
	enum http_method method;
	const char *path;
	const char *permission; /* as in pintle_route */
	route_handler *run;
	uint32_t flags;
	const char *summary;
	/* Of a plugin's route: */
	struct pintle_inst *inst;
	const struct pintle_route *declared;
	const struct route *alternative; /* same method and path, another field in when */
	int index;                       /* in the board, filled by the router */
};

#define ROUTE_MAX_PARAMS 4

struct route_params {
	struct slice names[ROUTE_MAX_PARAMS], values[ROUTE_MAX_PARAMS];
	size_t n_params;
};

struct router;

/* Fails on a duplicate method and path (unless told apart by when), a malformed pattern, too many. */
struct router *router_new(const struct route *own, size_t n_own, const struct instances *instances,
			  route_handler *plugin_route, struct board *board, struct err *err);
void router_free(struct router *router);
/* NULL and 404, or NULL and 405 with the allowed methods ("GET, HEAD, PUT") in allow. HEAD finds GET,
 * unless that is ROUTE_NO_HEAD. */
const struct route *router_find(const struct router *router, enum http_method method,
				struct slice path, bool is_control, struct route_params *params,
				int *status_out, char allow[64]);
size_t router_count(const struct router *router);
const struct route *router_at(const struct router *router, size_t index);
const char *http_method_name(enum http_method method);

#endif
