/* SPDX-License-Identifier: Apache-2.0 */
/* The audit line of what a handler did: actor, address and request id are the request's. */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include "request.h"

/* [worker] One step of tx. On the control socket the actor is the system. */
int32_t api_audit(const struct request *request, struct tx *tx, const char *action,
		  const char *target, const char *result);

#endif
