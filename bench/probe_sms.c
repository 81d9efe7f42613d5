/* SPDX-License-Identifier: Apache-2.0 */
/* A sender that costs next to nothing: "number code" as a datagram to the load client, so that what is
 * measured is the server and no gateway. */
#include <pintle/helpers.h>
#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct conf {
	const char *socket;
};

struct probe_sms {
	int fd;
	struct sockaddr_un to;
};

static const struct pintle_opt opts[] = {
	{ "socket", PINTLE_STRING, PINTLE_OPT(struct conf, socket), NULL, 1, 100, NULL,
	  "Datagram socket of the load client." },
};

static void close_instance(void *self_of_inst)
{
	struct probe_sms *self = self_of_inst;

	if (self)
		(void)close(self->fd);
	free(self);
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	struct probe_sms *self = calloc(1, sizeof(*self));

	(void)host;
	(void)inst;
	if (!self)
		return PINTLE_INTERNAL;
	self->to.sun_family = AF_UNIX;
	(void)snprintf(self->to.sun_path, sizeof(self->to.sun_path), "%s", conf->socket);
	self->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (self->fd < 0) {
		(void)snprintf(err, err_len, "no socket");
		free(self);
		return PINTLE_INTERNAL;
	}
	*self_out = self;
	return PINTLE_OK;
}

static int32_t send_message(void *self_of_inst, struct pintle_call *call,
			    const struct pintle_message *message)
{
	const struct probe_sms *self = self_of_inst;
	const char *code = pintle_message_var(message, "code");
	char text[64];
	int len = snprintf(text, sizeof(text), "%s %s", message->to, code ? code : "");

	(void)call;
	if (sendto(self->fd, text, (size_t)len, 0, (const struct sockaddr *)&self->to,
		   sizeof(self->to)) != len)
		return PINTLE_UNAVAILABLE;
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
	.name = "probe_sms",
	.version = "0.1.0",
	.summary = "Codes to the load client of the benchmark",
	.opts = opts,
	.n_opts = sizeof(opts) / sizeof(opts[0]),
	.opt_size = sizeof(opts[0]),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = close_instance,
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
