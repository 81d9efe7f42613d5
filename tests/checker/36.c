/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const struct pintle_kv_request request = { .size = sizeof(request),
						   .op = PINTLE_KV_INCR,
						   .key = "n",
						   .key_len = 1,
						   .ttl_ms = 60000,
						   .delta = 1 };
	struct pintle_kv_answer answer = { .size = sizeof(answer) };
	int32_t status;

	for (int i = 0; i < 3; i++) {
		status = self->host->kv(call, &request, &answer);
		if (status == PINTLE_OK)
			break;
	}
#ifndef FIXED
	if (status == PINTLE_TIMEOUT)
		return PINTLE_LIMITED;
#endif
	return status == PINTLE_OK ? base_begin(self_of_inst, call) : status;
}

#define BEGIN begin
#include "end.h"
