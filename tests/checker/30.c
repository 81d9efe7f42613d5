/* SPDX-License-Identifier: Apache-2.0 */
#include "base.h"

static int32_t send_message(void *self_of_inst, struct pintle_call *call,
			    const struct pintle_message *message)
{
	const struct base *self = self_of_inst;
	const struct pintle_request request = { .size = sizeof(request),
						.url = "https://gateway.example/",
						.body = message->to,
						.body_len = strlen(message->to) };
	struct pintle_answer answer = { .size = sizeof(answer) };
	int32_t status = self->host->http(call, &request, &answer);

#ifndef FIXED
	if (status == PINTLE_TIMEOUT)
		status = PINTLE_UNAVAILABLE;
#endif
	if (status != PINTLE_OK)
		return status;
	return answer.code == 200 ? PINTLE_OK : PINTLE_UNAVAILABLE;
}

static const struct pintle_sender sender = { .size = sizeof(sender),
					     .channel = "sms",
					     .send = send_message };

#define SENDER &sender
#include "end.h"
