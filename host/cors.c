/* SPDX-License-Identifier: Apache-2.0 */
#include "cors.h"

#include "host.h"
#include "origin.h"
#include "request.h"

void cors_apply(struct request *request)
{
	const char *origin = origin_listed(request);

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
	if (!origin_listed(request))
		return false;
	request->answer.status = 204;
	request->answer.is_empty = true;
	answer_header(request, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
	answer_header(request, "Access-Control-Allow-Headers",
		      "Authorization, Content-Type, Accept-Language");
	answer_header(request, "Access-Control-Max-Age", "600");
	return true;
}
