/* SPDX-License-Identifier: Apache-2.0 */
/* How long an answer may be kept (RFC 9111). [any] */
#ifndef HTTP_AGE_H
#define HTTP_AGE_H

#include <curl/curl.h>
#include <stdint.h>

/* What Cache-Control allows, less the Age it has already, of a transfer that has ended. 0: nothing is said,
 * it forbids to keep the answer, or says so in words that make no sense. */
int64_t http_age_left_ms(CURL *easy);

#endif
