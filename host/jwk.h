/* SPDX-License-Identifier: Apache-2.0 */
/* P-256 pairs in the forms OpenSSL and JOSE have for them. [any] */
#ifndef JWK_H
#define JWK_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

EVP_PKEY *jwk_pair_new(void); /* NULL when the random source fails */
/* PKCS8 as PEM; NULL when it is anything but a private key of P-256. */
EVP_PKEY *jwk_pair_read(const char *pem, size_t len);
/* PEM on the heap, NUL-terminated. */
char *jwk_private_pem(EVP_PKEY *pair, size_t *len_out);
char *jwk_public_pem(EVP_PKEY *pair, size_t *len_out);
/* {crv, kty, x, y}: what the thumbprint is made of. */
json_t *jwk_members(EVP_PKEY *pair);
/* ES256 of RFC 7518: r and s, one after the other. False when the random source fails. */
#define JWK_SIGNATURE_LEN 64
bool jwk_sign(EVP_PKEY *pair, const char *text, size_t len, uint8_t out[JWK_SIGNATURE_LEN]);
/* RFC 7638 of an object that holds the required members alone. */
#define JWK_THUMBPRINT_LEN 43
void jwk_thumbprint(const json_t *members, char out[JWK_THUMBPRINT_LEN + 1]);

#endif
