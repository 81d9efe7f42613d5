/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that sign access tokens: ES256 pairs in dir/keys made on first start, or HS256 from
 * configuration. A rotated key is published at once, signs after a lead, and verifies until the
 * last token it signed has ended. [any] after keyring_new; reload to see a rotation.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include "err.h"
#include "settings.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stddef.h>

struct keyring;

struct keyring_key {
	char kid[24];
	int alg;                            /* a jwt_alg_t */
	const unsigned char *sign, *verify; /* PEM, or the HS256 secret */
	size_t sign_len, verify_len;
	EVP_PKEY *pair;            /* what sign says, read; NULL for HS256 */
	int64_t from_ms, until_ms; /* signs from; verifies until; 0: open */
};

struct keyring *keyring_new(const struct token_settings *settings, const char *dir,
			    struct err *err);
void keyring_free(struct keyring *keyring);
/* The key that signs now. */
const struct keyring_key *keyring_current(const struct keyring *keyring);
/* A key of the configured set by id, if it still verifies; NULL otherwise. kid is compared,
 * nothing else. */
const struct keyring_key *keyring_find(const struct keyring *keyring, const char *kid);
/* RFC 7517; public members only; no keys for HS256. Owned by the caller. */
json_t *keyring_jwks(const struct keyring *keyring);
const char *keyring_alg_name(const struct keyring *keyring);
/* Makes a new ES256 key file in dir/keys and removes those whose time is over; the next
 * generation sees it. */
bool keyring_rotate(const struct token_settings *settings, const char *dir, char kid_out[24],
		    struct err *err);

#endif
