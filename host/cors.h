/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-origin requests: only for exactly listed origins, never with credentials. Off by default. */
#ifndef CORS_H
#define CORS_H

#include <stdbool.h>

struct request;

/* [loop] Answers an OPTIONS of a listed origin with 204; false when it is none. */
bool cors_preflight(struct request *request);
/* Adds the headers a listed origin needs to read the answer. */
void cors_apply(struct request *request);

#endif
