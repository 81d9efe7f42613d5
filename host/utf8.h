/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by code points. [any] */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD (-1)

/* The code point at *text, which moves on; 0 at the end, where it stays; UTF8_BAD for a byte that begins
 * none (also overlong forms and surrogates). */
int32_t utf8_next(const char **text);
bool utf8_is_valid(const char *text);
size_t utf8_count(const char *text); /* code points; a bad byte counts as one */
/* Copies the code points of text that fit; a bad byte becomes '?', NULL gives "". */
void utf8_copy(char *out, size_t size, const char *text);

#endif
