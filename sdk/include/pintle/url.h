/* SPDX-License-Identifier: Apache-2.0 */
/* URLs with parameters: small, inline, and no part of the ABI. [any] */
#ifndef PINTLE_URL_H
#define PINTLE_URL_H

#include "host.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether byte stands for itself (RFC 3986, unreserved). */
static inline int pintle_url_is_plain(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || (byte != '\0' && memchr("-._~", byte, 4) != NULL);
}

/* Writes text, percent-encoded and with a NUL, unless out is NULL; its length. */
static inline size_t pintle_url_encode(const char *text, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = 0;

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		int is_plain = pintle_url_is_plain(*text);

		if (out && is_plain)
			out[len] = *text;
		if (out && !is_plain) {
			out[len] = '%';
			out[len + 1] = digits[byte >> 4];
			out[len + 2] = digits[byte & 15];
		}
		len += is_plain ? 1 : 3;
	}
	if (out)
		out[len] = '\0';
	return len;
}

/*
 * base with "name", "value", …, NULL behind it: the first after separator, '?' or '#', the others after
 * '&'. Names are plain; a NULL value is left out. In the call's memory; NULL when there is none.
 *
 * The way back to the page a sign-in was begun on is base = return_to(), '#', and what the page needs:
 * "grant", or "error"; and "state" as the page has given it. Behind '#' it goes to no server and into no
 * log.
 */
static inline const char *pintle_url(const struct pintle_host *host, struct pintle_call *call,
				     const char *base, char separator, const char *const *pairs)
{
	size_t len = strlen(base);
	const char *const *pair;
	char *url;

	for (pair = pairs; *pair; pair += 2)
		len += pair[1] ? strlen(pair[0]) + pintle_url_encode(pair[1], NULL) + 2 : 0;
	url = (char *)host->alloc(call, len + 1);
	if (!url)
		return NULL;
	len = strlen(base);
	memcpy(url, base, len + 1);
	for (pair = pairs; *pair; pair += 2) {
		if (!pair[1])
			continue;
		url[len++] = separator;
		separator = '&';
		memcpy(url + len, pair[0], strlen(pair[0]));
		len += strlen(pair[0]);
		url[len++] = '=';
		len += pintle_url_encode(pair[1], url + len);
	}
	return url;
}

#ifdef __cplusplus
}
#endif
#endif
