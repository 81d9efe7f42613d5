/* SPDX-License-Identifier: Apache-2.0 */
/* A sender for development: text messages go to the outbox. */
#include "outbox.h"

#include <stdlib.h>

static const struct pintle_sender sender = {
	.size = sizeof(sender),
	.channel = "sms",
	.send = outbox_send,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "sms_log",
	.version = "0.1.0",
	.summary = "Text messages to the outbox of the developer",
	.open = outbox_open,
	.close = free,
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
