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

/* n_bytes at random as 2 * n_bytes hex digits and a NUL. INTERNAL: do not go on. */
static inline int32_t pintle_random_hex(const struct pintle_host *host, char *out, size_t n_bytes)
{
	static const char digits[] = "0123456789abcdef";
	int32_t status = host->random(out + n_bytes, n_bytes);
	size_t i;

	/* Read from the second half, which is overwritten from behind what is still to be read. */
	for (i = 0; status == PINTLE_OK && i < n_bytes; i++) {
		unsigned char byte = (unsigned char)out[n_bytes + i];

		out[2 * i] = digits[byte >> 4];
		out[2 * i + 1] = digits[byte & 15];
	}
	out[2 * i] = '\0';
	return status;
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
