/* SPDX-License-Identifier: Apache-2.0 */
/* WeChat's interface: GET requests that answer JSON, whatever their type says, and HTTP 200 for errors. */
#include "wechat.h"

#include <jansson.h>
#include <pintle/redirect.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 1024 /* of any text of an answer */
#define ID_MAX 64
#define LIFE_MAX_S (366 * 86400) /* of a token */

/* ---- Words of WeChat ---- */

enum { RENEW = -1 }; /* the access token has expired: not for callers */

/* What is about our app, our secret or a request of ours is a fault; what is about the code or the person
 * is a denial. What is not listed is a fault. */
static const struct {
	int code;
	int32_t status;
} verdicts[] = {
	{ -1, PINTLE_UNAVAILABLE },    /* busy */
	{ 40001, PINTLE_UNAVAILABLE }, /* our secret */
	{ 40003, PINTLE_DENIED },      /* openid */
	{ 40013, PINTLE_UNAVAILABLE }, /* appid */
	{ 40014, RENEW },              /* access token */
	{ 40029, PINTLE_DENIED },      /* code */
	{ 40030, PINTLE_EXPIRED },     /* refresh token */
	{ 40125, PINTLE_UNAVAILABLE }, /* our secret */
	{ 40163, PINTLE_DENIED },      /* code used before */
	{ 40164, PINTLE_UNAVAILABLE }, /* our address */
	{ 40226, PINTLE_DENIED },      /* a person of high risk */
	{ 42001, RENEW },
	{ 42002, PINTLE_EXPIRED }, /* tokens */
	{ 45011, PINTLE_LIMITED },
	{ 48001, PINTLE_UNAVAILABLE }, /* our permission */
	{ 50001, PINTLE_DENIED },
	{ 50002, PINTLE_DENIED }, /* the person's permission */
};

static int32_t judge(const struct wechat *self, struct pintle_call *call, int code)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "WeChat answered errcode %d", code);
	self->host->detail(call, text);
	for (size_t i = 0; i < PINTLE_N(verdicts); i++) {
		if (verdicts[i].code == code)
			return verdicts[i].status;
	}
	return PINTLE_UNAVAILABLE;
}

/* ---- Asking ---- */

static int32_t read_answer(const struct wechat *self, struct pintle_call *call,
			   const struct pintle_answer *answer, json_t **out)
{
	json_t *json = json_loadb(answer->body, answer->body_len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *code = json_object_get(json, "errcode");
	int32_t status = PINTLE_OK;

	*out = NULL;
	if (answer->code != 200 || !json_is_object(json) || (code && !json_is_integer(code))) {
		self->host->detail(call, answer->body_len == 0 ? "WeChat answered nothing"
							       : "WeChat's answer makes no sense");
		status = PINTLE_UNAVAILABLE;
	} else if (json_integer_value(code) != 0) {
		status = judge(self, call, (int)json_integer_value(code));
	}
	if (status == PINTLE_OK)
		*out = json;
	else
		json_decref(json);
	return status;
}

/* pairs hold our secret or a person's: the URL is never shown. out is the caller's when OK. */
static int32_t ask(const struct wechat *self, struct pintle_call *call, const char *path,
		   const char *const *pairs, json_t **out)
{
	const struct conf *conf = self->conf;
	struct pintle_answer answer = { .size = sizeof(answer) };
	struct pintle_request request = {
		.size = sizeof(request),
		.flags = PINTLE_HTTP_ONCE,
		.method = "GET",
		.timeout_ms = conf->timeout_ms,
		.ca_file = *conf->ca_file ? conf->ca_file : NULL,
	};
	char base[384];
	int32_t status;

	*out = NULL;
	(void)snprintf(base, sizeof(base), "%s%s", conf->api_url, path);
	request.url = pintle_url(self->host, call, base, '?', pairs);
	if (!request.url)
		return PINTLE_INTERNAL;
	status = self->host->http(call, &request, &answer);
	return status == PINTLE_OK ? read_answer(self, call, &answer, out) : status;
}

/* ---- Reading ---- */

struct member {
	const char *name;
	const char **out;
};

/* What an answer does not have stays as it was. */
static int32_t read_texts(const struct wechat *self, struct pintle_call *call, const json_t *answer,
			  const struct member *members, size_t n_members)
{
	for (size_t i = 0; i < n_members; i++) {
		const char *text =
			pintle_member(self->host, call, answer, members[i].name, TEXT_MAX);

		if (!text)
			return PINTLE_INTERNAL;
		if (*text || !*members[i].out)
			*members[i].out = text;
	}
	return PINTLE_OK;
}

/* As WeChat's ids are, and columns and URLs can hold them. */
static bool is_id(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t len = strlen(text);

	return len > 0 && len <= ID_MAX && strspn(text, letters) == len;
}

/* Nobody is named without an openid: an answer that lacks it is none. A unionid may be missing, or empty. */
static int32_t read_named(const struct wechat *self, struct pintle_call *call, const json_t *answer,
			  struct person *out)
{
	const struct member members[] = {
		{ "openid", &out->openid },
		{ "unionid", &out->unionid },
		{ "session_key", &out->session_key },
		{ "access_token", &out->access_token },
		{ "refresh_token", &out->refresh_token },
	};
	json_int_t expires_in = json_integer_value(json_object_get(answer, "expires_in"));
	int32_t status = read_texts(self, call, answer, members, PINTLE_N(members));

	if (status != PINTLE_OK)
		return status;
	if (!is_id(out->openid) || (*out->unionid && !is_id(out->unionid))) {
		self->host->detail(call, "WeChat's answer names nobody");
		return PINTLE_UNAVAILABLE;
	}
	if (expires_in > 0 && expires_in <= LIFE_MAX_S && *out->access_token)
		out->expires_ms = self->host->now_ms() + expires_in * 1000;
	return PINTLE_OK;
}

static void read_profile(const json_t *answer, struct person *out)
{
	json_int_t sex = json_integer_value(json_object_get(answer, "sex"));

	out->gender = sex == 1 || sex == 2 ? sex : 0;
}

static const struct person nobody = { .openid = "",
				      .unionid = "",
				      .nickname = "",
				      .avatar_url = "",
				      .country = "",
				      .province = "",
				      .city = "",
				      .access_token = "",
				      .refresh_token = "",
				      .session_key = "" };

/* ---- The calls ---- */

static int32_t user_info(const struct wechat *self, struct pintle_call *call, struct person *person)
{
	const char *const pairs[] = { "access_token",
				      person->access_token,
				      "openid",
				      person->openid,
				      "lang",
				      "zh_CN",
				      NULL };
	const char *openid = "";
	const struct member members[] = {
		{ "openid", &openid },
		{ "unionid", &person->unionid },
		{ "nickname", &person->nickname },
		{ "headimgurl", &person->avatar_url },
		{ "country", &person->country },
		{ "province", &person->province },
		{ "city", &person->city },
	};
	json_t *answer;
	int32_t status = ask(self, call, "/sns/userinfo", pairs, &answer);

	if (status != PINTLE_OK)
		return status;
	status = read_texts(self, call, answer, members, PINTLE_N(members));
	read_profile(answer, person);
	json_decref(answer);
	if (status == PINTLE_OK && (strcmp(openid, person->openid) != 0 ||
				    (*person->unionid && !is_id(person->unionid)))) {
		self->host->detail(call, "WeChat told of somebody else");
		return PINTLE_UNAVAILABLE;
	}
	return status;
}

static bool is_snapshot(const json_t *answer)
{
	return json_integer_value(json_object_get(answer, "is_snapshotuser")) != 0;
}

/* Whether the token may be used to ask for the profile. */
static bool has_scope(const json_t *answer)
{
	const char *scope = json_string_value(json_object_get(answer, "scope"));

	return scope && (strstr(scope, "snsapi_userinfo") || strstr(scope, "snsapi_login"));
}

int32_t upstream_exchange(const struct wechat *self, struct pintle_call *call, const char *code,
			  struct person *out)
{
	const char *const pairs[] = {
		"appid",      self->conf->appid,    "secret", self->conf->secret, "code", code,
		"grant_type", "authorization_code", NULL
	};
	bool wants_profile = false;
	json_t *answer;
	int32_t status = ask(self, call, "/sns/oauth2/access_token", pairs, &answer);

	*out = nobody;
	if (status == RENEW)
		return PINTLE_UNAVAILABLE;
	if (status != PINTLE_OK)
		return status;
	if (is_snapshot(answer)) {
		self->host->detail(call, "WeChat named a visitor of a snapshot, who is nobody");
		status = PINTLE_DENIED;
	} else {
		status = read_named(self, call, answer, out);
		wants_profile = has_scope(answer);
	}
	json_decref(answer);
	if (status == PINTLE_OK && !*out->access_token)
		status = PINTLE_UNAVAILABLE;
	if (status != PINTLE_OK || !wants_profile)
		return status;
	status = user_info(self, call, out);
	return status == RENEW ? PINTLE_UNAVAILABLE : status;
}

int32_t upstream_code2session(const struct wechat *self, struct pintle_call *call, const char *code,
			      struct person *out)
{
	const char *const pairs[] = {
		"appid",      self->conf->appid,    "secret", self->conf->secret, "js_code", code,
		"grant_type", "authorization_code", NULL
	};
	json_t *answer;
	int32_t status = ask(self, call, "/sns/jscode2session", pairs, &answer);

	*out = nobody;
	if (status == RENEW)
		return PINTLE_UNAVAILABLE;
	if (status != PINTLE_OK)
		return status;
	status = read_named(self, call, answer, out);
	json_decref(answer);
	return status;
}

static int32_t refresh(const struct wechat *self, struct pintle_call *call, struct person *person)
{
	const char *const pairs[] = {
		"appid",         self->conf->appid,     "grant_type", "refresh_token",
		"refresh_token", person->refresh_token, NULL
	};
	struct person fresh = nobody;
	json_t *answer;
	int32_t status;

	if (!*person->refresh_token)
		return PINTLE_EXPIRED;
	status = ask(self, call, "/sns/oauth2/refresh_token", pairs, &answer);
	if (status != PINTLE_OK)
		return status == RENEW ? PINTLE_EXPIRED : status;
	status = read_named(self, call, answer, &fresh);
	json_decref(answer);
	if (status == PINTLE_OK &&
	    (strcmp(fresh.openid, person->openid) != 0 || !*fresh.access_token))
		status = PINTLE_UNAVAILABLE;
	if (status != PINTLE_OK)
		return status;
	person->access_token = fresh.access_token;
	if (*fresh.refresh_token)
		person->refresh_token = fresh.refresh_token;
	person->expires_ms = fresh.expires_ms;
	return PINTLE_OK;
}

int32_t upstream_renew(const struct wechat *self, struct pintle_call *call, struct person *person)
{
	int32_t status = RENEW;

	if (*person->access_token && person->expires_ms > self->host->now_ms())
		status = user_info(self, call, person);
	if (status != RENEW)
		return status;
	status = refresh(self, call, person);
	if (status == PINTLE_OK)
		status = user_info(self, call, person);
	return status == RENEW ? PINTLE_UNAVAILABLE : status;
}
