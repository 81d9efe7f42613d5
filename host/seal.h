/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets at rest: AES-256-GCM with a key id, bound to a label; keyed hashes under a label; the MAC
 * of refresh tokens. All keys are derived by HKDF-SHA256 from the master secrets of [keys]. [any]
 * after seal_new.
 */
#ifndef SEAL_H
#define SEAL_H

#include "arena.h"
#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define SEAL_MAC_LEN 32
#define SEAL_PLAIN_MAX (1 << 20) /* bytes */

struct seal;

/* secrets as in key_settings; when empty or NULL, dir/keys/master is read, or made (0600). */
struct seal *seal_new(const char *const *secrets, const char *dir, struct err *err);
void seal_free(struct seal *seal);
/* "1.<key id>.<base64url of nonce, text, tag>"; NULL when plain is too long or the
 * random source fails. */
char *seal_text(const struct seal *seal, struct arena *arena, const char *label, const char *plain);
/* NULL when it was changed, has another label or an unknown key. */
char *seal_open(const struct seal *seal, struct arena *arena, const char *label,
		const char *sealed);
/* HMAC-SHA256 under label with the oldest master, so that adding a key changes nothing. */
void seal_mac(const struct seal *seal, const char *label, const void *bytes, size_t len,
	      uint8_t out[SEAL_MAC_LEN]);
/* The same as 64 hex digits. */
void seal_blind(const struct seal *seal, const char *label, const char *text,
		char out[2 * SEAL_MAC_LEN + 1]);

#endif
