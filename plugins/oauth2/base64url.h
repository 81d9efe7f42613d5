/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4648, section 5, without padding, as JOSE and PKCE have it. [any] */
#ifndef BASE64URL_H
#define BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

#define BASE64URL_LEN(n) (((n)*4 + 2) / 3)

/* Writes BASE64URL_LEN(len) characters and a NUL. */
void base64url_write(const unsigned char *bytes, size_t len, char *out);
/* False for what is not the one spelling of at most out_max bytes. */
bool base64url_read(const char *text, size_t len, unsigned char *out, size_t out_max,
		    size_t *len_out);

#endif
