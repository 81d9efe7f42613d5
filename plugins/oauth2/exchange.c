/* SPDX-License-Identifier: Apache-2.0 */
#include "oauth2.h"
#include "upstream.h"

#include <ctype.h>
#include <pintle/basic.h>
#include <pintle/redirect.h>
#include <pintle/url.h>
#include <string.h>

#define TOKEN_MAX 16384

static const char *encoded(const struct oauth2 *self, struct pintle_call *call, const char *text)
{
	char *out = self->host->alloc(call, pintle_url_encode(text, NULL) + 1);

	if (out)
		(void)pintle_url_encode(text, out);
	return out;
}

/* RFC 6749, 2.3.1: both are encoded as in a form before they are put together. */
static const char *basic(const struct oauth2 *self, struct pintle_call *call)
{
	const char *id = encoded(self, call, self->conf->client_id);
	const char *secret = encoded(self, call, self->conf->client_secret);
	char *header = self->host->alloc(call, PINTLE_BASIC_MAX);

	if (!id || !secret || !header || !pintle_basic(self->host, id, secret, header))
		return NULL;
	return header;
}

/* It goes into a header. */
static bool is_token(const char *text)
{
	while (isgraph((unsigned char)*text))
		text++;
	return *text == '\0';
}

static int32_t read_tokens(const struct oauth2 *self, struct pintle_call *call,
			   const struct upstream_answer *answer, struct tokens *out)
{
	const struct pintle_host *host = self->host;
	const char *word = pintle_member(host, call, answer->json, "error", TOKEN_MAX);

	out->access = pintle_member(host, call, answer->json, "access_token", TOKEN_MAX);
	out->id = pintle_member(host, call, answer->json, "id_token", TOKEN_MAX);
	if (!word || !out->access || !out->id)
		return PINTLE_INTERNAL;
	if (*word) /* GitHub says so with HTTP 200 */
		return upstream_judge(self, call, answer->code, word);
	if (answer->code != 200 || !is_token(out->access) ||
	    !*(self->conf->preset == PRESET_GITHUB ? out->access : out->id))
		return upstream_senseless(self, call, answer->code, "no token");
	return PINTLE_OK;
}

/* Who has no secret names itself in the form, and PKCE alone says that the code is its. */
int32_t exchange_code(const struct oauth2 *self, struct pintle_call *call,
		      const struct endpoints *endpoints, const char *code, const char *verifier,
		      struct tokens *out)
{
	const struct conf *conf = self->conf;
	bool is_basic = *conf->client_secret && !endpoints->is_post;
	const char *const pairs[] = {
		"code",
		code,
		"redirect_uri",
		pintle_callback_url(self->host, self->inst, call),
		"code_verifier",
		verifier,
		"client_id",
		is_basic ? NULL : conf->client_id,
		"client_secret",
		*conf->client_secret && !is_basic ? conf->client_secret : NULL,
		NULL,
	};
	struct upstream_request request = {
		.url = endpoints->token,
		.form = pintle_url(self->host, call, "grant_type=authorization_code", '&', pairs),
		.authorization = is_basic ? basic(self, call) : NULL,
	};
	struct upstream_answer answer;
	int32_t status;

	*out = (struct tokens){ "", "" };
	if (!pairs[3] || !request.form || (is_basic && !request.authorization))
		return PINTLE_INTERNAL;
	status = upstream_ask(self, call, &request, &answer);
	if (status != PINTLE_OK)
		return status;
	status = read_tokens(self, call, &answer, out);
	json_decref(answer.json);
	return status;
}
