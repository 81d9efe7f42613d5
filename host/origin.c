/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include "host.h"
#include "request.h"

#include <strings.h>

static struct slice header(const struct request *request, const char *name)
{
	return http_head_get(&request->http->head, name);
}

/* "https://auth.example.com/sign-in" without its path. */
static struct slice origin_of_url(const char *url)
{
	const char *authority = strstr(url, "://");
	size_t len = authority ? (size_t)(authority + 3 - url) : 0;

	return (struct slice){ url, len + strcspn(url + len, "/?#") };
}

static bool is_same(struct slice a, struct slice b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* No page of another site can make a browser send another Host. */
static bool is_where_it_was_sent(const struct request *request, struct slice origin)
{
	struct slice scheme = request->http->is_tls ? SLICE("https://") : SLICE("http://");
	struct slice host = header(request, "host");

	return host.ptr && origin.len == scheme.len + host.len &&
	       strncasecmp(origin.ptr, scheme.ptr, scheme.len) == 0 &&
	       strncasecmp(origin.ptr + scheme.len, host.ptr, host.len) == 0;
}

bool origin_is_own(const struct request *request)
{
	const char *url = request->host->settings->server.public_url;
	struct slice origin = header(request, "origin");

	if (!origin.ptr)
		return false;
	if (url && *url)
		return is_same(origin, origin_of_url(url));
	return is_where_it_was_sent(request, origin);
}

const char *origin_listed(const struct request *request)
{
	const char *const *origin = request->host->settings->server.cors_origins;
	struct slice given = header(request, "origin");

	for (; given.ptr && *origin; origin++)
		if (slice_is(given, *origin))
			return *origin;
	return NULL;
}

bool origin_is_own_page(const struct request *request)
{
	struct slice site = header(request, "sec-fetch-site");

	if (http_head_count(&request->http->head, "sec-fetch-site") > 0)
		return site.ptr && slice_is(site, "same-origin");
	return origin_is_own(request);
}
