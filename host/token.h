/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens as texts: access tokens (JWT by libjwt, algorithm and key pinned before it sees anything),
 * refresh tokens (session id, generation and a MAC over both) and cookies (session id and a MAC).
 */
#ifndef TOKEN_H
#define TOKEN_H

#include "arena.h"
#include "keyring.h"
#include "seal.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_MAX 4096 /* longer ones are refused unread */
#define TOKEN_REFRESH_MAX 160

enum token_kind { TOKEN_ACCESS, TOKEN_MFA };

struct token_claims {
	enum token_kind kind;
	char sid[64], sub[64], jti[32];
	int64_t iat, exp; /* seconds */
};

/* [worker] In the arena; NULL when signing fails. Fills jti and iat, and exp when it is 0. */
char *token_issue(const struct keyring *keyring, const struct token_settings *settings,
		  struct arena *arena, struct token_claims *claims);
/* [worker] Signature, kind, iss, aud, exp (60 s of skew on iat only), all claims present. False:
 * not a token of ours, or no longer; *out is undefined then. */
bool token_verify(const struct keyring *keyring, const struct token_settings *settings,
		  const char *text, size_t len, enum token_kind kind, struct token_claims *out);

#define TOKEN_COOKIE_MAX 128

/* [any] sid is of base64url characters. */
void token_refresh_make(const struct seal *seal, const char *sid, int64_t generation,
			char out[TOKEN_REFRESH_MAX]);
bool token_refresh_read(const struct seal *seal, const char *text, char sid_out[64],
			int64_t *generation_out);
/* [any] What a browser's cookie holds: a session's id and a MAC; it ends with the session. */
void token_cookie_make(const struct seal *seal, const char *sid, char out[TOKEN_COOKIE_MAX]);
bool token_cookie_read(const struct seal *seal, const char *text, size_t len, char sid_out[64]);

#endif
