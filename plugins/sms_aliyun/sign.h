/* SPDX-License-Identifier: Apache-2.0 */
/* The two signatures of Alibaba Cloud's RPC interfaces. [any] */
#ifndef SIGN_H
#define SIGN_H

#include <stdbool.h>
#include <stddef.h>

#define SIGN_RPC_LEN 29 /* Base64 of an HMAC-SHA1, with its NUL */
#define SIGN_AUTHORIZATION_LEN 512
#define SIGN_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGN_ACS3_HEADERS                                                                          \
	"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"

struct sign_param {
	const char *name, *value;
};

/* Sorts params by name and gives "name=value&…", percent-encoded. To be wiped and freed; NULL without
 * memory. */
char *sign_query(struct sign_param *params, size_t n_params);

/* Version 1.0: HMAC-SHA1 over method and query, which is the sorted parameters. */
bool sign_rpc(const char *secret, const char *method, const char *query, char out[SIGN_RPC_LEN]);

/* Version 3: a request without a body, all of it in query. */
struct sign_acs3 {
	const char *method, *host, *action, *version;
	const char *date; /* 2023-10-26T10:22:32Z */
	const char *nonce;
	const char *query;
};

/* The value of the header Authorization, which signs SIGN_ACS3_HEADERS. */
bool sign_acs3(const char *key_id, const char *secret, const struct sign_acs3 *request,
	       char out[SIGN_AUTHORIZATION_LEN]);

#endif
