/* SPDX-License-Identifier: Apache-2.0 */
#include "callback.h"

#include "call.h"
#include "dispatch.h"
#include "op.h"
#include "waiting.h"

#include <pintle/plugin.h>

static void came_back(struct pintle_call *call, int32_t status)
{
	if (status == PINTLE_OK)
		status = waiting_store(call);
	if (status == PINTLE_OK)
		op_answer_fine(call);
	else
		op_answer(call, status);
	dispatch_finish(call->request);
}

/* Mail scanners and previews ask HEAD: they must not use up what a link is good for. */
static bool is_head(const struct request *request)
{
	return request->http->head.method == HTTP_HEAD;
}

void callback_run(struct request *request)
{
	const struct pintle_provider *provider = &request->inst->plugin->provider;

	if (!provider->callback) {
		op_refuse(request);
	} else if (is_head(request)) {
		answer_error(request, "method_not_allowed");
		answer_header(request, "Allow", "GET, POST");
		dispatch_finish(request);
	} else {
		call_run(op_call(request, "callback", PINTLE_LOGIN), provider->callback, came_back);
	}
}
