/* SPDX-License-Identifier: Apache-2.0 */
/* The token in which an issuer names a person (OpenID Connect Core, 3.1.3.7). [any] */
#ifndef IDTOKEN_H
#define IDTOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define IDTOKEN_MAX 16384
#define IDTOKEN_SUB_MAX 255

/* What the token says of its key, to be looked up among those of the issuer. */
struct idtoken_head {
	char alg[8];   /* one that is taken */
	char kid[256]; /* "" when it names none */
};

/* What it must say besides. */
struct idtoken_rules {
	const char *issuer, *issuer_too; /* issuer_too: another spelling, or NULL */
	const char *client_id, *nonce;
	const char *hosted_domain; /* "" when any will do */
	int64_t now_s;
};

/* Both: NULL when all is right, else what is wrong, for the log. */
const char *idtoken_head(const char *token, struct idtoken_head *out);
/* pem is the key for that head. claims_out is to be json_decref'ed; NULL when something is wrong. */
const char *idtoken_check(const char *token, const struct idtoken_head *head, const char *pem,
			  const struct idtoken_rules *rules, json_t **claims_out);

/* A name of a person as an issuer may give it. */
bool idtoken_is_sub(const char *sub);

#endif
