/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that an issuer publishes: a JSON Web Key Set, RFC 7517. [any] */
#ifndef KEYS_H
#define KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether tokens of this algorithm are taken at all: RS256, RS384, RS512, ES256, ES384. */
bool keys_takes(const char *alg);

/* Whether json is a set of keys, with at least one of a kind that is taken. */
bool keys_is_set(const json_t *json);

/* The one public key of set that may check a signature of that algorithm, as PEM to be freed; kid "": the token
 * names none. NOT_FOUND when there is none, or more than one, or what is there is no key. */
int32_t keys_pem(const json_t *set, const char *alg, const char *kid, char **pem_out);

#endif
