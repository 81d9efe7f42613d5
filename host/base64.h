/* SPDX-License-Identifier: Apache-2.0 */
/* base64url without padding (RFC 4648 5, RFC 7515 2) and hex. [any] */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>

#define BASE64_LEN(n) (((n)*4 + 2) / 3)

/* Writes BASE64_LEN(len) characters and a NUL; returns the characters. */
size_t base64url_encode(const void *bytes, size_t len, char *out);
/* Strict: no padding, no white space, no non-zero trailing bits. out_max bounds what is written. */
bool base64url_decode(const char *text, size_t len, void *out, size_t out_max, size_t *len_out);
/* The ordinary alphabet with padding, for keys in configuration. */
bool base64_decode(const char *text, size_t len, void *out, size_t out_max, size_t *len_out);
void hex_encode(const void *bytes, size_t len, char *out); /* 2 * len characters and a NUL */

#endif
