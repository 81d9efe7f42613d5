/* SPDX-License-Identifier: Apache-2.0 */
#include "upstream.h"

#include "oauth2.h"

#include <pintle/redirect.h>
#include <stdio.h>
#include <string.h>

/* What is about the code or the person is a denial. What is about our client or a request of ours, and what is
 * not listed, is a fault. */
static const struct {
	const char *word;
	int32_t status;
} verdicts[] = {
	{ "invalid_grant", PINTLE_DENIED },
	{ "bad_verification_code", PINTLE_DENIED }, /* GitHub's */
	{ "access_denied", PINTLE_DENIED },
	{ "slow_down", PINTLE_LIMITED },
};

int32_t upstream_judge(const struct oauth2 *self, struct pintle_call *call, int32_t code,
		       const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	bool is_shown = strlen(word) <= 64 && !word[strspn(word, plain)];
	char text[128];

	(void)snprintf(text, sizeof(text), "the provider answered HTTP %d, %s", (int)code,
		       is_shown ? word : "in other words");
	self->host->detail(call, text);
	for (size_t i = 0; i < PINTLE_N(verdicts); i++) {
		if (strcmp(verdicts[i].word, word) == 0)
			return verdicts[i].status;
	}
	return PINTLE_UNAVAILABLE;
}

int32_t upstream_senseless(const struct oauth2 *self, struct pintle_call *call, int32_t code,
			   const char *what)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "the provider answered HTTP %d, %s", (int)code, what);
	self->host->detail(call, text);
	return PINTLE_UNAVAILABLE;
}

/* ---- Asking ---- */

static int32_t put_headers(const struct oauth2 *self, struct pintle_call *call,
			   const struct upstream_request *request,
			   const char *headers[UPSTREAM_HEADERS_MAX + 1])
{
	size_t n = 0;

	headers[n++] = request->accept ? request->accept : "Accept: application/json";
	if (self->conf->preset == PRESET_GITHUB)
		headers[n++] = "X-GitHub-Api-Version: 2022-11-28";
	if (request->form)
		headers[n++] = "Content-Type: application/x-www-form-urlencoded";
	if (request->authorization)
		headers[n++] = request->authorization;
	if (request->token)
		headers[n++] =
			pintle_joined(self->host, call, "Authorization: Bearer ", request->token);
	headers[n] = NULL;
	return n > 0 && !headers[n - 1] ? PINTLE_INTERNAL : PINTLE_OK;
}

static int32_t read_answer(const struct oauth2 *self, struct pintle_call *call,
			   const struct pintle_answer *answer, struct upstream_answer *out)
{
	out->code = answer->code;
	out->max_age_ms = answer->max_age_ms;
	if (answer->code == 429)
		return upstream_judge(self, call, answer->code, "slow_down");
	out->json = json_loadb(answer->body, answer->body_len, JSON_REJECT_DUPLICATES, NULL);
	return out->json ? PINTLE_OK : upstream_senseless(self, call, answer->code, "no JSON");
}

int32_t upstream_ask(const struct oauth2 *self, struct pintle_call *call,
		     const struct upstream_request *request, struct upstream_answer *out)
{
	const char *headers[UPSTREAM_HEADERS_MAX + 1];
	struct pintle_answer answer = { .size = sizeof(answer) };
	struct pintle_request mine = {
		.size = sizeof(mine),
		.flags = request->form ? PINTLE_HTTP_ONCE : 0,
		.url = request->url,
		.headers = headers,
		.body = request->form,
		.body_len = request->form ? strlen(request->form) : 0,
		.timeout_ms = self->conf->timeout_ms,
		.ca_file = *self->conf->ca_file ? self->conf->ca_file : NULL,
	};
	int32_t status = put_headers(self, call, request, headers);

	*out = (struct upstream_answer){ 0 };
	if (status == PINTLE_OK)
		status = self->host->http(call, &mine, &answer);
	return status == PINTLE_OK ? read_answer(self, call, &answer, out) : status;
}
