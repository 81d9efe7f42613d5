/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is alike in all providers that prove an address by a code: it goes there and comes back. kind is
 * at once the kind of identifier, its namespace and the field that holds it: "phone", "email". Inline,
 * and no part of the ABI. [worker]
 */
#ifndef PINTLE_CODE_H
#define PINTLE_CODE_H

#include "plugin.h"

#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PINTLE_CODE_LEN 6
#define PINTLE_CODE_MARK_MAX 320 /* an address, a space and a code */

static inline int pintle_code_is_one(const char *text)
{
	return strlen(text) == PINTLE_CODE_LEN && strspn(text, "0123456789") == PINTLE_CODE_LEN;
}

/* A code is kept as a keyed hash, bound to its address. */
static inline const char *pintle_code_mark(const struct pintle_host *host, struct pintle_call *call,
					   const char *to, const char *code)
{
	char text[PINTLE_CODE_MARK_MAX];
	const char *mark;

	(void)snprintf(text, sizeof(text), "%s %s", to, code);
	mark = host->blind(call, "code", text);
	host->wipe(text, sizeof(text));
	return mark;
}

/* A random one, but for who has a fixed one. */
static inline int32_t pintle_code_make(const struct pintle_host *host, struct pintle_call *call,
				       const char *to, char *code)
{
	const char *fixed = PINTLE_HAS(host, fixed_code) ? host->fixed_code(call, to) : NULL;

	if (!fixed || !pintle_code_is_one(fixed))
		return host->random_digits(code, PINTLE_CODE_LEN);
	memcpy(code, fixed, PINTLE_CODE_LEN + 1);
	return PINTLE_OK;
}

static inline int32_t pintle_code_keep(const struct pintle_host *host, struct pintle_call *call,
				       const char *kind, const char *to, char *code)
{
	int32_t status = pintle_code_make(host, call, to, code);
	const char *mark;

	if (status != PINTLE_OK)
		return status;
	mark = pintle_code_mark(host, call, to, code);
	status = mark ? host->keep(call, kind, to) : PINTLE_INTERNAL;
	return status == PINTLE_OK ? host->keep(call, "code", mark) : status;
}

/* How begin starts: the address of the field, canonical, is named as the target. */
static inline int32_t pintle_code_target(const struct pintle_host *host, struct pintle_call *call,
					 const char *kind, const char **to_out)
{
	const char *given = host->field(call, kind);

	*to_out = NULL;
	if (!given)
		return host->invalid(call, kind, "required");
	*to_out = host->canonical(call, kind, given);
	if (!*to_out)
		return host->invalid(call, kind, "format");
	return host->target(call, kind, *to_out);
}

/* The first half of begin: the address is named as the target, and a fresh code kept for it. Send the
 * code to *to_out and wipe it, whatever this answers. */
static inline int32_t pintle_code_begin(const struct pintle_host *host, struct pintle_call *call,
					const char *kind, char code[PINTLE_CODE_LEN + 1],
					const char **to_out)
{
	int32_t status = pintle_code_target(host, call, kind, to_out);

	code[0] = '\0';
	return status == PINTLE_OK ? pintle_code_keep(host, call, kind, *to_out, code) : status;
}

/* How verify and bind start: the address that was kept, and what came back of the form of a code. The
 * address may be given once more; then it must be the same. */
static inline int32_t pintle_code_read(const struct pintle_host *host, struct pintle_call *call,
				       const char *kind, const char **to_out, const char **code_out)
{
	const char *given = host->field(call, kind);

	*to_out = host->kept(call, kind);
	*code_out = host->field(call, "code");
	if (!*code_out)
		return host->invalid(call, "code", "required");
	if (!*to_out)
		return PINTLE_EXPIRED;
	if (given) {
		given = host->canonical(call, kind, given);
		if (!given || strcmp(given, *to_out) != 0)
			return PINTLE_DENIED;
	}
	return pintle_code_is_one(*code_out) ? PINTLE_OK : PINTLE_DENIED;
}

/* All of verify and bind. */
static inline int32_t pintle_code_verify(const struct pintle_host *host, struct pintle_call *call,
					 const char *kind)
{
	const char *to, *code, *kept = host->kept(call, "code"), *mark;
	int32_t status = pintle_code_read(host, call, kind, &to, &code);

	if (status != PINTLE_OK)
		return status;
	if (!kept)
		return PINTLE_EXPIRED;
	mark = pintle_code_mark(host, call, to, code);
	if (!mark)
		return PINTLE_INTERNAL;
	if (strlen(mark) != strlen(kept) || !host->same(mark, kept, strlen(mark)))
		return PINTLE_DENIED;
	return host->subject(call, kind, to);
}

#ifdef __cplusplus
}
#endif
#endif
