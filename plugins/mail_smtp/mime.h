/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a mail as it goes over the wire (RFC 5322, 2045, 2047): ASCII only, CRLF line ends, no line
 * longer than 78 bytes but that of an address. [any]
 */
#ifndef MIME_H
#define MIME_H

#include <stddef.h>
#include <stdint.h>

/* All lent. from and to must be addresses, the texts of headers header texts: see below. */
struct mime {
	const char *from, *from_name; /* the name may be empty */
	const char *to, *subject;
	const char *text, *html; /* UTF-8; html may be NULL */
	const char *id;          /* of the message: unique, of letters and digits */
	int64_t at_ms;
};

/* Whether text can be an address in a command: ASCII without blanks, quotes and brackets. */
int mime_is_address(const char *text);
/* Whether text can stand in a header: without control characters. */
int mime_is_header_text(const char *text);
/* The domain of an address. */
const char *mime_domain(const char *address);
/* Header and body; to be freed by the caller. NULL without memory. */
char *mime_write(const struct mime *mime, size_t *len_out);

#endif
