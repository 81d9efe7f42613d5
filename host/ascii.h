/* SPDX-License-Identifier: Apache-2.0 */
/* Small questions about bytes of protocols, free of the locale. [any] */
#ifndef ASCII_H
#define ASCII_H

#include "slice.h"

/* The value of a hexadecimal digit, or -1. */
static inline int ascii_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Without the spaces and tabs around it. */
static inline struct slice ascii_trim(struct slice slice)
{
	while (slice.len > 0 && (slice.ptr[0] == ' ' || slice.ptr[0] == '\t')) {
		slice.ptr++;
		slice.len--;
	}
	while (slice.len > 0 &&
	       (slice.ptr[slice.len - 1] == ' ' || slice.ptr[slice.len - 1] == '\t'))
		slice.len--;
	return slice;
}

#endif
