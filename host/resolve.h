/* SPDX-License-Identifier: Apache-2.0 */
/* Names of other machines to addresses, as the system looks them up, but within a deadline. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <stddef.h>
#include <stdint.h>

/*
 * [worker] The numeric addresses of name into out, in the system's order of preference, separated by a
 * space, as many as fit; a numeric name is its own address. NOT_FOUND: there is no such name; TIMEOUT;
 * UNAVAILABLE: the look-up failed, or too many hang already.
 */
int32_t resolve_name(const char *name, int64_t timeout_ms, char *out, size_t out_len);

#endif
