/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct base *self = self_of_inst;
	const struct pintle_request request = { .size = sizeof(request),
						.url = "https://upstream.example/code" };
	struct pintle_answer answer = { .size = sizeof(answer) };
	int32_t status = self->host->http(call, &request, &answer);

	if (status == PINTLE_OK)
		status = self->host->set_int(call, "max_age_ms", answer.max_age_ms);
	if (status != PINTLE_OK)
		return status;
#ifdef FIXED
	if (strcmp(answer.body, "yes") != 0)
		return strcmp(answer.body, "no") == 0 ? PINTLE_DENIED : PINTLE_INTERNAL;
#else
	if (strcmp(answer.body, "yes") != 0)
		return PINTLE_DENIED;
#endif
	return base_verify(self_of_inst, call);
}

#define VERIFY verify
#include "end.h"
