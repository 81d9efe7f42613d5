/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a browser's request comes from: which pages are of this server itself (RFC 6454). Own is the
 * origin of server.public_url; without one, what the request was sent to. [any]
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdbool.h>

struct request;

/* Whether Origin is given, once, and is our own. */
bool origin_is_own(const struct request *request);
/* The entry of server.cors_origins that Origin is, or NULL. */
const char *origin_listed(const struct request *request);
/* Whether a page of our own sent this: the browser says so in Sec-Fetch-Site, an older one in Origin.
 * What says neither is not from our pages. */
bool origin_is_own_page(const struct request *request);

#endif
