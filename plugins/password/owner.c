/* SPDX-License-Identifier: Apache-2.0 */
/* Whose number or address a request is about. That it is theirs, another provider proves. */
#include "password.h"

#include <string.h>

/* What a proof may consist of; what it has to be in the end is the business of who proves. */
static int has_proof(const struct pintle_host *host, struct pintle_call *call)
{
	return host->field(call, "code") || host->field(call, "grant") ||
	       host->field(call, "ticket");
}

/* Either would do. */
static int32_t refuse_nobody(const struct pintle_host *host, struct pintle_call *call)
{
	(void)host->invalid(call, "phone", "required");
	return host->invalid(call, "email", "required");
}

int32_t owner_read(const struct pintle_host *host, struct pintle_call *call,
		   struct pintle_identity *out)
{
	static const char *const kinds[] = { "phone", "email" };

	*out = (struct pintle_identity){ .size = sizeof(*out), .is_verified = 1 };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *given = host->field(call, kinds[i]);

		if (!given)
			continue;
		out->ns = kinds[i];
		out->subject = host->canonical(call, kinds[i], given);
		if (!out->subject)
			return host->invalid(call, kinds[i], "format");
		return has_proof(host, call) ? PINTLE_OK : host->invalid(call, "code", "required");
	}
	return refuse_nobody(host, call);
}

/* The part before the '@'; the whole of a number. */
static const char *local_part(const struct pintle_host *host, struct pintle_call *call,
			      const char *subject)
{
	size_t len = strcspn(subject, "@");
	char *part = host->alloc(call, len + 1);

	if (part)
		memcpy(part, subject, len);
	return part;
}

int32_t owner_words(const struct pintle_host *host, struct pintle_call *call,
		    const struct pintle_identity *owner, const char *username,
		    const char *words_out[OWNER_WORDS])
{
	const char *subject = owner->subject, *part = local_part(host, call, subject);
	size_t n = 0;

	if (!part)
		return PINTLE_INTERNAL;
	words_out[n++] = "pintle";
	words_out[n++] = part + (*part == '+');
	words_out[n++] = subject;
	if (strncmp(subject, "+86", 3) == 0) /* a Chinese number is typed without its country */
		words_out[n++] = subject + 3;
	if (username)
		words_out[n++] = username;
	words_out[n] = NULL;
	return PINTLE_OK;
}
