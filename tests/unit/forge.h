/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signed tokens as an issuer makes them, and as one who would like to be it. */
#ifndef FORGE_H
#define FORGE_H

#include "arena.h"

#include <jansson.h>
#include <openssl/evp.h>

/* "RSA" of bits, or "P-256", "P-384" …; fails the test when it cannot be made. */
EVP_PKEY *forge_pair(const char *kind, unsigned bits);
/* A pair of each kind that issuers sign with, between set-up and tear-down of a group. */
extern EVP_PKEY *forge_rsa, *forge_p256, *forge_p384;
int forge_set_up(void **state);
int forge_tear_down(void **state);
/* The public key as a JSON Web Key with kid, which NULL leaves out. */
json_t *forge_jwk(EVP_PKEY *pair, const char *kid);
/* The public key as PEM, in the arena. */
const char *forge_pem(struct arena *arena, EVP_PKEY *pair);
/* Header and payload are JSON; the digest is that of the algorithm named digest: "SHA256". */
const char *forge_token(struct arena *arena, EVP_PKEY *pair, const char *digest, const char *header,
			const char *payload);
/* With an HMAC of SHA-256 under secret. */
const char *forge_hs256(struct arena *arena, const char *secret, const char *header,
			const char *payload);
/* With that signature, whatever it is. */
const char *forge_parts(struct arena *arena, const char *header, const char *payload,
			const char *signature);

#endif
