/* SPDX-License-Identifier: Apache-2.0 */
/* What several plugins would write again: small, inline, and no part of the ABI. [any] */
#ifndef PINTLE_HELPERS_H
#define PINTLE_HELPERS_H

#include "host.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The value of a variable of a message; NULL when it has none of that name. */
static inline const char *pintle_message_var(const struct pintle_message *message, const char *name)
{
	const char *const *vars;

	for (vars = message->vars; vars && vars[0]; vars += 2)
		if (strcmp(vars[0], name) == 0)
			return vars[1];
	return NULL;
}

/* "login", "register" … as the HTTP interface writes them. */
static inline const char *pintle_purpose_word(int32_t purpose)
{
	switch (purpose) {
	case PINTLE_LOGIN:
		return "login";
	case PINTLE_REGISTER:
		return "register";
	case PINTLE_BIND:
		return "bind";
	case PINTLE_RESET:
		return "reset";
	case PINTLE_CHANGE:
		return "change";
	case PINTLE_MFA:
		return "mfa";
	default:
		return "unknown";
	}
}

/* A text parameter of a query. */
static inline struct pintle_value pintle_text(const char *text)
{
	struct pintle_value value = { PINTLE_V_NULL, 0, 0, 0, NULL, 0 };

	if (text) {
		value.type = PINTLE_V_TEXT;
		value.ptr = text;
		value.len = strlen(text);
	}
	return value;
}

#ifdef __cplusplus
}
#endif
#endif
