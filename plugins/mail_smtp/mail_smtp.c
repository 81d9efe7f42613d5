/* SPDX-License-Identifier: Apache-2.0 */
/* Sends mail through a server that takes it by SMTP. */
#include "mime.h"
#include "smtp.h"

#include <pintle/helpers.h>
#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_BYTES 16
#define ADDRESSES_MAX 512

struct conf {
	const char *host, *tls_ca, *user, *password, *from, *from_name;
	int64_t port, timeout_ms;
	int32_t tls; /* enum smtp_tls */
};

struct mail_smtp {
	const struct pintle_host *host;
	struct pintle_inst *inst;
	const struct conf *conf;
};

static const struct pintle_opt opts[] = {
	{ "host", PINTLE_STRING, PINTLE_OPT(struct conf, host), NULL, 1, 253, NULL,
	  "The mail server: a name or an address." },
	{ "port", PINTLE_INT, PINTLE_OPT(struct conf, port), "587", 1, 65535, NULL,
	  "Its port; 465 is usual with tls = implicit." },
	{ "tls", PINTLE_CHOICE, PINTLE_OPT(struct conf, tls), "required", 0, 0,
	  "required implicit off",
	  "required: STARTTLS, and nothing without it; implicit: TLS from the start; off: only to "
	  "this machine or in development." },
	{ "tls_ca", PINTLE_STRING, PINTLE_OPT(struct conf, tls_ca), "", 0, 1024, NULL,
	  "Certificates to trust instead of the system's." },
	{ "user", PINTLE_STRING, PINTLE_OPT(struct conf, user), "", 0, 254, NULL,
	  "Who signs in to the server; empty: nobody does." },
	{ "password", PINTLE_SECRET, PINTLE_OPT(struct conf, password), "", 0, 1024, NULL,
	  "The password of user." },
	{ "from", PINTLE_STRING, PINTLE_OPT(struct conf, from), NULL, 3, 254, NULL,
	  "The address mails come from; its domain is also the name the server is greeted with." },
	{ "from_name", PINTLE_STRING, PINTLE_OPT(struct conf, from_name), "", 0, 128, NULL,
	  "The name shown beside that address." },
	{ "upstream_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, timeout_ms), "5s", 100,
	  60000, NULL, "How long one mail may take." },
};

static int is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
	       strcmp(host, "::1") == 0;
}

static const char *find_fault(const struct pintle_host *host, struct pintle_inst *inst,
			      const struct conf *conf)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-:";

	if (conf->host[strspn(conf->host, letters)] != '\0')
		return "host must be a name or an address, without port";
	if (!mime_is_address(conf->from))
		return "from must be one address, without name and brackets";
	if (!mime_is_header_text(conf->from_name))
		return "from_name must not have control characters";
	if (*conf->user && !*conf->password)
		return "user needs a password";
	if (conf->tls == SMTP_PLAIN && !is_loopback(conf->host) && !host->is_development(inst))
		return "tls must not be off: the codes would travel readable";
	return NULL;
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	const char *fault = find_fault(host, inst, conf);
	struct mail_smtp *self;

	if (fault) {
		(void)snprintf(err, err_len, "%s", fault);
		return PINTLE_INVALID;
	}
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->inst = inst;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

/* ---- One mail ---- */

static int64_t time_for(const struct mail_smtp *self, struct pintle_call *call)
{
	int64_t left_ms = self->host->left_ms(call);

	return left_ms < self->conf->timeout_ms ? left_ms : self->conf->timeout_ms;
}

/* A name that is not known at the moment is the network's fault, not the message's. */
static int32_t deliver(const struct mail_smtp *self, struct pintle_call *call,
		       const struct smtp_mail *mail)
{
	const struct conf *conf = self->conf;
	const struct pintle_host *host = self->host;
	char addresses[ADDRESSES_MAX], why[SMTP_WHY_MAX];
	const struct smtp_server server = {
		.host = conf->host,
		.port = conf->port,
		.tls = (enum smtp_tls)conf->tls,
		.ca_file = conf->tls_ca,
		.user = conf->user,
		.password = conf->password,
		.addresses = addresses,
	};
	int64_t end_ms = host->mono_ms() + time_for(self, call), left_ms;
	int32_t status;

	if (host->resolve(self->inst, conf->host, end_ms - host->mono_ms(), addresses,
			  sizeof(addresses)) != PINTLE_OK) {
		host->detail(call, "the name of the mail server is not resolved");
		return PINTLE_UNAVAILABLE;
	}
	left_ms = end_ms - host->mono_ms();
	if (left_ms <= 0)
		return PINTLE_UNAVAILABLE; /* nothing was sent */
	status = smtp_send(&server, mail, left_ms, why);
	if (*why)
		host->detail(call, why);
	return status;
}

static int32_t send_message(void *self_of_inst, struct pintle_call *call,
			    const struct pintle_message *message)
{
	const struct mail_smtp *self = self_of_inst;
	const struct pintle_host *host = self->host;
	char id[2 * ID_BYTES + 1] = "", message_id[320];
	struct mime mime = {
		.from = self->conf->from,
		.from_name = self->conf->from_name,
		.to = message->to,
		.subject = message->subject ? message->subject : "",
		.text = message->text,
		.html = message->html,
		.id = id,
		.at_ms = host->now_ms(),
	};
	struct smtp_mail mail = { .from = mime.from, .to = mime.to };
	int32_t status = pintle_random_hex(host, id, ID_BYTES);
	char *text;

	if (status != PINTLE_OK)
		return status;
	if (!mime.text || !mime_is_address(mime.to) || !mime_is_header_text(mime.subject)) {
		host->detail(call, "no text, or an address or a subject that is none");
		return PINTLE_INVALID;
	}
	text = mime_write(&mime, &mail.len);
	if (!text)
		return PINTLE_INTERNAL;
	mail.text = text;
	status = deliver(self, call, &mail);
	host->wipe(text, mail.len);
	free(text);
	(void)snprintf(message_id, sizeof(message_id), "<%s@%s>", id, mime_domain(mime.from));
	if (status == PINTLE_OK || status == PINTLE_TIMEOUT)
		(void)host->set(call, "upstream_id", message_id); /* for the log only */
	return status;
}

static const struct pintle_sender sender = {
	.size = sizeof(sender),
	.channel = "mail",
	.send = send_message,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "mail_smtp",
	.version = "0.1.0",
	.summary = "E-mail through an SMTP server",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
