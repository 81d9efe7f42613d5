/* SPDX-License-Identifier: Apache-2.0 */
/* A person between the steps of a flow, and as what is proved at its end. */
#include "wechat.h"

#include <pintle/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEAL_LABEL "wechat"
#define NAME_MAX_BYTES 256
#define PLACE_MAX_BYTES 64
#define AVATAR_MAX_BYTES 512

/* ---- Keeping ---- */

static int32_t keep_text(const struct wechat *self, struct pintle_call *call, const char *name,
			 const char *text, size_t max)
{
	const char *shown = pintle_tidy(self->host, call, text, max);

	return shown ? self->host->keep(call, name, shown) : PINTLE_INTERNAL;
}

static int32_t keep_secret(const struct wechat *self, struct pintle_call *call, const char *name,
			   const char *secret)
{
	const char *sealed = "";
	int32_t status = PINTLE_OK;

	if (*secret)
		status = self->host->seal(call, SEAL_LABEL, secret, &sealed);
	return status == PINTLE_OK ? self->host->keep(call, name, sealed) : status;
}

static int32_t keep_int(const struct wechat *self, struct pintle_call *call, const char *name,
			int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	return self->host->keep(call, name, text);
}

int32_t person_keep(const struct wechat *self, struct pintle_call *call,
		    const struct person *person)
{
	/* Half an address of a picture is none. */
	const char *avatar =
		strlen(person->avatar_url) <= AVATAR_MAX_BYTES ? person->avatar_url : "";
	const struct {
		const char *name, *text;
		size_t max;
	} texts[] = {
		{ "appid", self->conf->appid, NAME_MAX_BYTES },
		{ "openid", person->openid, NAME_MAX_BYTES },
		{ "unionid", person->unionid, NAME_MAX_BYTES },
		{ "nickname", person->nickname, NAME_MAX_BYTES },
		{ "avatar_url", avatar, AVATAR_MAX_BYTES },
		{ "country", person->country, PLACE_MAX_BYTES },
		{ "province", person->province, PLACE_MAX_BYTES },
		{ "city", person->city, PLACE_MAX_BYTES },
	};
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < PINTLE_N(texts); i++)
		status = keep_text(self, call, texts[i].name, texts[i].text, texts[i].max);
	if (status == PINTLE_OK)
		status = keep_secret(self, call, "access_token", person->access_token);
	if (status == PINTLE_OK)
		status = keep_secret(self, call, "refresh_token", person->refresh_token);
	if (status == PINTLE_OK)
		status = keep_secret(self, call, "session_key", person->session_key);
	if (status == PINTLE_OK)
		status = keep_int(self, call, "gender", person->gender);
	return status == PINTLE_OK ? keep_int(self, call, "expires_ms", person->expires_ms)
				   : status;
}

/* ---- What was kept ---- */

static const char *kept_text(const struct wechat *self, struct pintle_call *call, const char *name)
{
	const char *text = self->host->kept(call, name);

	return text ? text : "";
}

static int64_t kept_int(const struct wechat *self, struct pintle_call *call, const char *name)
{
	return strtoll(kept_text(self, call, name), NULL, 10);
}

int32_t person_kept(const struct wechat *self, struct pintle_call *call, struct person *out)
{
	*out = (struct person){
		.openid = kept_text(self, call, "openid"),
		.unionid = kept_text(self, call, "unionid"),
		.nickname = kept_text(self, call, "nickname"),
		.avatar_url = kept_text(self, call, "avatar_url"),
		.country = kept_text(self, call, "country"),
		.province = kept_text(self, call, "province"),
		.city = kept_text(self, call, "city"),
		.access_token = kept_text(self, call, "access_token"),
		.refresh_token = kept_text(self, call, "refresh_token"),
		.session_key = kept_text(self, call, "session_key"),
		.gender = kept_int(self, call, "gender"),
		.expires_ms = kept_int(self, call, "expires_ms"),
	};
	/* Of another app, when the section was for that one. */
	if (strcmp(kept_text(self, call, "appid"), self->conf->appid) != 0)
		return PINTLE_EXPIRED;
	return *out->openid ? PINTLE_OK : PINTLE_EXPIRED;
}

/* ---- Proving ---- */

static int32_t claim_known(const struct wechat *self, struct pintle_call *call,
			   const struct person *person)
{
	static const char *const genders[] = { "", "male", "female" };
	const struct {
		const char *name, *value;
	} claims[] = {
		{ "nickname", person->nickname },      { "avatar", person->avatar_url },
		{ "province", person->province },      { "city", person->city },
		{ "gender", genders[person->gender] },
	};
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < PINTLE_N(claims); i++) {
		if (*claims[i].value)
			status = self->host->claim(call, claims[i].name, claims[i].value);
	}
	return status;
}

/* The openid comes first: whoever has signed in to this app before stays the same user, whatever a unionid
 * that appears later says. An empty unionid is nobody's. */
int32_t person_prove(const struct wechat *self, struct pintle_call *call,
		     const struct person *person)
{
	int32_t status = self->host->subject(call, self->openid_ns, person->openid);

	if (status == PINTLE_OK && *self->unionid_ns && *person->unionid)
		status = self->host->also(call, self->unionid_ns, person->unionid);
	return status == PINTLE_OK ? claim_known(self, call, person) : status;
}
