/* SPDX-License-Identifier: Apache-2.0 */
/* Proof key for code exchange, RFC 7636. [any] */
#ifndef PKCE_H
#define PKCE_H

#include <stdbool.h>

#define PKCE_CHALLENGE_LEN 43

/* Method S256. False when OpenSSL fails. */
bool pkce_challenge(const char *verifier, char out[PKCE_CHALLENGE_LEN + 1]);

#endif
