/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP Basic, RFC 7617: inline, and no part of the ABI. A plugin that uses it links -lcrypto. */
#ifndef PINTLE_BASIC_H
#define PINTLE_BASIC_H

#include "host.h"

#include <openssl/evp.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PINTLE_CREDENTIALS_MAX 512
#define PINTLE_BASIC_MAX (PINTLE_CREDENTIALS_MAX / 3 * 4 + 40)

/* [any] The whole header line into out, to be wiped; 0 when user, which has no colon, and secret are too
 * long. */
static inline int pintle_basic(const struct pintle_host *host, const char *user, const char *secret,
			       char out[PINTLE_BASIC_MAX])
{
	char credentials[PINTLE_CREDENTIALS_MAX], base64[PINTLE_CREDENTIALS_MAX / 3 * 4 + 8];
	int len = snprintf(credentials, sizeof(credentials), "%s:%s", user, secret);
	int fits = len < (int)sizeof(credentials);

	if (fits) {
		(void)EVP_EncodeBlock((unsigned char *)base64, (unsigned char *)credentials, len);
		(void)snprintf(out, PINTLE_BASIC_MAX, "Authorization: Basic %s", base64);
	}
	host->wipe(credentials, sizeof(credentials));
	host->wipe(base64, sizeof(base64));
	return fits;
}

#ifdef __cplusplus
}
#endif
#endif
