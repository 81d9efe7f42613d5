/* SPDX-License-Identifier: Apache-2.0 */
/* A sender for development: mail goes to the outbox. */
#include "../sms_log/outbox.h"

#include <stdlib.h>

static const struct pintle_sender sender = {
	.size = sizeof(sender),
	.channel = "mail",
	.send = outbox_send,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "mail_log",
	.version = "0.1.0",
	.summary = "Mail to the outbox of the developer",
	.open = outbox_open,
	.close = free,
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
