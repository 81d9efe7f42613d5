/* SPDX-License-Identifier: Apache-2.0 */
/* Sends messages through Twilio's Messages, API version 2010-04-01. */
#include "account.h"
#include "sign.h"

#include <pintle/gateway.h>
#include <pintle/plugin.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SID_LEN 34

struct conf {
	struct account account;
	const char *from;
	const char *endpoint, *ca_file;
	const char *receipt_url, *auth_token;
	int64_t timeout_ms;
};

struct sms_twilio {
	const struct pintle_host *host;
	const struct conf *conf;
};

static const struct pintle_opt opts[] = {
	ACCOUNT_OPTS(struct conf, account),
	{ "from", PINTLE_STRING, PINTLE_OPT(struct conf, from), NULL, 1, 64, NULL,
	  "The number or name that messages come from, or the SID of a messaging service, MG and "
	  "32 "
	  "digits." },
	{ "endpoint", PINTLE_STRING, PINTLE_OPT(struct conf, endpoint), "https://api.twilio.com", 8,
	  256, NULL, "Where requests go; https, or http to this machine or in development." },
	{ "upstream_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, timeout_ms), "5s", 100,
	  60000, NULL, "How long one message may take." },
	{ "ca_file", PINTLE_STRING, PINTLE_OPT(struct conf, ca_file), "", 0, 1024, NULL,
	  "Certificates to trust instead of the system's." },
	{ "receipt_url", PINTLE_STRING, PINTLE_OPT(struct conf, receipt_url), "", 0, 1024, NULL,
	  "Where Twilio reports what became of messages: this server's public URL and the path "
	  "that "
	  "pintlectl gateway status shows; empty: no reports." },
	{ "auth_token", PINTLE_SECRET, PINTLE_OPT(struct conf, auth_token), "", 0, 256, NULL,
	  "The auth token of the account, which signs reports; empty: secret is it." },
};

static const char *find_fault(const struct conf *conf)
{
	if (*conf->receipt_url && *conf->account.key_sid && !*conf->auth_token)
		return "receipt_url needs auth_token: reports are not signed with the key's secret";
	return account_fault(&conf->account);
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	const char *fault = find_fault(conf);
	struct sms_twilio *self;
	int32_t status = pintle_gateway_check(host, inst, conf->endpoint, NULL, err, err_len);

	if (status == PINTLE_OK && fault) {
		(void)snprintf(err, err_len, "%s", fault);
		status = PINTLE_INVALID;
	}
	if (status != PINTLE_OK)
		return status;
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

/* ---- Answers ---- */

/* What the service documents. What is about our account, our numbers or its own state is a fault, as is
 * all that is not named here. */
static const struct pintle_verdict verdicts[] = {
	{ "accepted", PINTLE_OK }, /* and all that comes after it */
	{ "failed", PINTLE_UNAVAILABLE },   { "undelivered", PINTLE_UNAVAILABLE },
	{ "canceled", PINTLE_UNAVAILABLE }, { "21211", PINTLE_DENIED }, /* no number */
	{ "21610", PINTLE_DENIED },      /* its owner wants nothing from us */
	{ "21614", PINTLE_DENIED },      /* no mobile */
	{ "20003", PINTLE_UNAVAILABLE }, /* our credentials */
	{ "20429", PINTLE_UNAVAILABLE }, /* too many requests of ours, for all numbers */
	{ "21408", PINTLE_UNAVAILABLE }, /* the account may not send to that country */
	{ "21608", PINTLE_UNAVAILABLE }, /* a trial account */
};

/* An error has a number; a message that was taken has an id, and a state that may have moved on already. */
static void read_answer(const json_t *answer, struct pintle_said *said)
{
	const json_t *code = json_object_get(answer, "code");
	const char *id = json_string_value(json_object_get(answer, "sid"));
	const char *state = json_string_value(json_object_get(answer, "status"));
	bool is_lost =
		state && (strcmp(state, "failed") == 0 || strcmp(state, "undelivered") == 0 ||
			  strcmp(state, "canceled") == 0);

	said->id = id;
	if (json_is_integer(code))
		(void)snprintf(said->word, sizeof(said->word), "%" JSON_INTEGER_FORMAT,
			       json_integer_value(code));
	else if (id)
		pintle_say(said, is_lost ? state : "accepted");
}

static const struct pintle_gateway gateway = {
	.verdicts = verdicts,
	.n_verdicts = PINTLE_N(verdicts),
	.read = read_answer,
};

/* ---- One message ---- */

/* No number has letters, and no name is that long. */
static bool is_service(const char *from)
{
	return strncmp(from, "MG", strlen("MG")) == 0 && strlen(from) == SID_LEN;
}

/* To be wiped and freed; NULL without memory. */
static char *make_body(const struct conf *conf, const struct pintle_message *message)
{
	char *body = NULL;
	size_t len;
	FILE *out = open_memstream(&body, &len);

	if (!out)
		return NULL;
	(void)fputs("To=", out);
	pintle_put_encoded(out, message->to);
	(void)fputs(is_service(conf->from) ? "&MessagingServiceSid=" : "&From=", out);
	pintle_put_encoded(out, conf->from);
	if (*conf->receipt_url) {
		(void)fputs("&StatusCallback=", out);
		pintle_put_encoded(out, conf->receipt_url);
	}
	(void)fputs("&Body=", out);
	pintle_put_encoded(out, message->text);
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		return body;
	free(body);
	return NULL;
}

static int32_t post(const struct sms_twilio *self, struct pintle_call *call, const char *body)
{
	const struct conf *conf = self->conf;
	char url[400], basic[PINTLE_BASIC_MAX];
	const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded", basic,
					NULL };
	const struct pintle_request request = {
		.size = sizeof(request),
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = body,
		.body_len = strlen(body),
		.timeout_ms = conf->timeout_ms,
		.ca_file = *conf->ca_file ? conf->ca_file : NULL,
	};
	int32_t status = PINTLE_INTERNAL;

	(void)snprintf(url, sizeof(url), "%s/2010-04-01/Accounts/%s/Messages.json", conf->endpoint,
		       conf->account.sid);
	if (account_basic(self->host, &conf->account, basic))
		status = pintle_gateway_ask(self->host, call, &gateway, &request);
	self->host->wipe(basic, sizeof(basic));
	return status;
}

static int32_t send_message(void *self_of_inst, struct pintle_call *call,
			    const struct pintle_message *message)
{
	const struct sms_twilio *self = self_of_inst;
	int32_t status;
	char *body;

	if (!message->text) {
		self->host->detail(call, "the message has no text");
		return PINTLE_UNAVAILABLE; /* another sender may have a template */
	}
	body = make_body(self->conf, message);
	status = body ? post(self, call, body) : PINTLE_INTERNAL;
	pintle_wipe_free(self->host, body);
	return status;
}

/* ---- Delivery reports ---- */

/* OK, DENIED, or INTERNAL without memory. */
static int32_t check_signature(const struct sms_twilio *self, const struct sign_form *form,
			       const char *given)
{
	const struct conf *conf = self->conf;
	const char *token = *conf->auth_token ? conf->auth_token : conf->account.secret;
	char right[SIGN_LEN];

	if (!given || strlen(given) != SIGN_LEN - 1)
		return PINTLE_DENIED;
	if (!sign_report(token, conf->receipt_url, form, right))
		return PINTLE_INTERNAL;
	return self->host->same(given, right, SIGN_LEN - 1) ? PINTLE_OK : PINTLE_DENIED;
}

/* States come in any order, and only the last ones say what became of it. */
static int32_t tell(const struct sms_twilio *self, struct pintle_call *call,
		    const struct sign_form *form)
{
	const char *state = sign_form_get(form, "MessageStatus");
	struct pintle_receipt receipt = {
		.size = sizeof(receipt),
		.upstream_id = sign_form_get(form, "MessageSid"),
		.reason = pintle_receipt_reason(sign_form_get(form, "ErrorCode")),
	};
	int32_t status;

	if (!state || !receipt.upstream_id)
		return self->host->invalid(call, "body", "format");
	receipt.is_delivered = strcmp(state, "delivered") == 0;
	if (!receipt.is_delivered && strcmp(state, "undelivered") != 0 &&
	    strcmp(state, "failed") != 0)
		return PINTLE_OK;
	status = self->host->receipt(call, &receipt);
	return PINTLE_IS_FAULT(status) ? status : PINTLE_OK;
}

static int32_t receive_receipt(void *self_of_inst, struct pintle_call *call)
{
	const struct sms_twilio *self = self_of_inst;
	struct sign_form form = { .text = NULL };
	size_t len = 0;
	const char *body = self->host->body(call, &len);
	const char *signature = self->host->header(call, "x-twilio-signature");
	int32_t status;

	if (!*self->conf->receipt_url)
		return PINTLE_NOT_FOUND;
	status = body ? sign_form_parse(&form, body, len) : PINTLE_INVALID;
	if (status == PINTLE_INVALID)
		(void)self->host->invalid(call, "body", "format");
	if (status == PINTLE_OK)
		status = check_signature(self, &form, signature);
	if (status == PINTLE_OK)
		status = tell(self, call, &form);
	sign_form_free(&form);
	return status == PINTLE_OK ? self->host->page(call, 200, "text/plain", "", 0) : status;
}

static const struct pintle_sender sender = {
	.size = sizeof(sender),
	.channel = "sms",
	.send = send_message,
	.receipt = receive_receipt,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "sms_twilio",
	.version = "0.1.0",
	.summary = "Text messages through Twilio",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
