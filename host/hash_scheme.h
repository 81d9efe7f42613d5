/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schemes of stored secrets: what is made, and what is understood. Everything computes on the
 * calling thread and may take most of a second; hasher.c decides where and when. [any]
 */
#ifndef HASH_SCHEME_H
#define HASH_SCHEME_H

#include "hasher.h"

/* "bcrypt:10" or "argon2id:19456:2:1", taken apart. */
struct hash_setting {
	bool is_bcrypt;
	uint32_t cost;               /* bcrypt: log2 of the rounds */
	uint32_t kib, passes, lanes; /* argon2id */
};

/* False when text is no setting, or its cost is one this build does not make. */
bool hash_setting_read(struct hash_setting *setting, const char *text);
/* False when the scheme cannot take the secret whole. */
bool hash_fits(const struct hash_setting *setting, const char *secret);
/* Makes a hash with a fresh salt; false when the random source or the library fails. */
bool hash_make(const struct hash_setting *setting, const char *secret, char out[HASHER_TEXT_MAX]);
/* Whether stored, of whatever scheme, is the hash of secret. *is_known_out: stored is of a scheme and a
 * cost that are understood, so that the work has been done. */
bool hash_matches(const char *secret, const char *stored, bool *is_known_out);
/* Whether stored was made with this setting. */
bool hash_is_current(const struct hash_setting *setting, const char *stored);

/* hash_foreign.c: PBKDF2-SHA256 as Django and passlib write it. */
bool hash_foreign_matches(const char *secret, const char *stored, bool *is_known_out);

#endif
