/* SPDX-License-Identifier: Apache-2.0 */
/* A person between the steps of a flow, and as what is proved at its end. */
#include "oauth2.h"

#include <ctype.h>
#include <pintle/redirect.h>
#include <string.h>

/* What the host takes for a profile: more would refuse the newcomer. */
#define NICKNAME_MAX 50 /* characters */
#define NICKNAME_BYTES 200
#define AVATAR_MAX 255
#define EMAIL_MAX 254

/* ---- As the profile takes it ---- */

static size_t bytes_of(const char *text, size_t n_characters)
{
	size_t len = 0;

	while (text[len] && ((text[len] & 0xC0) == 0x80 || n_characters-- > 0))
		len++;
	return len;
}

static const char *nickname(const struct oauth2 *self, struct pintle_call *call, const char *text)
{
	const char *shown = pintle_tidy(self->host, call, text, NICKNAME_BYTES);

	return shown ? pintle_tidy(self->host, call, shown, bytes_of(shown, NICKNAME_MAX)) : NULL;
}

static bool is_picture(const char *url)
{
	const char *rest = url + strlen("https://");

	if (strlen(url) > AVATAR_MAX || strncmp(url, "https://", strlen("https://")) != 0 ||
	    !isalnum((unsigned char)*rest))
		return false;
	for (; *rest; rest++)
		if (!isgraph((unsigned char)*rest) || strchr("\\\"<>^`{|}", *rest))
			return false;
	return true;
}

/* ---- Keeping ---- */

int32_t person_keep(const struct oauth2 *self, struct pintle_call *call,
		    const struct person *person)
{
	const struct pintle_host *host = self->host;
	const char *shown = nickname(self, call, person->nickname);
	const struct {
		const char *name, *value;
	} texts[] = {
		{ "ns", self->ns },
		{ "sub", person->sub },
		{ "nickname", shown },
		{ "avatar_url", is_picture(person->avatar_url) ? person->avatar_url : "" },
		{ "email", strlen(person->email) <= EMAIL_MAX ? person->email : "" },
		{ "email_verified", person->is_email_verified ? "true" : "false" },
	};
	int32_t status = shown ? PINTLE_OK : PINTLE_INTERNAL;

	for (size_t i = 0; status == PINTLE_OK && i < PINTLE_N(texts); i++)
		status = host->keep(call, texts[i].name, texts[i].value);
	return status;
}

static const char *kept_text(const struct oauth2 *self, struct pintle_call *call, const char *name)
{
	const char *text = self->host->kept(call, name);

	return text ? text : "";
}

int32_t person_kept(const struct oauth2 *self, struct pintle_call *call, struct person *out)
{
	*out = (struct person){
		.sub = kept_text(self, call, "sub"),
		.nickname = kept_text(self, call, "nickname"),
		.avatar_url = kept_text(self, call, "avatar_url"),
		.email = kept_text(self, call, "email"),
		.is_email_verified = strcmp(kept_text(self, call, "email_verified"), "true") == 0,
	};
	/* Of another issuer, when the section was for that one: its 7 is somebody else here. */
	if (strcmp(kept_text(self, call, "ns"), self->ns) != 0)
		return PINTLE_EXPIRED;
	return *out->sub ? PINTLE_OK : PINTLE_EXPIRED;
}

/* ---- Proving ---- */

static int32_t claim_known(const struct oauth2 *self, struct pintle_call *call,
			   const struct person *person)
{
	const struct {
		const char *name, *value;
	} claims[] = {
		{ "nickname", person->nickname },
		{ "avatar", person->avatar_url },
		{ "email", person->email },
		{ "email_verified", person->is_email_verified ? "true" : "false" },
	};
	size_t n = PINTLE_N(claims) - (*person->email ? 0 : 1);
	int32_t status = PINTLE_OK;

	for (size_t i = 0; status == PINTLE_OK && i < n; i++) {
		if (*claims[i].value)
			status = self->host->claim(call, claims[i].name, claims[i].value);
	}
	return status;
}

/* At bind the account is known, and gets no address that nobody has asked to bind. */
static int32_t name_email(const struct oauth2 *self, struct pintle_call *call,
			  const struct person *person)
{
	const struct pintle_host *host = self->host;
	const char *email = NULL;
	bool may_join = false;
	int32_t status = PINTLE_OK;

	if (self->conf->links_email && person->is_email_verified &&
	    host->purpose(call) != PINTLE_BIND)
		email = host->canonical(call, "email", person->email);
	if (email)
		status = account_may_join(self, call, email, person->sub, &may_join);
	return status == PINTLE_OK && may_join ? host->also(call, "email", email) : status;
}

/* The subject comes first: whoever has signed in before stays the same user, whatever address they have now. */
int32_t person_prove(const struct oauth2 *self, struct pintle_call *call,
		     const struct person *person)
{
	int32_t status = self->host->subject(call, self->ns, person->sub);

	if (status == PINTLE_OK)
		status = name_email(self, call, person);
	return status == PINTLE_OK ? claim_known(self, call, person) : status;
}
