/* SPDX-License-Identifier: Apache-2.0 */
/* Building the route table and finding a route: literal paths by binary search, patterns in order. */
#include "router.h"

#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>

struct router {
	struct route *routes; /* all, in order of declaration */
	size_t n_routes;
	const struct route **literal; /* sorted by path */
	size_t n_literal;
	const struct route **patterns;
	size_t n_patterns;
};

static const char *const method_names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS" };

const char *http_method_name(enum http_method method)
{
	return method < HTTP_OTHER ? method_names[method] : "OTHER";
}

static enum http_method method_of(const char *name)
{
	for (size_t i = 0; i < HTTP_OTHER; i++)
		if (strcmp(method_names[i], name) == 0)
			return (enum http_method)i;
	return HTTP_OTHER;
}

static bool is_pattern(const char *path)
{
	return strchr(path, '{') != NULL;
}

static size_t segment_len(const char *path)
{
	return strcspn(path, "/");
}

/* Every segment is plain text or one {name}. */
static bool path_ok(const char *path)
{
	size_t n_params = 0;

	if (*path != '/')
		return false;
	while (*path == '/') {
		size_t len = segment_len(++path);
		const char *open = memchr(path, '{', len), *shut = memchr(path, '}', len);

		if ((open || shut) && (open != path || shut != path + len - 1 || len < 3))
			return false;
		if (open && ++n_params > ROUTE_MAX_PARAMS)
			return false;
		path += len;
	}
	return true;
}

static bool add_param(struct route_params *params, struct slice name, struct slice value)
{
	if (value.len == 0 || params->n_params == ROUTE_MAX_PARAMS)
		return false;
	params->names[params->n_params] = name;
	params->values[params->n_params++] = value;
	return true;
}

static bool path_matches(const char *pattern, struct slice path, struct route_params *params)
{
	const char *at = path.ptr, *end = path.ptr + path.len;

	params->n_params = 0;
	while (*pattern == '/') {
		size_t want = segment_len(++pattern), have;

		if (at == end || *at != '/')
			return false;
		at++;
		have = 0;
		while (at + have < end && at[have] != '/')
			have++;
		if (*pattern == '{') {
			struct slice name = { pattern + 1, want - 2 };

			if (!add_param(params, name, (struct slice){ at, have }))
				return false;
		} else if (want != have || memcmp(pattern, at, want) != 0) {
			return false;
		}
		pattern += want;
		at += have;
	}
	return at == end;
}

/* ---- Building ---- */

static struct route *same_route(struct router *router, enum http_method method, const char *path)
{
	for (size_t i = 0; i < router->n_routes; i++)
		if (router->routes[i].method == method && strcmp(router->routes[i].path, path) == 0)
			return &router->routes[i];
	return NULL;
}

static const char *owner_of(const struct route *route)
{
	return route->inst ? route->inst->name : "the host";
}

static const char *when_of(const struct route *route)
{
	return route->declared ? route->declared->when : NULL;
}

/* Puts route at the end of the chain that starts with first; each must name another field. */
static bool add_alternative(struct route *first, struct route *route, struct err *err)
{
	struct route *last = first;

	for (struct route *other = first; other; other = (struct route *)other->alternative) {
		const char *when = when_of(other);

		if (!when || !when_of(route) || strcmp(when, when_of(route)) == 0)
			return err_set(err, "route %s %s is declared by %s and by %s",
				       http_method_name(route->method), route->path,
				       owner_of(other), owner_of(route));
		last = other;
	}
	last->alternative = route;
	return true;
}

static bool add_route(struct router *router, const struct route *route, struct err *err)
{
	struct route *first = same_route(router, route->method, route->path);
	struct route *mine;

	if (router->n_routes == BOARD_ROUTES)
		return err_set(err, "more than %d routes", BOARD_ROUTES);
	if (route->method == HTTP_OTHER || !path_ok(route->path))
		return err_set(err, "route %s of %s is malformed", route->path, owner_of(route));
	mine = &router->routes[router->n_routes++];
	*mine = *route;
	mine->alternative = NULL;
	return !first || add_alternative(first, mine, err);
}

/* Looking is no attempt: who waits for somebody else asks every few seconds. */
static bool is_attempt(const struct pintle_route *declared)
{
	bool is_look = declared->kind == PINTLE_TO_OP && method_of(declared->method) == HTTP_GET;

	return !declared->permission && !is_look;
}

static uint32_t flags_of(const struct pintle_route *declared)
{
	return ROUTE_FINISHES | ROUTE_NO_HEAD | (is_attempt(declared) ? ROUTE_AUTH : 0) |
	       (declared->kind == PINTLE_TO_OP ? ROUTE_BROWSER : 0) |
	       (strstr(declared->path, "{provider}") ? ROUTE_PROVIDER : 0);
}

/* Another section of the same plugin has declared it: then it is that one's. */
static bool is_taken(struct router *router, const struct route *route)
{
	const struct route *first = same_route(router, route->method, route->path);

	for (; first; first = first->alternative) {
		if (first->inst && first->inst != route->inst &&
		    first->inst->plugin == route->inst->plugin)
			return true;
	}
	return false;
}

static const char *permission_of(const struct pintle_route *declared)
{
	if (declared->permission)
		return declared->permission;
	return declared->kind == PINTLE_TO_BIND || declared->kind == PINTLE_TO_UNBIND ? "self"
										      : NULL;
}

static bool add_declared(struct router *router, struct pintle_inst *inst, route_handler *run,
			 struct err *err)
{
	const struct pintle_api *api = &inst->plugin->api;

	for (size_t i = 0; i < api->n_routes; i++) {
		const struct pintle_route *declared = &inst->plugin->routes[i];
		struct route route = {
			.method = method_of(declared->method),
			.path = declared->path,
			.permission = permission_of(declared),
			.run = run,
			.flags = flags_of(declared),
			.summary = declared->summary,
			.inst = inst,
			.declared = declared,
		};

		if (!is_taken(router, &route) && !add_route(router, &route, err))
			return false;
	}
	return true;
}

static int by_path(const void *a, const void *b)
{
	return strcmp((*(const struct route *const *)a)->path,
		      (*(const struct route *const *)b)->path);
}

static bool is_alternative(const struct router *router, const struct route *route)
{
	for (size_t i = 0; i < router->n_routes; i++)
		if (router->routes[i].alternative == route)
			return true;
	return false;
}

static void index_routes(struct router *router, struct board *board)
{
	router->literal = xcalloc(router->n_routes + 1, sizeof(struct route *));
	router->patterns = xcalloc(router->n_routes + 1, sizeof(struct route *));
	for (size_t i = 0; i < router->n_routes; i++) {
		struct route *route = &router->routes[i];

		route->index = board_route(board, http_method_name(route->method), route->path);
		if (is_alternative(router, route))
			continue;
		if (is_pattern(route->path))
			router->patterns[router->n_patterns++] = route;
		else
			router->literal[router->n_literal++] = route;
	}
	qsort(router->literal, router->n_literal, sizeof(struct route *), by_path);
}

struct router *router_new(const struct route *own, size_t n_own, const struct instances *instances,
			  route_handler *plugin_route, struct board *board, struct err *err)
{
	struct router *router = xcalloc(1, sizeof(*router));

	router->routes = xcalloc(BOARD_ROUTES, sizeof(struct route));
	for (size_t i = 0; i < n_own; i++)
		if (!add_route(router, &own[i], err))
			goto fail;
	for (size_t i = 0; i < instances->n_items; i++)
		if (!add_declared(router, &instances->items[i], plugin_route, err))
			goto fail;
	index_routes(router, board);
	return router;
fail:
	router_free(router);
	return NULL;
}

void router_free(struct router *router)
{
	if (!router)
		return;
	free(router->literal);
	free(router->patterns);
	free(router->routes);
	free(router);
}

/* ---- Finding ---- */

struct search {
	enum http_method method;
	bool is_control;
	bool is_path_known;
	char *allow;
};

static bool takes_head(const struct route *route)
{
	return route->method == HTTP_GET && (route->flags & ROUTE_NO_HEAD) == 0;
}

static void note_allowed(struct search *search, const struct route *route)
{
	size_t len = strlen(search->allow);

	search->is_path_known = true;
	(void)snprintf(search->allow + len, 64 - len, "%s%s%s", len ? ", " : "",
		       http_method_name(route->method), takes_head(route) ? ", HEAD" : "");
}

static bool route_fits(struct search *search, const struct route *route)
{
	if (search->is_control != ((route->flags & ROUTE_CONTROL) != 0))
		return false;
	note_allowed(search, route);
	return search->method == HTTP_HEAD ? takes_head(route) : route->method == search->method;
}

static int compare_path(struct slice path, const char *literal)
{
	size_t len = strlen(literal);
	int order = memcmp(path.ptr, literal, path.len < len ? path.len : len);

	return order != 0 ? order : (path.len > len) - (path.len < len);
}

static const struct route *find_literal(const struct router *router, struct slice path,
					struct search *search)
{
	size_t low = 0, high = router->n_literal;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_path(path, router->literal[middle]->path) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < router->n_literal && compare_path(path, router->literal[low]->path) == 0;
	     low++)
		if (route_fits(search, router->literal[low]))
			return router->literal[low];
	return NULL;
}

const struct route *router_find(const struct router *router, enum http_method method,
				struct slice path, bool is_control, struct route_params *params,
				int *status_out, char allow[64])
{
	struct search search = { .method = method, .is_control = is_control, .allow = allow };
	const struct route *route;

	params->n_params = 0;
	allow[0] = '\0';
	route = find_literal(router, path, &search);
	if (route || search.is_path_known)
		goto out;
	for (size_t i = 0; i < router->n_patterns && !route; i++)
		if (path_matches(router->patterns[i]->path, path, params) &&
		    route_fits(&search, router->patterns[i]))
			route = router->patterns[i];
out:
	*status_out = route ? 200 : search.is_path_known ? 405 : 404;
	return route;
}

size_t router_count(const struct router *router)
{
	return router->n_routes;
}

const struct route *router_at(const struct router *router, size_t index)
{
	return &router->routes[index];
}
