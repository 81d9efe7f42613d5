/* SPDX-License-Identifier: Apache-2.0 */
/* TC3-HMAC-SHA256, the signature of Tencent Cloud's interfaces. [any] */
#ifndef SIGN_H
#define SIGN_H

#include <stdbool.h>
#include <stdint.h>

#define SIGN_CONTENT_TYPE "application/json; charset=utf-8"
#define SIGN_AUTHORIZATION_LEN 512

/* A POST to / with a body of SIGN_CONTENT_TYPE. */
struct sign_tc3 {
	const char *host, *service, *action;
	int64_t time_s;
	const char *body;
};

/* The value of the header Authorization, which signs content-type, host and x-tc-action. */
bool sign_tc3(const char *secret_id, const char *secret_key, const struct sign_tc3 *request,
	      char out[SIGN_AUTHORIZATION_LEN]);

#endif
