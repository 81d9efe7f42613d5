/* SPDX-License-Identifier: Apache-2.0 */
/* docs/openapi.yaml as JSON, embedded at build. */
#ifndef OPENAPI_H
#define OPENAPI_H

#include <stddef.h>

extern const char openapi_json[]; /* not NUL-terminated */
extern const size_t openapi_json_len;

#endif
