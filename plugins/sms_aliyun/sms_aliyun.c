/* SPDX-License-Identifier: Apache-2.0 */
/* Sends messages through Alibaba Cloud's SMS service: SendSms of Dysmsapi 2017-05-25. */
#include "sign.h"

#include <pintle/gateway.h>
#include <pintle/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACTION "SendSms"
#define VERSION "2017-05-25"
#define NONCE_BYTES 16
#define MAX_PARAMS 16 /* of one request */

enum { SIGNATURE_ACS3, SIGNATURE_RPC };

struct conf {
	const char *access_key_id, *access_key_secret, *sign_name;
	const char *template_id;
	const char *const *templates, *const *params;
	const char *region, *endpoint, *ca_file;
	int64_t timeout_ms;
	int32_t signature;
};

struct sms_aliyun {
	const struct pintle_host *host;
	const struct conf *conf;
	const char *authority; /* of the endpoint: host, and port if it has one */
};

/* What every request needs, whichever signature it gets. */
struct stamp {
	char date[32], nonce[2 * NONCE_BYTES + 1];
};

static const struct pintle_opt opts[] = {
	{ "access_key_id", PINTLE_STRING, PINTLE_OPT(struct conf, access_key_id), NULL, 1, 128,
	  NULL, "The id of the access key." },
	{ "access_key_secret", PINTLE_SECRET, PINTLE_OPT(struct conf, access_key_secret), NULL, 1,
	  256, NULL, "The secret of the access key." },
	{ "sign_name", PINTLE_STRING, PINTLE_OPT(struct conf, sign_name), NULL, 1, 128, NULL,
	  "The approved signature, without its brackets." },
	{ "template", PINTLE_STRING, PINTLE_OPT(struct conf, template_id), "", 0, 64, NULL,
	  "The template code, such as SMS_123, of messages that templates does not name." },
	{ "templates", PINTLE_LIST, PINTLE_OPT(struct conf, templates), "", 0, 32, NULL,
	  "Template codes by the message's template or purpose: 'login: SMS_1, bind: SMS_2'." },
	{ "params", PINTLE_LIST, PINTLE_OPT(struct conf, params), "code", 0, 10, NULL,
	  "The variables of a message that the templates take." },
	{ "signature", PINTLE_CHOICE, PINTLE_OPT(struct conf, signature), "acs3", 0, 0, "acs3 rpc",
	  "How requests are signed: acs3 is ACS3-HMAC-SHA256, rpc the older HMAC-SHA1." },
	{ "region", PINTLE_STRING, PINTLE_OPT(struct conf, region), "cn-hangzhou", 1, 64, NULL,
	  "The region named in requests signed with rpc." },
	{ "endpoint", PINTLE_STRING, PINTLE_OPT(struct conf, endpoint),
	  "https://dysmsapi.aliyuncs.com", 8, 256, NULL,
	  "Where requests go; https, or http to this machine or in development." },
	{ "upstream_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, timeout_ms), "5s", 100,
	  60000, NULL, "How long one message may take." },
	{ "ca_file", PINTLE_STRING, PINTLE_OPT(struct conf, ca_file), "", 0, 1024, NULL,
	  "Certificates to trust instead of the system's." },
};

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	struct sms_aliyun *self;
	int32_t status =
		pintle_gateway_check(host, inst, conf->endpoint, conf->templates, err, err_len);

	if (status != PINTLE_OK)
		return status;
	self = calloc(1, sizeof(*self));
	if (!self)
		return PINTLE_INTERNAL;
	self->host = host;
	self->conf = conf;
	self->authority = pintle_endpoint_host(conf->endpoint);
	*self_out = self;
	return PINTLE_OK;
}

/* ---- Answers ---- */

/* What the service documents. What is about our account, our key, our templates or its own state is a
 * fault, as is all that is not named here. */
static const struct pintle_verdict verdicts[] = {
	{ "OK", PINTLE_OK },
	{ "isv.MOBILE_NUMBER_ILLEGAL", PINTLE_DENIED },
	{ "isv.BUSINESS_LIMIT_CONTROL", PINTLE_LIMITED }, /* this number has had enough */
	/* A request that curl sent again on a new connection: the first one may have been taken. */
	{ "SignatureNonceUsed", PINTLE_TIMEOUT },
	{ "isv.DAY_LIMIT_CONTROL", PINTLE_UNAVAILABLE }, /* our own cap, for all numbers */
	{ "isv.MONTH_LIMIT_CONTROL", PINTLE_UNAVAILABLE },
	{ "isv.AMOUNT_NOT_ENOUGH", PINTLE_UNAVAILABLE },
	{ "isv.", PINTLE_UNAVAILABLE },
	{ "isp.", PINTLE_UNAVAILABLE },
	{ "SignatureDoesNotMatch", PINTLE_UNAVAILABLE },
	{ "InvalidAccessKeyId.", PINTLE_UNAVAILABLE },
	{ "InvalidTimeStamp.", PINTLE_UNAVAILABLE },
	{ "Throttling.", PINTLE_UNAVAILABLE },
};

static void read_answer(const json_t *answer, struct pintle_said *said)
{
	pintle_say(said, json_string_value(json_object_get(answer, "Code")));
	said->id = json_string_value(json_object_get(answer, "BizId"));
}

static const struct pintle_gateway gateway = {
	.verdicts = verdicts,
	.n_verdicts = PINTLE_N(verdicts),
	.read = read_answer,
};

static int32_t ask(const struct sms_aliyun *self, struct pintle_call *call, const char *url,
		   const char *const *headers, const char *body)
{
	const struct conf *conf = self->conf;
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

	return pintle_gateway_ask(self->host, call, &gateway, &request);
}

/* ---- The two kinds of request; query is all parameters, sorted ---- */

static int32_t post_acs3(const struct sms_aliyun *self, struct pintle_call *call,
			 const struct stamp *stamp, const char *query)
{
	const struct conf *conf = self->conf;
	const struct sign_acs3 request = { .method = "POST",
					   .host = self->authority,
					   .action = ACTION,
					   .version = VERSION,
					   .date = stamp->date,
					   .nonce = stamp->nonce,
					   .query = query };
	char authorization[SIGN_AUTHORIZATION_LEN], sign[SIGN_AUTHORIZATION_LEN + 32];
	char host[320], date[64], nonce[96];
	const char *const headers[] = { host,
					"x-acs-action: " ACTION,
					"x-acs-version: " VERSION,
					"x-acs-content-sha256: " SIGN_EMPTY_SHA256,
					date,
					nonce,
					sign,
					"Accept: application/json",
					"Content-Type:", /* none: there is no content */
					NULL };
	size_t len = strlen(conf->endpoint) + strlen(query) + sizeof("/?");
	char *url = self->host->alloc(call, len);

	if (!url ||
	    !sign_acs3(conf->access_key_id, conf->access_key_secret, &request, authorization))
		return PINTLE_INTERNAL;
	(void)snprintf(url, len, "%s/?%s", conf->endpoint, query);
	(void)snprintf(host, sizeof(host), "Host: %s", self->authority);
	(void)snprintf(date, sizeof(date), "x-acs-date: %s", stamp->date);
	(void)snprintf(nonce, sizeof(nonce), "x-acs-signature-nonce: %s", stamp->nonce);
	(void)snprintf(sign, sizeof(sign), "Authorization: %s", authorization);
	return ask(self, call, url, headers, "");
}

static int32_t post_rpc(const struct sms_aliyun *self, struct pintle_call *call, const char *query)
{
	static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
					       NULL };
	struct sign_param signature_param = { "Signature", NULL };
	char signature[SIGN_RPC_LEN], *encoded, *body, url[320];
	size_t len;

	if (!sign_rpc(self->conf->access_key_secret, "POST", query, signature))
		return PINTLE_INTERNAL;
	signature_param.value = signature;
	encoded = sign_query(&signature_param, 1);
	if (!encoded)
		return PINTLE_INTERNAL;
	len = strlen(query) + strlen(encoded) + sizeof("&");
	body = self->host->alloc(call, len);
	if (body)
		(void)snprintf(body, len, "%s&%s", query, encoded);
	free(encoded);
	if (!body)
		return PINTLE_INTERNAL;
	(void)snprintf(url, sizeof(url), "%s/", self->conf->endpoint);
	return ask(self, call, url, headers, body);
}

/* ---- One message ---- */

/* The service wants numbers of China without their country code and others without the plus. */
static const char *number_of(const char *e164)
{
	if (strncmp(e164, "+86", strlen("+86")) == 0)
		return e164 + strlen("+86");
	return *e164 == '+' ? e164 + 1 : e164;
}

/* {"code":"123456"}, to be wiped and freed; NULL without memory or a variable. */
static char *template_params(const struct conf *conf, const struct pintle_message *message)
{
	json_t *json = json_object();
	bool ok = json != NULL;
	char *text;

	for (const char *const *name = conf->params; ok && *name; name++)
		ok = json_object_set_new(json, *name,
					 json_string(pintle_message_var(message, *name))) == 0;
	text = ok ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

static bool make_stamp(const struct pintle_host *host, struct stamp *stamp)
{
	unsigned char bytes[NONCE_BYTES];
	time_t now = (time_t)(host->now_ms() / 1000);
	struct tm utc;

	if (host->random(bytes, sizeof(bytes)) != PINTLE_OK || !gmtime_r(&now, &utc))
		return false;
	pintle_hex(bytes, sizeof(bytes), stamp->nonce);
	return strftime(stamp->date, sizeof(stamp->date), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0;
}

/* The sorted parameters of the message and, for rpc, of the request. */
static char *make_query(const struct conf *conf, const struct pintle_message *message,
			const char *template_code, const char *values, const struct stamp *stamp)
{
	const struct sign_param of_message[] = {
		{ "PhoneNumbers", number_of(message->to) },
		{ "SignName", conf->sign_name },
		{ "TemplateCode", template_code },
		{ "TemplateParam", values },
	};
	const struct sign_param of_rpc[] = {
		{ "AccessKeyId", conf->access_key_id },
		{ "Action", ACTION },
		{ "Format", "JSON" },
		{ "RegionId", conf->region },
		{ "SignatureMethod", "HMAC-SHA1" },
		{ "SignatureNonce", stamp->nonce },
		{ "SignatureVersion", "1.0" },
		{ "Timestamp", stamp->date },
		{ "Version", VERSION },
	};
	struct sign_param params[MAX_PARAMS];
	size_t n_params = PINTLE_N(of_message);

	memcpy(params, of_message, sizeof(of_message));
	if (conf->signature == SIGNATURE_RPC) {
		memcpy(params + n_params, of_rpc, sizeof(of_rpc));
		n_params += PINTLE_N(of_rpc);
	}
	return sign_query(params, n_params);
}

static int32_t post(const struct sms_aliyun *self, struct pintle_call *call,
		    const struct pintle_message *message, const char *template_code,
		    const char *values)
{
	struct stamp stamp;
	int32_t status = PINTLE_INTERNAL;
	char *query;

	if (!make_stamp(self->host, &stamp))
		return PINTLE_INTERNAL;
	query = make_query(self->conf, message, template_code, values, &stamp);
	if (query && self->conf->signature == SIGNATURE_RPC)
		status = post_rpc(self, call, query);
	else if (query)
		status = post_acs3(self, call, &stamp, query);
	pintle_wipe_free(self->host, query);
	return status;
}

static int32_t send_message(void *self_of_inst, struct pintle_call *call,
			    const struct pintle_message *message)
{
	const struct sms_aliyun *self = self_of_inst;
	const struct conf *conf = self->conf;
	const char *template_code = pintle_template_id(conf->templates, conf->template_id, message);
	char *values = template_params(conf, message);
	int32_t status = PINTLE_UNAVAILABLE; /* another sender may need less of it */

	if (template_code && values)
		status = post(self, call, message, template_code, values);
	else
		self->host->detail(call, "the message has no template, or not all of params");
	pintle_wipe_free(self->host, values);
	return status;
}

/* ---- Delivery reports ---- */

/* An entry of SmsReport. sms_size is how many messages are charged for, as a text. */
static int read_receipt(const json_t *entry, struct pintle_receipt *receipt)
{
	const json_t *success = json_object_get(entry, "success");
	const char *size = json_string_value(json_object_get(entry, "sms_size"));

	receipt->upstream_id = json_string_value(json_object_get(entry, "biz_id"));
	receipt->is_delivered = json_is_true(success);
	receipt->reason =
		pintle_receipt_reason(json_string_value(json_object_get(entry, "err_code")));
	receipt->cost_units = size ? strtol(size, NULL, 10) : 0;
	return receipt->upstream_id && json_is_boolean(success);
}

static int32_t receive_receipt(void *self_of_inst, struct pintle_call *call)
{
	const struct sms_aliyun *self = self_of_inst;

	return pintle_receipts_json(self->host, call, read_receipt, "{\"code\":0,\"msg\":\"OK\"}");
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
	.name = "sms_aliyun",
	.version = "0.1.0",
	.summary = "Text messages through Alibaba Cloud",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
