/* SPDX-License-Identifier: Apache-2.0 */
#include "callback.h"

#include "call.h"
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
	op_finish(call);
}

void callback_run(struct request *request)
{
	const struct pintle_provider *provider = &request->inst->plugin->provider;

	if (provider->callback)
		call_run(op_call(request, "callback", PINTLE_LOGIN), provider->callback, came_back);
	else
		op_refuse(request);
}
