/* SPDX-License-Identifier: Apache-2.0 */
/* Length, guessability and the list of what everybody takes. Composition rules there are none. */
#include "password.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zxcvbn.h>

#define MAX_CODE_POINTS 128
#define BCRYPT_MAX 72  /* bytes; the scheme ignores what follows */
#define JUDGED_MAX 100 /* bytes; the estimate takes the square of the length */

/* Common where our users live and rated too well by the estimate. */
static const char *const blocked[] = {
#include "blocklist.txt"
};

static size_t code_points(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int is_blocked(const char *secret)
{
	for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++)
		if (strcasecmp(secret, blocked[i]) == 0)
			return 1;
	return 0;
}

static int is_weak(const struct password *self, const char *secret, const char *const *words)
{
	char start[JUDGED_MAX + 1] = { 0 };
	double bits;

	strncpy(start, secret, JUDGED_MAX);
	bits = ZxcvbnMatch(start, (const char **)(uintptr_t)words, NULL);
	self->host->wipe(start, sizeof(start));
	return bits < (double)self->conf->min_bits || is_blocked(secret);
}

int32_t strength_check(const struct password *self, struct pintle_call *call, const char *field,
		       const char *secret, const char *const *words)
{
	const struct pintle_host *host = self->host;
	size_t length;

	if (!secret)
		return host->invalid(call, field, "required");
	length = code_points(secret);
	if (length < (size_t)self->conf->min_length)
		return host->invalid(call, field, "too_short");
	if (length > MAX_CODE_POINTS)
		return host->invalid(call, field, "too_long");
	if (self->conf->scheme == SCHEME_BCRYPT && strlen(secret) > BCRYPT_MAX)
		return host->invalid(call, field, "too_long");
	if (is_weak(self, secret, words))
		return host->invalid(call, field, "too_weak");
	return PINTLE_OK;
}

static int32_t compare(const struct password *self, struct pintle_call *call, const char *secret,
		       const char *hash)
{
	int32_t is_stale;

	return *hash ? self->host->verify_hash(call, self->setting, secret, hash, &is_stale)
		     : PINTLE_DENIED;
}

int32_t strength_check_history(const struct password *self, struct pintle_call *call,
			       const char *field, const char *secret, const struct credential *old)
{
	int32_t status = compare(self, call, secret, old->hash);
	char *copy = strdup(old->history ? old->history : ""), *rest = copy, *hash;

	if (!copy)
		return PINTLE_INTERNAL;
	for (int64_t i = 0; status == PINTLE_DENIED && i < self->conf->history; i++) {
		hash = strsep(&rest, "\n");
		if (!hash)
			break;
		status = compare(self, call, secret, hash);
	}
	free(copy);
	if (status == PINTLE_OK)
		return self->host->invalid(call, field, "not_allowed");
	return status == PINTLE_DENIED ? PINTLE_OK : status;
}
