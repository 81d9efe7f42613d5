/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const struct pintle_kv_request request = {
		.size = sizeof(request), .op = PINTLE_KV_GET, .key = "banned", .key_len = 6
	};
	struct pintle_kv_answer answer = { .size = sizeof(answer) };
	int32_t status = self->host->kv(call, &request, &answer);

	if (status == PINTLE_NOT_FOUND)
		return base_verify(self_of_inst, call);
#ifdef FIXED
	if (PINTLE_IS_FAULT(status))
		return status;
#endif
	return PINTLE_DENIED;
}

#define VERIFY verify
#include "end.h"
