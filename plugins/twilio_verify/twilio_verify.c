/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that somebody holds a phone number by a code that Twilio makes, sends and checks: Verify v2. */
#include "../sms_twilio/account.h"

#include <pintle/code.h>
#include <pintle/gateway.h>
#include <pintle/plugin.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf {
	struct account account;
	const char *service_sid;
	const char *endpoint, *ca_file;
	int64_t timeout_ms;
};

struct twilio_verify {
	const struct pintle_host *host;
	const struct conf *conf;
};

static const struct pintle_opt opts[] = {
	ACCOUNT_OPTS(struct conf, account),
	{ "service_sid", PINTLE_STRING, PINTLE_OPT(struct conf, service_sid), NULL, 1,
	  ACCOUNT_SID_MAX, NULL,
	  "The SID of a Verify service, VA and 32 digits, whose codes have six digits." },
	{ "endpoint", PINTLE_STRING, PINTLE_OPT(struct conf, endpoint), "https://verify.twilio.com",
	  8, 256, NULL, "Where requests go; https, or http to this machine or in development." },
	{ "ca_file", PINTLE_STRING, PINTLE_OPT(struct conf, ca_file), "", 0, 1024, NULL,
	  "Certificates to trust instead of the system's." },
	{ "upstream_timeout", PINTLE_DURATION, PINTLE_OPT(struct conf, timeout_ms), "5s", 100,
	  60000, NULL, "How long one request may take." },
};

static const char *find_fault(const struct conf *conf)
{
	if (!account_is_sid(conf->service_sid))
		return "service_sid must be letters and digits";
	return account_fault(&conf->account);
}

static int32_t open_instance(const struct pintle_host *host, struct pintle_inst *inst,
			     const void *conf_of_section, void **self_out, char *err,
			     size_t err_len)
{
	const struct conf *conf = conf_of_section;
	const char *fault = find_fault(conf);
	struct twilio_verify *self;
	int32_t status = pintle_gateway_check(host, inst, conf->endpoint, NULL, err, err_len);

	if (status == PINTLE_OK && (fault || !PINTLE_HAS(host, charge))) {
		(void)snprintf(err, err_len, "%s", fault ? fault : "the host is too old");
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

static const char *text_of(const json_t *answer, const char *name)
{
	const char *text = json_string_value(json_object_get(answer, name));

	return text ? text : "";
}

static void read_error(const json_t *answer, struct pintle_said *said)
{
	const json_t *code = json_object_get(answer, "code");

	if (json_is_integer(code))
		(void)snprintf(said->word, sizeof(said->word), "%" JSON_INTEGER_FORMAT,
			       json_integer_value(code));
}

static bool is_fine(const struct pintle_said *said)
{
	return said->http_code >= 200 && said->http_code < 300;
}

/* Of a verification that was begun: nothing else than a fault, where nothing is named here. */
static const struct pintle_verdict begun_verdicts[] = {
	{ "pending", PINTLE_OK },    { "60203", PINTLE_LIMITED }, /* five were sent */
	{ "20429", PINTLE_LIMITED },                              /* too many requests */
	{ "60200", PINTLE_DENIED },  { "21211", PINTLE_DENIED },  /* no number */
	{ "60205", PINTLE_DENIED },                               /* a landline */
};

static void read_begun(const json_t *answer, struct pintle_said *said)
{
	const char *sid = text_of(answer, "sid");

	if (!is_fine(said)) {
		read_error(answer, said);
	} else if (*sid && strlen(sid) <= ACCOUNT_SID_MAX && account_is_sid(sid)) {
		said->id = sid;
		pintle_say(said, text_of(answer, "status"));
	}
}

static const struct pintle_gateway begun = {
	.verdicts = begun_verdicts,
	.n_verdicts = PINTLE_N(begun_verdicts),
	.read = read_begun,
};

/* Of a code that was checked. What has been approved, has expired or was tried too often is not found. */
static const struct pintle_verdict checked_verdicts[] = {
	{ "approved", PINTLE_OK },      { "pending", PINTLE_DENIED },
	{ "canceled", PINTLE_EXPIRED }, { "deleted", PINTLE_EXPIRED },
	{ "failed", PINTLE_EXPIRED },   { "expired", PINTLE_EXPIRED },
	{ "20404", PINTLE_EXPIRED },    { "max_attempts_reached", PINTLE_LIMITED },
	{ "60202", PINTLE_LIMITED },
};

/* It says twice that a code is right, and is believed when it means it. */
static void read_checked(const json_t *answer, struct pintle_said *said)
{
	const char *state = text_of(answer, "status");
	bool is_valid = json_is_true(json_object_get(answer, "valid"));

	if (!is_fine(said))
		read_error(answer, said);
	else if ((strcmp(state, "approved") == 0) == is_valid)
		pintle_say(said, state);
}

static const struct pintle_gateway checked = {
	.verdicts = checked_verdicts,
	.n_verdicts = PINTLE_N(checked_verdicts),
	.read = read_checked,
};

/* ---- Requests ---- */

/* "A=a&B=b" of two fields, to be wiped and freed; NULL without memory. */
static char *make_form(const char *const fields[4])
{
	char *form = NULL;
	size_t len;
	FILE *out = open_memstream(&form, &len);

	if (!out)
		return NULL;
	(void)fprintf(out, "%s=", fields[0]);
	pintle_put_encoded(out, fields[1]);
	(void)fprintf(out, "&%s=", fields[2]);
	pintle_put_encoded(out, fields[3]);
	if (fclose(out) == 0) /* the one place where the stream tells of an error */
		return form;
	free(form);
	return NULL;
}

/* Once, whatever happens to it: a second one sends a second message, or takes a second try. */
static int32_t post_form(const struct twilio_verify *self, struct pintle_call *call,
			 const struct pintle_gateway *gateway, const char *path, const char *form,
			 struct pintle_said *said, json_t **answer_out)
{
	const struct conf *conf = self->conf;
	char url[400], basic[PINTLE_BASIC_MAX];
	const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded", basic,
					NULL };
	const struct pintle_request request = {
		.size = sizeof(request),
		.flags = PINTLE_HTTP_ONCE,
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = form,
		.body_len = strlen(form),
		.timeout_ms = conf->timeout_ms,
		.ca_file = *conf->ca_file ? conf->ca_file : NULL,
	};
	int32_t status = PINTLE_INTERNAL;

	(void)snprintf(url, sizeof(url), "%s/v2/Services/%s/%s", conf->endpoint, conf->service_sid,
		       path);
	if (account_basic(self->host, &conf->account, basic))
		status = pintle_gateway_hear(self->host, call, gateway, &request, said, answer_out);
	self->host->wipe(basic, sizeof(basic));
	return status;
}

static int32_t post(const struct twilio_verify *self, struct pintle_call *call,
		    const struct pintle_gateway *gateway, const char *path,
		    const char *const fields[4], struct pintle_said *said, json_t **answer_out)
{
	char *form = make_form(fields);
	int32_t status = PINTLE_INTERNAL;

	*answer_out = NULL;
	if (form)
		status = post_form(self, call, gateway, path, form, said, answer_out);
	pintle_wipe_free(self->host, form);
	return status;
}

/* ---- Begin ---- */

static int32_t start(const struct twilio_verify *self, struct pintle_call *call, const char *phone)
{
	const struct pintle_host *host = self->host;
	const char *const fields[] = { "To", phone, "Channel", "sms" };
	struct pintle_said said;
	json_t *answer;
	int32_t status = post(self, call, &begun, "Verifications", fields, &said, &answer);

	if (status == PINTLE_DENIED)
		status = host->invalid(call, "phone", "format");
	if (status == PINTLE_OK)
		status = host->keep(call, "sid", said.id);
	json_decref(answer);
	return status == PINTLE_OK ? host->keep(call, "phone", phone) : status;
}

/* Who has a fixed code is sent none, so it is kept here. */
static int32_t keep_fixed(const struct twilio_verify *self, struct pintle_call *call,
			  const char *phone)
{
	char code[PINTLE_CODE_LEN + 1];
	int32_t status = pintle_code_keep(self->host, call, "phone", phone, code);

	self->host->wipe(code, sizeof(code));
	return status;
}

static int32_t begin(void *self_of_inst, struct pintle_call *call)
{
	const struct twilio_verify *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *phone;
	int32_t status;

	if (host->purpose(call) == PINTLE_MFA)
		return PINTLE_FORBIDDEN; /* no second factor */
	status = pintle_code_target(host, call, "phone", &phone);
	if (status != PINTLE_OK)
		return status;
	status = host->charge(call, phone);
	if (status == PINTLE_FORBIDDEN)
		return host->invalid(call, "phone", "country");
	if (status != PINTLE_OK)
		return status;
	return host->fixed_code(call, phone) ? keep_fixed(self, call, phone)
					     : start(self, call, phone);
}

/* ---- Verify ---- */

/* The verification was of this number: nobody is believed who answers about another. */
static int32_t check(const struct twilio_verify *self, struct pintle_call *call, const char *sid,
		     const char *phone, const char *code)
{
	const char *const fields[] = { "VerificationSid", sid, "Code", code };
	struct pintle_said said;
	json_t *answer;
	int32_t status = post(self, call, &checked, "VerificationCheck", fields, &said, &answer);

	if (status == PINTLE_OK && (strcmp(text_of(answer, "sid"), sid) != 0 ||
				    strcmp(text_of(answer, "to"), phone) != 0)) {
		self->host->detail(call, "the answer is about another verification");
		status = PINTLE_UNAVAILABLE;
	}
	json_decref(answer);
	return status == PINTLE_OK ? self->host->subject(call, "phone", phone) : status;
}

/* Twilio takes a code once. A binding may be asked for again in the same flow: then it is compared here. */
static int32_t keep_right(const struct twilio_verify *self, struct pintle_call *call,
			  const char *phone, const char *code)
{
	const char *mark = pintle_code_mark(self->host, call, phone, code);

	return mark ? self->host->keep(call, "code", mark) : PINTLE_INTERNAL;
}

static int32_t verify(void *self_of_inst, struct pintle_call *call)
{
	const struct twilio_verify *self = self_of_inst;
	const struct pintle_host *host = self->host;
	const char *sid = host->kept(call, "sid"), *phone, *code;
	int32_t status;

	if (!sid || host->kept(call, "code"))
		return pintle_code_verify(host, call, "phone"); /* a fixed one, or a right one */
	status = pintle_code_read(host, call, "phone", &phone, &code);
	if (status != PINTLE_OK || !phone || !code)
		return status;
	status = check(self, call, sid, phone, code);
	return status == PINTLE_OK ? keep_right(self, call, phone, code) : status;
}

static const struct pintle_input inputs[] = {
	{ "phone", "手机号", "Phone number", "tel", NULL, 0, 1 },
	{ "code", "验证码", "Code", "text", "[0-9]{6}", 1, 1 },
};

static const char *const namespaces[] = { "phone", NULL };

static const struct pintle_provider provider = {
	.size = sizeof(provider),
	.label_zh = "短信验证码",
	.label_en = "Code by SMS",
	.namespaces = namespaces,
	.denied = "invalid_code",
	PINTLE_INPUTS(inputs),
	.begin = begin,
	.verify = verify,
	.bind = verify,
};

static const struct pintle_plugin plugin = {
	.size = sizeof(plugin),
	.abi = PINTLE_ABI,
	.name = "twilio_verify",
	.version = "0.1.0",
	.summary = "Sign-in with a phone number and a code of Twilio Verify",
	PINTLE_OPTIONS(opts),
	.conf_size = sizeof(struct conf),
	.open = open_instance,
	.close = free,
	.provider = &provider,
};

PINTLE_PLUGIN(plugin)
