/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway as a third party writes it: messages go to a file. */
#include <pintle/helpers.h>
#include <pintle/plugin.h>

#include <stdio.h>

struct conf {
	const char *file;
};

static const struct pintle_opt opts[] = {
	{ "file", PINTLE_STRING, PINTLE_OPT(struct conf, file), NULL, 1, 1024, NULL,
	  "Where the messages go." },
};

static int32_t send_message(void *self, struct pintle_call *call,
			    const struct pintle_message *message)
{
	const struct pintle_plain *plain = self;
	const struct conf *conf = plain->conf;
	const char *code = pintle_message_var(message, "code");
	FILE *file = code ? fopen(conf->file, "ae") : NULL;
	int n_written;

	if (!file)
		return PINTLE_UNAVAILABLE;
	n_written = fprintf(file, "%s %s\n", message->to, code);
	if (fclose(file) != 0 || n_written < 0)
		return PINTLE_TIMEOUT; /* who knows how much of it is there */
	(void)plain->host->set(call, "upstream_id", message->to);
	return PINTLE_OK;
}

static const struct pintle_sender sender = {
	.size = sizeof(sender),
	.channel = "sms",
	.send = send_message,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "pigeon",
	.version = "1.0.0",
	.summary = "Text messages into a file",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
