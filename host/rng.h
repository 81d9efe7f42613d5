/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes and texts from the kernel by way of OpenSSL. [any] A failure is a fault of the
 * caller. */
#ifndef RNG_H
#define RNG_H

#include <stdbool.h>
#include <stddef.h>

bool rng_bytes(void *out, size_t len);
/* n_digits decimal digits, each equally likely, and a NUL. */
bool rng_digits(char *out, size_t n_digits);
/* 131 bits as letters and digits only, and a NUL: for the state of an upstream, which may take no other. */
#define RNG_WORD_LEN 22
bool rng_word(char out[RNG_WORD_LEN + 1]);
/* 128 bits as 22 characters of base64url and a NUL: ids of flows, sessions, requests, tokens. */
#define RNG_ID_LEN 22
bool rng_id(char out[RNG_ID_LEN + 1]);
/* RFC 9562 version 4, lower case. */
#define RNG_UUID_LEN 36
bool rng_uuid(char out[RNG_UUID_LEN + 1]);

#endif
