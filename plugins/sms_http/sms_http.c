/* SPDX-License-Identifier: Apache-2.0 */
/* Sends messages through any webhook: URL, headers, body and success test come from the options. */
#include "body.h"

#include <pintle/gateway.h>
#include <pintle/plugin.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_BYTES 16
#define MAX_HEADERS 20
#define SIGNATURE_MAX 192

enum { METHOD_POST, METHOD_PUT };

struct conf {
	const char *url, *body, *ca_file;
	int32_t method;
	const char *const *headers;
	int64_t timeout_ms, success_min, success_max;
	const char *success_path, *success_value, *id_path;
	const char *sign_secret, *sign_header;
};

struct sms_http {
	const struct pintle_host *host;
	const struct conf *conf;
};

#define DEFAULT_BODY                                                                               \
	"{\"id\":\"{{id}}\",\"to\":\"{{to}}\",\"template\":\"{{template}}\",\"code\":\"{{code}}"   \
	"\","                                                                                      \
	"\"text\":\"{{text}}\",\"lang\":\"{{lang}}\",\"purpose\":\"{{purpose}}\"}"

static const struct pintle_opt opts[] = {
	{ "url", PINTLE_STRING, PINTLE_OPT(struct conf, url), NULL, 8, 2048, NULL,
	  "Where messages go; https, or http to this machine or in development." },
	{ "method", PINTLE_CHOICE, PINTLE_OPT(struct conf, method), "POST", 0, 0, "POST PUT",
	  "The HTTP method." },
	{ "headers", PINTLE_LIST, PINTLE_OPT(struct conf, headers), "", 0, MAX_HEADERS, NULL,
	  "More request headers, each 'Name: value' without a comma." },
	{ "body", PINTLE_STRING, PINTLE_OPT(struct conf, body), DEFAULT_BODY, 2, 4096, NULL,
	  "JSON with {{id}} {{to}} {{template}} {{code}} {{text}} {{lang}} {{purpose}} inside its "
	  "strings." },
	{ "upstream_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, timeout_ms), "5s", 100,
	  60000, NULL, "How long one message may take." },
	{ "ca_file", PINTLE_STRING, PINTLE_OPT(struct conf, ca_file), "", 0, 1024, NULL,
	  "Certificates to trust instead of the system's." },
	{ "success_min", PINTLE_INT, PINTLE_OPT(struct conf, success_min), "200", 200, 299, NULL,
	  "The lowest HTTP status that means accepted." },
	{ "success_max", PINTLE_INT, PINTLE_OPT(struct conf, success_max), "299", 200, 299, NULL,
	  "The highest HTTP status that means accepted." },
	{ "success_path", PINTLE_STRING, PINTLE_OPT(struct conf, success_path), "", 0, 256, NULL,
	  "JSON pointer into the answer, such as /result/code; empty: the status is enough." },
	{ "success_value", PINTLE_STRING, PINTLE_OPT(struct conf, success_value), "", 0, 256, NULL,
	  "What must stand at success_path." },
	{ "id_path", PINTLE_STRING, PINTLE_OPT(struct conf, id_path), "", 0, 256, NULL,
	  "JSON pointer to the gateway's own id of the message, for the message log." },
	{ "sign_secret", PINTLE_SECRET, PINTLE_OPT(struct conf, sign_secret), "", 0, 1024, NULL,
	  "Signs each request with HMAC-SHA256 when set." },
	{ "sign_header", PINTLE_STRING, PINTLE_OPT(struct conf, sign_header), "X-Pintle-Signature",
	  1, 64, NULL,
	  "The header of the signature: t=<unix seconds>,v1=<hex of HMAC over t, '.', body>." },
};

static const char *const names[] = {
	"id", "to", "template", "code", "text", "lang", "purpose", NULL
};

/* ---- Checking the options ---- */

static const char *find_fault(const struct conf *conf)
{
	if (conf->success_min > conf->success_max)
		return "success_min is above success_max";
	if (*conf->success_path && *conf->success_path != '/')
		return "success_path must start with /";
	if (*conf->id_path && *conf->id_path != '/')
		return "id_path must start with /";
	for (const char *const *header = conf->headers; *header; header++)
		if (!strchr(*header, ':'))
			return "each of headers must be 'Name: value'";
	return NULL;
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	const char *fault = pintle_url_fault(host, inst, conf->url);
	struct sms_http *self;
	char bad[64];

	if (fault) {
		(void)snprintf(err, err_len, "url %s", fault);
		return PINTLE_INVALID;
	}
	fault = find_fault(conf);
	if (fault) {
		(void)snprintf(err, err_len, "%s", fault);
		return PINTLE_INVALID;
	}
	if (!body_check(conf->body, names, bad, sizeof(bad))) {
		(void)snprintf(err, err_len, "body: unknown {{%s}}", bad);
		return PINTLE_INVALID;
	}
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->conf = conf;
	*self_out = self;
	return PINTLE_OK;
}

/* ---- One message ---- */

/* "Name: t=…,v1=…" over time and body, so that a request can neither be changed nor used again later. */
static int sign(const struct sms_http *self, const char *body, char out[SIGNATURE_MAX])
{
	const char *secret = self->conf->sign_secret;
	long long now = self->host->now_ms() / 1000;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1], *text;
	int len = asprintf(&text, "%lld.%s", now, body);

	if (len < 0)
		return 0;
	if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)text, (size_t)len, mac,
		 &mac_len)) {
		pintle_hex(mac, mac_len, hex);
		(void)snprintf(out, SIGNATURE_MAX, "%s: t=%lld,v1=%s", self->conf->sign_header, now,
			       hex);
	}
	self->host->wipe(text, (size_t)len);
	free(text);
	return mac_len > 0;
}

static char *fill(const struct sms_http *self, const struct pintle_message *message,
		  size_t *len_out)
{
	unsigned char bytes[ID_BYTES];
	char id[2 * ID_BYTES + 1];
	const struct body_var vars[] = {
		{ "id", id },
		{ "to", message->to },
		{ "template", message->template_name },
		{ "code", pintle_message_var(message, "code") },
		{ "text", message->text },
		{ "lang", message->lang },
		{ "purpose", pintle_purpose_word(message->purpose) },
	};

	if (self->host->random(bytes, sizeof(bytes)) != PINTLE_OK)
		return NULL;
	pintle_hex(bytes, sizeof(bytes), id);
	return body_fill(self->conf->body, vars, sizeof(vars) / sizeof(vars[0]), len_out);
}

/* A gateway that answered with an error has not accepted; one that gave up waiting may have. */
static int32_t judge_code(const struct conf *conf, int32_t code)
{
	if (code >= conf->success_min && code <= conf->success_max)
		return PINTLE_OK;
	switch (code) {
	case 429:
		return PINTLE_LIMITED;
	case 401:
	case 403:
	case 404:
	case 407:
		return PINTLE_UNAVAILABLE; /* our account or our settings, not this message */
	case 408:
	case 504:
		return PINTLE_TIMEOUT;
	default:
		return code >= 400 && code < 500 ? PINTLE_INVALID : PINTLE_UNAVAILABLE;
	}
}

static int32_t judge(const struct sms_http *self, struct pintle_call *call,
		     const struct pintle_answer *answer)
{
	const struct conf *conf = self->conf;
	int32_t status = judge_code(conf, answer->code);
	char text[64], *found;

	if (status != PINTLE_OK) {
		(void)snprintf(text, sizeof(text), "the gateway answered HTTP %d", answer->code);
		self->host->detail(call, text);
		return status;
	}
	if (*conf->success_path) {
		found = body_pick(answer->body, answer->body_len, conf->success_path);
		if (!found || strcmp(found, conf->success_value) != 0)
			status = PINTLE_UNAVAILABLE;
		free(found);
	}
	if (status != PINTLE_OK)
		self->host->detail(call, "the gateway's answer is not success_value");
	return status;
}

static void note_id(const struct sms_http *self, struct pintle_call *call,
		    const struct pintle_answer *answer)
{
	char *id = NULL;

	if (*self->conf->id_path)
		id = body_pick(answer->body, answer->body_len, self->conf->id_path);
	if (id)
		(void)self->host->set(call, "upstream_id", id); /* for the log only */
	free(id);
}

static int32_t post(const struct sms_http *self, struct pintle_call *call, const char *body,
		    size_t len)
{
	const struct conf *conf = self->conf;
	const char *headers[MAX_HEADERS + 3] = { "Content-Type: application/json" };
	struct pintle_answer answer = { .size = sizeof(answer) };
	struct pintle_request request = {
		.size = sizeof(request),
		.method = conf->method == METHOD_PUT ? "PUT" : "POST",
		.url = conf->url,
		.headers = headers,
		.body = body,
		.body_len = len,
		.timeout_ms = conf->timeout_ms,
		.ca_file = *conf->ca_file ? conf->ca_file : NULL,
	};
	char signature[SIGNATURE_MAX];
	size_t n_headers = 1;
	int32_t status;

	for (size_t i = 0; conf->headers[i]; i++)
		headers[n_headers++] = conf->headers[i];
	if (*conf->sign_secret) {
		if (!sign(self, body, signature))
			return PINTLE_INTERNAL;
		headers[n_headers++] = signature;
	}
	status = self->host->http(call, &request, &answer);
	if (status != PINTLE_OK)
		return status;
	status = judge(self, call, &answer);
	if (status == PINTLE_OK)
		note_id(self, call, &answer);
	return status;
}

static int32_t send_message(void *self_of_inst, struct pintle_call *call,
			    const struct pintle_message *message)
{
	const struct sms_http *self = self_of_inst;
	size_t len;
	char *body = fill(self, message, &len);
	int32_t status;

	if (!body)
		return PINTLE_INTERNAL;
	status = post(self, call, body, len);
	self->host->wipe(body, len);
	free(body);
	return status;
}

static const struct pintle_sender sender = {
	.size = sizeof(sender),
	.channel = "sms",
	.send = send_message,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "sms_http",
	.version = "0.1.0",
	.summary = "Text messages through any webhook",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
