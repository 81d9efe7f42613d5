/* SPDX-License-Identifier: Apache-2.0 */
#include "cors.h"

#include "host.h"
#include "request.h"

static const char *listed_origin(const struct request *request)
{
	const char *const *origin = request->host->settings->server.cors_origins;
	struct slice given = http_head_get(&request->http->head, "origin");

	for (; given.ptr && *origin; origin++)
		if (slice_is(given, *origin))
			return *origin;
	return NULL;
}

void cors_apply(struct request *request)
{
	const char *origin = listed_origin(request);

	if (*request->host->settings->server.cors_origins)
		answer_header(request, "Vary", "Origin");
	if (!origin)
		return;
	answer_header(request, "Access-Control-Allow-Origin", origin);
	answer_header(request, "Access-Control-Expose-Headers",
		      "X-Request-Id, Retry-After, RateLimit, RateLimit-Policy");
}

bool cors_preflight(struct request *request)
{
	if (!listed_origin(request))
		return false;
	request->answer.status = 204;
	request->answer.is_empty = true;
	answer_header(request, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
	answer_header(request, "Access-Control-Allow-Headers",
		      "Authorization, Content-Type, Accept-Language");
	answer_header(request, "Access-Control-Max-Age", "600");
	return true;
}
