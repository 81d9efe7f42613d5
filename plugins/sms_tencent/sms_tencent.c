/* SPDX-License-Identifier: Apache-2.0 */
/* Sends messages through Tencent Cloud's SMS service: SendSms of 2021-01-11. */
#include "sign.h"

#include <pintle/gateway.h>
#include <pintle/plugin.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTION "SendSms"
#define VERSION "2021-01-11"
#define SERVICE "sms"

struct conf {
	const char *secret_id, *secret_key, *sdk_app_id, *sign_name;
	const char *template_id;
	const char *const *templates, *const *params;
	const char *region, *endpoint, *ca_file;
	int64_t timeout_ms;
};

struct sms_tencent {
	const struct pintle_host *host;
	const struct conf *conf;
	const char *authority; /* of the endpoint: host, and port if it has one */
};

static const struct pintle_opt opts[] = {
	{ "secret_id", PINTLE_STRING, PINTLE_OPT(struct conf, secret_id), NULL, 1, 128, NULL,
	  "The id of the API key." },
	{ "secret_key", PINTLE_SECRET, PINTLE_OPT(struct conf, secret_key), NULL, 1, 256, NULL,
	  "The secret of the API key." },
	{ "sdk_app_id", PINTLE_STRING, PINTLE_OPT(struct conf, sdk_app_id), NULL, 1, 64, NULL,
	  "The id of the SMS application, such as 1400006666." },
	{ "sign_name", PINTLE_STRING, PINTLE_OPT(struct conf, sign_name), "", 0, 128, NULL,
	  "The approved signature, without its brackets; numbers of China need one." },
	{ "template", PINTLE_STRING, PINTLE_OPT(struct conf, template_id), "", 0, 64, NULL,
	  "The template id of messages that templates does not name." },
	{ "templates", PINTLE_LIST, PINTLE_OPT(struct conf, templates), "", 0, 32, NULL,
	  "Template ids by the message's template or purpose: 'login: 1110, bind: 1111'." },
	{ "params", PINTLE_LIST, PINTLE_OPT(struct conf, params), "code", 0, 10, NULL,
	  "The variables of a message that the templates take, in their order." },
	{ "region", PINTLE_STRING, PINTLE_OPT(struct conf, region), "ap-guangzhou", 1, 64, NULL,
	  "The region that serves the requests." },
	{ "endpoint", PINTLE_STRING, PINTLE_OPT(struct conf, endpoint),
	  "https://sms.tencentcloudapi.com", 8, 256, NULL,
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
	struct sms_tencent *self;
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
	{ "Ok", PINTLE_OK },
	{ "InvalidParameterValue.IncorrectPhoneNumber", PINTLE_DENIED },
	{ "FailedOperation.PhoneNumberInBlacklist", PINTLE_DENIED },
	/* This number has had enough. */
	{ "LimitExceeded.PhoneNumberThirtySecondLimit", PINTLE_LIMITED },
	{ "LimitExceeded.PhoneNumberOneHourLimit", PINTLE_LIMITED },
	{ "LimitExceeded.PhoneNumberDailyLimit", PINTLE_LIMITED },
	{ "LimitExceeded.PhoneNumberSameContentDailyLimit", PINTLE_LIMITED },
	{ "LimitExceeded.DeliveryFrequencyLimit", PINTLE_LIMITED },
	{ "LimitExceeded.", PINTLE_UNAVAILABLE }, /* our own caps, for all numbers */
	/* The service waited for its own in vain, and does not know either. */
	{ "InternalError.Timeout", PINTLE_TIMEOUT },
	{ "InternalError.SendAndRecvFail", PINTLE_TIMEOUT },
	{ "InternalError.", PINTLE_UNAVAILABLE },
	{ "FailedOperation.", PINTLE_UNAVAILABLE },
	{ "InvalidParameterValue.", PINTLE_UNAVAILABLE },
	{ "UnauthorizedOperation.", PINTLE_UNAVAILABLE },
	{ "AuthFailure.", PINTLE_UNAVAILABLE },
	{ "RequestLimitExceeded", PINTLE_UNAVAILABLE },
};

/* An error of the request, or else what became of the one number in it. */
static void read_answer(const json_t *answer, struct pintle_said *said)
{
	const json_t *response = json_object_get(answer, "Response");
	const json_t *error = json_object_get(response, "Error");
	const json_t *number = json_array_get(json_object_get(response, "SendStatusSet"), 0);

	pintle_say(said, json_string_value(json_object_get(error ? error : number, "Code")));
	said->id = json_string_value(json_object_get(number, "SerialNo"));
}

static const struct pintle_gateway gateway = {
	.verdicts = verdicts,
	.n_verdicts = PINTLE_N(verdicts),
	.read = read_answer,
};

/* ---- One message ---- */

/* The values of the template's {1}, {2} …; NULL without memory or a variable. */
static json_t *template_params(const struct conf *conf, const struct pintle_message *message)
{
	json_t *values = json_array();

	for (const char *const *name = conf->params; values && *name; name++) {
		const char *value = pintle_message_var(message, *name);

		if (json_array_append_new(values, json_string(value)) == 0)
			continue;
		json_decref(values);
		values = NULL;
	}
	return values;
}

/* To be wiped and freed; NULL without memory. */
static char *make_body(const struct conf *conf, const struct pintle_message *message,
		       const char *template_id, json_t *values)
{
	json_t *json = json_object(), *numbers = json_array();
	char *body = NULL;

	if (json_array_append_new(numbers, json_string(message->to)) == 0 &&
	    json_object_set(json, "PhoneNumberSet", numbers) == 0 &&
	    json_object_set_new(json, "SmsSdkAppId", json_string(conf->sdk_app_id)) == 0 &&
	    json_object_set_new(json, "SignName", json_string(conf->sign_name)) == 0 &&
	    json_object_set_new(json, "TemplateId", json_string(template_id)) == 0 &&
	    json_object_set(json, "TemplateParamSet", values) == 0)
		body = json_dumps(json, JSON_COMPACT);
	json_decref(numbers);
	json_decref(json);
	return body;
}

static int32_t post(const struct sms_tencent *self, struct pintle_call *call, const char *body)
{
	const struct conf *conf = self->conf;
	const struct sign_tc3 to_sign = { .host = self->authority,
					  .service = SERVICE,
					  .action = ACTION,
					  .time_s = self->host->now_ms() / 1000,
					  .body = body };
	char authorization[SIGN_AUTHORIZATION_LEN], sign[SIGN_AUTHORIZATION_LEN + 32];
	char url[320], host[320], time[64], region[96];
	const char *const headers[] = { "Content-Type: " SIGN_CONTENT_TYPE,
					"X-TC-Action: " ACTION,
					"X-TC-Version: " VERSION,
					host,
					time,
					region,
					sign,
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

	if (!sign_tc3(conf->secret_id, conf->secret_key, &to_sign, authorization))
		return PINTLE_INTERNAL;
	(void)snprintf(url, sizeof(url), "%s/", conf->endpoint);
	(void)snprintf(host, sizeof(host), "Host: %s", self->authority);
	(void)snprintf(time, sizeof(time), "X-TC-Timestamp: %lld", (long long)to_sign.time_s);
	(void)snprintf(region, sizeof(region), "X-TC-Region: %s", conf->region);
	(void)snprintf(sign, sizeof(sign), "Authorization: %s", authorization);
	return pintle_gateway_ask(self->host, call, &gateway, &request);
}

static int32_t send_message(void *self_of_inst, struct pintle_call *call,
			    const struct pintle_message *message)
{
	const struct sms_tencent *self = self_of_inst;
	const struct conf *conf = self->conf;
	const char *template_id = pintle_template_id(conf->templates, conf->template_id, message);
	json_t *values = template_params(conf, message);
	int32_t status = PINTLE_UNAVAILABLE; /* another sender may need less of it */
	char *body;

	if (template_id && values) {
		body = make_body(conf, message, template_id, values);
		status = body ? post(self, call, body) : PINTLE_INTERNAL;
		pintle_wipe_free(self->host, body);
	} else {
		self->host->detail(call, "the message has no template, or not all of params");
	}
	json_decref(values);
	return status;
}

/* ---- Delivery reports ---- */

static int read_receipt(const json_t *entry, struct pintle_receipt *receipt)
{
	const char *status = json_string_value(json_object_get(entry, "report_status"));

	receipt->upstream_id = json_string_value(json_object_get(entry, "sid"));
	receipt->is_delivered = status && strcmp(status, "SUCCESS") == 0;
	receipt->reason =
		pintle_receipt_reason(json_string_value(json_object_get(entry, "errmsg")));
	return receipt->upstream_id && status;
}

static int32_t receive_receipt(void *self_of_inst, struct pintle_call *call)
{
	const struct sms_tencent *self = self_of_inst;

	return pintle_receipts_json(self->host, call, read_receipt,
				    "{\"result\":0,\"errmsg\":\"OK\"}");
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
	.name = "sms_tencent",
	.version = "0.1.0",
	.summary = "Text messages through Tencent Cloud",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.sender = &sender,
};

PINTLE_PLUGIN(plugin)
