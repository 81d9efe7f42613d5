/* SPDX-License-Identifier: Apache-2.0 */
/* Where a browser may be sent back to: a closed list, and paths of this server. [any] */
#ifndef RETURN_URL_H
#define RETURN_URL_H

#include "arena.h"

#include <stdbool.h>

/* Whether text can stand in a Location as it is: an http or https URL, or a path of this server, of
 * printable ASCII, of at most 3072 bytes. */
bool return_url_is_plain(const char *text);
/* Whether text is a path that no browser takes for another server, of at most 2048 bytes. */
bool return_url_is_path(const char *text);
/* The whole URL of what a client has asked for, NULL: nothing; base is this server's URL or "". NULL when
 * it is neither in allowed, byte for byte, nor a path. */
const char *return_url_find(struct arena *arena, const char *const *allowed, const char *base,
			    const char *text);

#endif
