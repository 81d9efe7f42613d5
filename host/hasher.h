/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashing of secrets on its own few threads at nice 19, so that it never starves anything else. The
 * schemes: bcrypt and argon2id to make, those and foreign ones to verify (crypt(5) methods, PBKDF2 of
 * Django and passlib). A stored hash with an unknown scheme or a cost beyond bounds never matches.
 */
#ifndef HASHER_H
#define HASHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASHER_TEXT_MAX 256

struct hasher;

struct hasher *hasher_new(size_t n_threads, size_t queue);
void hasher_free(struct hasher *hasher);
/*
 * [worker] Both wait for their turn until deadline (monotonic ms) and return a pintle_status: BUSY when
 * the queue is full, TIMEOUT. setting is "bcrypt:10" or "argon2id:19456:2:1".
 * hash: INVALID when the secret is longer than the scheme takes (72 bytes for bcrypt) or the setting
 * is none. verify: OK, DENIED; a NULL stored costs what setting costs and is DENIED.
 */
int32_t hasher_hash(struct hasher *hasher, const char *setting, const char *secret,
		    int64_t deadline_ms, char out[HASHER_TEXT_MAX]);
int32_t hasher_verify(struct hasher *hasher, const char *setting, const char *secret,
		      const char *stored, int64_t deadline_ms, bool *is_stale_out);
/* Whether setting names a scheme and a cost this build can make; for checking configuration. */
bool hasher_setting_ok(const char *setting);
size_t hasher_waiting(struct hasher *hasher);
size_t hasher_running(struct hasher *hasher);

#endif
